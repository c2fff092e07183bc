"""Tapes of which the truth is known, and whether study, gates and policies find it."""
