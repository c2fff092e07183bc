"""Policies of kind inventory, found by the registry; one file each."""
