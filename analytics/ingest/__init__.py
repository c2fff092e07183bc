"""Into the lake: segments, journals and other people's recordings, exactly once."""
