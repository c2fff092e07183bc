"""Out of the lake for other tools: Parquet files and hftbacktest's event arrays."""
