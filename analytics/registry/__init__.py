"""Versions in MLflow: runs, model versions, aliases, promotion and rollback."""
