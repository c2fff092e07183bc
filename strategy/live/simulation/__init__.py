"""The replay's venue in real time: for versions that run in the shadow, and for a venue that is simulated."""
