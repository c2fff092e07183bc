"""Drivers over a tape and the fill model."""
