"""The commands by what they touch; each only reads its options, calls a flow or a room, and shows the result."""
