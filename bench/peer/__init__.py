"""The same strategy on hftbacktest: fills compared one by one, and what a parameter set costs on both."""
