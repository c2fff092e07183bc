"""What every test shares: examples are drawn the same way in every run, and no example is timed."""

from hypothesis import settings

settings.register_profile("seeded", derandomize=True, deadline=None, database=None)
settings.load_profile("seeded")
