"""Orchestration only: thin Prefect flows and the command line."""
