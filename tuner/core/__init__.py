"""Values: hyperparameters, trials, objectives, metrics. No input or output."""
