"""Policies of kind volatility, found by the registry; one file each."""
