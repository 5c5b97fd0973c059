"""Keras Tuner's names, and its projects taken over."""
