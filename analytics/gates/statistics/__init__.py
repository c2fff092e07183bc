"""Statistics of backtests, pure and seeded: what a good result among many tries is worth."""
