"""What to quote and how it meets a venue."""
