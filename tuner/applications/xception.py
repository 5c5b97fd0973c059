"""Xception with its width, its depth and its top to be searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner.applications.inputs import channel_axis, check_classes, check_input, image_input
from tuner.core.hypermodel import HyperModel
from tuner.core.hyperparameters import HyperParameters


class HyperXception(HyperModel):
    """A network of depthwise separable convolutions with residual connections (Chollet, 2017).

    Its parameters are "activation", "conv2d_num_filters", "kernel_size", "initial_strides",
    "sep_num_filters", "num_residual_blocks" and "pooling", with the top also "num_dense_layers",
    "dropout_rate", "dense_use_bn" and "learning_rate". Labels are one-hot.

    Example:
        >>> hypermodel = HyperXception(input_shape=(32, 32, 3), classes=10)
        >>> tuner = RandomSearch(hypermodel, objective="val_accuracy", max_trials=20)

    Args:
        include_top: Whether the model ends in a classifier and is compiled; else it ends in the
            pooled features and is left for you to compile.
        input_shape: `(height, width, channels)`. This or `input_tensor` is needed.
        input_tensor: A Keras tensor of images.
        classes: How many classes there are; needed with the top.
        **kwargs: `name` and `tunable`, as of `HyperModel`.

    Raises:
        ValueError: What is needed is missing.
    """

    def __init__(
        self,
        include_top: bool = True,
        input_shape: Sequence[int | None] | None = None,
        input_tensor: Any = None,
        classes: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if include_top:
            check_classes(classes, way_out=", or pass include_top=False")
        check_input(input_shape, input_tensor)
        self.include_top = include_top
        self.input_shape = input_shape
        self.input_tensor = input_tensor
        self.classes = classes

    def build(self, hp: HyperParameters) -> Any:
        import keras

        inputs, x = image_input(self.input_shape, self.input_tensor)
        activation = hp.Choice("activation", ["relu", "selu"])
        x = _features(x, activation, hp)
        if not self.include_top:
            return keras.Model(inputs, x, name="Xception")
        x = self._top(x, activation, hp)
        model = keras.Model(inputs, x, name="Xception")
        optimizer = keras.optimizers.Adam(hp.Choice("learning_rate", [1e-3, 1e-4, 1e-5]))
        model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
        return model

    def _top(self, x: Any, activation: str, hp: HyperParameters) -> Any:
        from keras import layers

        depth = hp.Int("num_dense_layers", 1, 3)
        dropout = hp.Float("dropout_rate", 0.0, 0.6, step=0.1, default=0.5)
        normalise = hp.Choice("dense_use_bn", [True, False])
        for _ in range(depth):
            x = layers.Dense(self.classes, **_nonlinear(activation, "kernel"))(x)
            if normalise and activation == "relu":
                x = layers.BatchNormalization()(x)
            if dropout:
                x = layers.Dropout(dropout)(x)
        return layers.Dense(self.classes, activation="softmax")(x)


def _features(x: Any, activation: str, hp: HyperParameters) -> Any:
    """Entry, middle and exit flow of Chollet (2017), figure 5, with few parameters."""
    from keras import layers

    filters = hp.Choice("conv2d_num_filters", [32, 64, 128], default=64)
    size = hp.Choice("kernel_size", [3, 5])
    strides = hp.Choice("initial_strides", [2])
    width = hp.Int("sep_num_filters", 128, 768, step=128, default=256)
    depth = hp.Int("num_residual_blocks", 2, 8, default=4)
    pooling = hp.Choice("pooling", ["avg", "flatten", "max"])

    x = _convolve(x, filters, size, activation, strides=strides)
    for _ in range(depth):
        x = _residual(x, width, activation)
    x = _residual(x, 2 * width, activation, halve=True)
    if pooling == "flatten":
        return layers.Flatten()(x)
    pool = layers.GlobalAveragePooling2D if pooling == "avg" else layers.GlobalMaxPooling2D
    return pool()(x)


def _residual(x: Any, width: int, activation: str, *, halve: bool = False) -> Any:
    """Two separable convolutions beside a shortcut, which is a 1x1 convolution where it must."""
    from keras import layers

    shortcut = x
    if halve or x.shape[channel_axis()] != width:
        shortcut = layers.Conv2D(width, 1, strides=2 if halve else 1, padding="same")(x)
    for _ in range(2):
        x = _convolve(x, width, 3, activation, separable=True)
    if halve:
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    return layers.Add()([x, shortcut])


def _convolve(
    x: Any,
    filters: int,
    size: int,
    activation: str,
    *,
    strides: int = 1,
    separable: bool = False,
) -> Any:
    from keras import layers

    kind = layers.SeparableConv2D if separable else layers.Conv2D
    kernels = ["depthwise", "pointwise"] if separable else ["kernel"]
    options = {"strides": strides, "padding": "same"}
    if activation == "selu":
        return kind(filters, size, **options, **_nonlinear("selu", *kernels))(x)
    x = kind(filters, size, use_bias=False, **options)(x)
    x = layers.BatchNormalization(axis=channel_axis())(x)
    return layers.Activation("relu")(x)


def _nonlinear(activation: str, *kernels: str) -> dict[str, str]:
    """A layer's activation, and how its kernels are drawn.

    SELU normalises by itself if they are drawn after LeCun (Klambauer et al., 2017).
    """
    if activation == "relu":
        return {"activation": "relu"}
    drawn = {f"{kernel}_initializer": "lecun_normal" for kernel in kernels}
    return {"activation": "selu", **drawn}
