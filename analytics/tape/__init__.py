"""Out of the lake for the replay: books rebuilt, columns kept on disk, latencies that sessions recorded."""
