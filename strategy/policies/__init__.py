"""The registries: one concept a file, one small contract each."""
