"""The lake: one door to DuckLake, who writes, what it holds, how good that is, and the care it needs."""
