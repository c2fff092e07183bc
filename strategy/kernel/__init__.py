"""Pure jitted functions and record types: no I/O, clock, logging or randomness."""
