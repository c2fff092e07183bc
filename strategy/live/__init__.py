"""Capture, runtime, order slots at the venue, journal and supervisor."""
