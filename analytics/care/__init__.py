"""What the lake holds, how good it is, and the care it needs: quality, retention, compaction, snapshots."""
