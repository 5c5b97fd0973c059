"""Programs written for Keras Tuner: its module names, answered by Trialflow."""

from tuner.keras_tuner.aliases import alias_keras_tuner, is_aliased

__all__ = ["alias_keras_tuner", "is_aliased"]
