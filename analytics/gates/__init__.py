"""What a winner must pass before it may quote: evidence, statistics, verdicts."""
