"""Compiles a model again with what a tuner overrides."""

from __future__ import annotations

from typing import Any


def override_compile_args(model: Any, optimizer: Any, loss: Any, metrics: Any) -> None:
    """Compiles the model again; what is None stays as the model was compiled.

    Args:
        model: A Keras model, compiled or not.
        optimizer: A name, or an optimizer, of which each model gets a fresh copy: an optimizer
            belongs to the variables of the first model it has trained.
        loss: What `compile` takes.
        metrics: Likewise.
    """
    if optimizer is None and loss is None and metrics is None:
        return
    config = (model.get_compile_config() if model.compiled else None) or {}
    compiled = {
        "optimizer": getattr(model, "optimizer", None),
        "loss": getattr(model, "loss", None),
        "metrics": config.get("metrics"),
    }
    overrides = {"optimizer": _fresh(optimizer), "loss": loss, "metrics": metrics}
    compiled.update({name: value for name, value in overrides.items() if value is not None})
    if compiled["optimizer"] is None:
        del compiled["optimizer"]  # Keras has a default
    model.compile(**compiled)


def _fresh(optimizer: Any) -> Any:
    import keras

    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return optimizer
    return keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
