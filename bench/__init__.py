"""Measured ratios: `python -m bench`."""
