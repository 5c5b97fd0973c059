"""ResNet with its version and its depth to be searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner.applications import residual
from tuner.applications.inputs import check_classes, check_input, image_input
from tuner.hypermodel import HyperModel
from tuner.hyperparameters import HyperParameters


class HyperResNet(HyperModel):
    """A residual network: v1 (He et al., 2015), v2 (He et al., 2016) or ResNeXt (Xie et al., 2017).

    Its parameters are "version", "conv3_depth", "conv4_depth" and "pooling", with the top also
    "optimizer" and "learning_rate". Labels are one-hot.

    Example:
        >>> hypermodel = HyperResNet(input_shape=(32, 32, 3), classes=10)
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

        version = hp.Choice("version", ["v1", "v2", "next"], default="v2")
        depths = [3, hp.Choice("conv3_depth", [4, 8]), hp.Choice("conv4_depth", [6, 23, 36]), 3]
        pooling = hp.Choice("pooling", ["avg", "max"], default="avg")

        inputs, x = image_input(self.input_shape, self.input_tensor)
        x = residual.stages(residual.stem(x, version), version, depths)
        if pooling == "avg":
            x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(x)
        else:
            x = keras.layers.GlobalMaxPooling2D(name="max_pool")(x)
        if not self.include_top:
            return keras.Model(inputs, x, name="ResNet")
        x = keras.layers.Dense(self.classes, activation="softmax", name="probs")(x)
        model = keras.Model(inputs, x, name="ResNet")
        optimizer = keras.optimizers.get(
            hp.Choice("optimizer", ["adam", "rmsprop", "sgd"], default="adam")
        )
        optimizer.learning_rate = hp.Choice("learning_rate", [0.1, 0.01, 0.001], default=0.01)
        model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
        return model
