"""Augmentation of images with its strength to be searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner.applications.inputs import check_input, image_input
from tuner.core.hypermodel import HyperModel
from tuner.core.hyperparameters import HyperParameters


class HyperImageAugment(HyperModel):
    """A model from images to images of the same shape, changed at random in training only.

    Each transform has a strength, searched as "factor_rotate", "factor_translate_x",
    "factor_translate_y" and "factor_contrast". Either several layers are applied, each of which
    draws one of the transforms for each image, after RandAugment (Cubuk et al., 2020), and their
    number is searched as "augment_layers"; or all transforms are applied one after another. Images
    are expected in [0, 255], since the contrast is clipped to that.

    Example:
        >>> augment = HyperImageAugment(input_shape=(32, 32, 3), rotate=[0.2, 0.3], contrast=None)
        >>> hypermodel = HyperEfficientNet((32, 32, 3), classes=10, augmentation_model=augment)

    Args:
        input_shape: `(height, width, channels)`. This or `input_tensor` is needed.
        input_tensor: A Keras tensor of images.
        rotate: Greatest rotation either way, as part of a full turn: the bound of its search from
            zero, or a pair of bounds, all within [0, 1]. None leaves the transform out.
        translate_x: Greatest horizontal shift, as part of the width; likewise.
        translate_y: Greatest vertical shift, as part of the height; likewise.
        contrast: Greatest change of contrast; likewise.
        augment_layers: Greatest number of RandAugment's layers, searched from 1, or a pair of
            bounds; None or 0 for all transforms one after another.
        **kwargs: `name` and `tunable`, as of `HyperModel`.

    Raises:
        ValueError: What is needed is missing, or a bound is wrong.
    """

    def __init__(
        self,
        input_shape: Sequence[int | None] | None = None,
        input_tensor: Any = None,
        rotate: Any = 0.5,
        translate_x: Any = 0.4,
        translate_y: Any = 0.4,
        contrast: Any = 0.3,
        augment_layers: Any = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_input(input_shape, input_tensor)
        self.input_shape = input_shape
        self.input_tensor = input_tensor
        self.transforms: list[tuple[str, tuple[float, float]]] = []
        self._register_transform("rotate", rotate)
        self._register_transform("translate_x", translate_x)
        self._register_transform("translate_y", translate_y)
        self._register_transform("contrast", contrast)
        self.model_name = "image_augment"
        if augment_layers:
            self.model_name = "image_rand_augment"
            bounds = _layer_bounds(augment_layers)
            self.augment_layers_min, self.augment_layers_max = bounds

    def build(self, hp: HyperParameters) -> Any:
        import keras

        inputs, x = image_input(self.input_shape, self.input_tensor)
        if self.model_name == "image_rand_augment":
            x = self._build_randaug_layers(x, hp)
        else:
            x = self._build_fixedaug_layers(x, hp)
        return keras.Model(inputs, x, name=self.model_name)

    def _build_randaug_layers(self, inputs: Any, hp: HyperParameters) -> Any:
        """Layers of RandAugment, of equal strength."""
        from tuner.applications.augment_layers import RandAugment

        lowest = self.augment_layers_min
        count = hp.Int("augment_layers", lowest, self.augment_layers_max, default=lowest)
        x = inputs
        for _ in range(count):
            factors = {
                name: hp.Float(f"factor_{name}", low, high, default=low)
                for name, (low, high) in self.transforms
            }
            if any(factors.values()):
                x = RandAugment(factors)(x)
        return x

    def _build_fixedaug_layers(self, inputs: Any, hp: HyperParameters) -> Any:
        """Every transform, one after another."""
        from tuner.applications.augment_layers import make_transform

        x = inputs
        for name, (low, high) in self.transforms:
            factor = hp.Float(f"factor_{name}", low, high, step=0.05, default=low)
            if factor:
                x = make_transform(name, factor)(x)
        return x

    def _register_transform(self, transform_name: str, transform_params: Any) -> None:
        """Adds a transform to `transforms`, unless its parameters are None or zero."""
        if not transform_params:
            return
        bounds = _pair(transform_params, lowest=0)
        if not (_are(bounds, (int, float)) and 0 <= bounds[0] <= bounds[1] <= 1):
            msg = (
                f"Expected `{transform_name}` to be a number from 0 to 1, a pair of such numbers, "
                "the lower first, or None: a bound must be int or float, and their number must not "
                f"exceed 2. Received: {transform_name}={transform_params!r}."
            )
            raise ValueError(msg)
        self.transforms.append((transform_name, (bounds[0], bounds[1])))


def _layer_bounds(augment_layers: Any) -> tuple[int, int]:
    bounds = _pair(augment_layers, lowest=1)
    if not (_are(bounds, (int,)) and 0 <= bounds[0] <= bounds[1]):
        msg = (
            "Expected `augment_layers` to be a positive int, a pair of ints, the lower first, or 0 "
            "for all transforms one after another: a bound must be int. Received: "
            f"augment_layers={augment_layers!r}."
        )
        raise ValueError(msg)
    return bounds[0], bounds[1]


def _pair(bounds: Any, *, lowest: int) -> list[Any]:
    """The bounds as they are given, or from the lowest to the one that is given."""
    return list(bounds) if isinstance(bounds, (list, tuple)) else [lowest, bounds]


def _are(bounds: Sequence[Any], types: tuple[type, ...]) -> bool:
    return len(bounds) == 2 and all(isinstance(bound, types) for bound in bounds)  # noqa: PLR2004
