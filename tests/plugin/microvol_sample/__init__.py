"""A package of policies that knows microvol, and that microvol knows by its entry points alone."""
