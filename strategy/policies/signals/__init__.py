"""Policies of kind signals, found by the registry; one file each."""
