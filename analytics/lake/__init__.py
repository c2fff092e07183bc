"""The lake: one door to DuckLake, where it is, who writes, and the units that it stores prices and sizes in."""
