"""A version's parameters as a controller of Hummingbot: its files, and how they come from the kernel's own sources."""
