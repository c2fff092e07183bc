"""Everything on one lake at once, for minutes: `python -m bench.soak`."""
