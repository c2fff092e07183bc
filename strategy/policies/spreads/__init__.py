"""Policies of kind spreads, found by the registry; one file each."""
