"""The recorder and the lake, measured: what is captured, taken in, stored and read again."""
