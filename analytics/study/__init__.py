"""The search: space, samplers, folds, objectives, and what a calibration does from tape to challenger."""
