"""Readers of other people's recordings, one file a format, behind one seam (`analytics.ingest.readers.seam`)."""
