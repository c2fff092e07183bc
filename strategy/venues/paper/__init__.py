"""A Binance-spot look-alike on loopback: real queues, seeded flow, the venue's own words."""
