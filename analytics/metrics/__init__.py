"""What a session or a replay did, as numbers: one implementation for both."""
