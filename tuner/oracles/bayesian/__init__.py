"""The parts of Bayesian optimisation: numpy and scipy in, numbers out, no history and no state."""
