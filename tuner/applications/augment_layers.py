"""Layers that augment images. Imports keras: only `HyperImageAugment.build` imports this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops


def make_transform(name: str, factor: float) -> Any:
    """The Keras layer of a transform.

    Args:
        name: One of "rotate", "translate_x", "translate_y" and "contrast".
        factor: How strong it is at most: part of a full turn, of the width, of the height, or of
            the distance from the mean colour.
    """
    match name:
        case "rotate":
            return keras.layers.RandomRotation(factor)
        case "translate_x":
            return keras.layers.RandomTranslation(height_factor=0.0, width_factor=factor)
        case "translate_y":
            return keras.layers.RandomTranslation(height_factor=factor, width_factor=0.0)
        case _:
            return keras.layers.RandomContrast(factor)


@keras.saving.register_keras_serializable(package="trialflow")
class RandAugment(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """Applies to each image one of several transforms, drawn evenly (Cubuk et al., 2020).

    As in section 3 there, but that each transform keeps a strength of its own. Does nothing
    outside of training. Import this module before you load a model that was saved with it.

    Args:
        factors: By name of the transform, its strength; see `make_transform`. At zero an image
            stays as it is.
        **kwargs: Of any layer.
    """

    def __init__(self, factors: Mapping[str, float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factors = dict(factors)
        self.generator = keras.random.SeedGenerator()
        self.active = [i for i, factor in enumerate(factors.values()) if factor]
        names = list(factors)
        self.transforms = [make_transform(names[i], factors[names[i]]) for i in self.active]

    def build(self, input_shape: Any) -> None:
        for transform in self.transforms:
            transform.build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        if not training or not self.transforms:
            return x
        shape = (ops.shape(x)[0], 1, 1, 1)
        chosen = keras.random.randint(shape, 0, len(self.factors), seed=self.generator)
        for i, transform in zip(self.active, self.transforms, strict=True):
            x = ops.where(ops.equal(chosen, i), transform(x, training=True), x)
        return x

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factors": dict(self.factors)}
