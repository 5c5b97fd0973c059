"""Inputs and classes of the hypermodels for images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def check_input(input_shape: Sequence[int | None] | None, input_tensor: Any) -> None:
    """Refuses a hypermodel that knows nothing of its images.

    Raises:
        ValueError: Neither is given.
    """
    if input_shape is None and input_tensor is None:
        msg = (
            "Expected `input_shape` or `input_tensor`. Received: input_shape=None, "
            "input_tensor=None. You must specify one of them, e.g. input_shape=(32, 32, 3)."
        )
        raise ValueError(msg)


def check_classes(classes: int | None, *, way_out: str = "") -> None:
    """Refuses a classifier without classes.

    Args:
        classes: How many classes there are.
        way_out: What else the caller may do, for the message.

    Raises:
        ValueError: There are none.
    """
    if not classes:
        msg = f"Expected `classes`, the number of classes. Received: classes={classes!r}."
        raise ValueError(f"{msg} You must specify `classes`{way_out}.")


def image_input(input_shape: Sequence[int | None] | None, input_tensor: Any) -> tuple[Any, Any]:
    """The inputs of the model, and the tensor its first layer takes.

    With `input_tensor` the model begins where that tensor comes from; the layers before it, and
    their weights, are shared by all models that are built.
    """
    import keras

    if input_tensor is not None:
        return keras.utils.get_source_inputs(input_tensor), input_tensor
    inputs = keras.Input(shape=input_shape)
    return inputs, inputs


def channel_axis() -> int:
    """The axis of the channels in a batch of images."""
    import keras

    return 3 if keras.config.image_data_format() == "channels_last" else 1
