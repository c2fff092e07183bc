"""What a tick costs until its order is on the way, and what ten symbols cost: `python -m bench.live`."""
