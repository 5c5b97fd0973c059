"""ResNets with their depths and widths as hyperparameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tuner.applications.inputs import channel_axis, check_classes, check_input, image_input
from tuner.core.hypermodel import HyperModel
from tuner.core.hyperparameters import HyperParameters

EPSILON = 1.001e-5
CARDINALITY = 32


def stem(x: Any, version: str) -> Any:
    """Stage "conv1" of He et al. (2015), table 1, and the pooling that opens "conv2"."""
    from keras import layers

    x = _convolve(x, 64, 7, "conv1", strides=2, bias=version != "next")
    if version != "v2":  # which normalises before each unit instead
        x = _relu(_normalise(x, "conv1"), "conv1_relu")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def stages(x: Any, version: str, depths: Sequence[int]) -> Any:
    """Stages "conv2" to "conv5"; `depths` counts their units.

    Where the image is halved differs between the versions: v1 and ResNeXt do so in the first unit
    of a stage, v2 in the last.
    """
    unit, widths, strides = _VERSIONS[version]
    for stage, (width, depth, stride) in enumerate(zip(widths, depths, strides, strict=True)):
        halving = depth - 1 if version == "v2" else 0
        for i in range(depth):
            name = f"conv{stage + 2}_block{i + 1}"
            x = unit(x, width, stride if i == halving else 1, i == 0, name)
    return _relu(_normalise(x, "post"), "post_relu") if version == "v2" else x


def _unit_v1(x: Any, width: int, stride: int, project: bool, name: str) -> Any:
    """The bottleneck of He et al. (2015), figure 5, right."""
    shortcut = x
    if project:
        shortcut = _convolve(x, 4 * width, 1, f"{name}_0", strides=stride)
        shortcut = _normalise(shortcut, f"{name}_0")
    x = _convolve(x, width, 1, f"{name}_1", strides=stride)
    x = _relu(_normalise(x, f"{name}_1"), f"{name}_1_relu")
    x = _convolve(x, width, 3, f"{name}_2")
    x = _relu(_normalise(x, f"{name}_2"), f"{name}_2_relu")
    x = _normalise(_convolve(x, 4 * width, 1, f"{name}_3"), f"{name}_3")
    return _relu(_add(shortcut, x, f"{name}_add"), f"{name}_out")


def _unit_v2(x: Any, width: int, stride: int, project: bool, name: str) -> Any:
    """The bottleneck with full pre-activation of He et al. (2016), figure 4 (e)."""
    from keras import layers

    shortcut = x
    x = _relu(_normalise(x, f"{name}_preact"), f"{name}_preact_relu")
    if project:
        shortcut = _convolve(x, 4 * width, 1, f"{name}_0", strides=stride)
    elif stride > 1:
        shortcut = layers.MaxPooling2D(1, strides=stride, name=f"{name}_0_pool")(shortcut)
    x = _convolve(x, width, 1, f"{name}_1", bias=False)
    x = _relu(_normalise(x, f"{name}_1"), f"{name}_1_relu")
    x = _convolve(x, width, 3, f"{name}_2", strides=stride, bias=False)
    x = _relu(_normalise(x, f"{name}_2"), f"{name}_2_relu")
    x = _convolve(x, 4 * width, 1, f"{name}_3")
    return _add(shortcut, x, f"{name}_out")


def _unit_next(x: Any, width: int, stride: int, project: bool, name: str) -> Any:
    """The bottleneck with grouped convolutions of Xie et al. (2017), figure 3 (c)."""
    shortcut = x
    if project:
        shortcut = _convolve(x, 2 * width, 1, f"{name}_0", strides=stride, bias=False)
        shortcut = _normalise(shortcut, f"{name}_0")
    x = _convolve(x, width, 1, f"{name}_1", bias=False)
    x = _relu(_normalise(x, f"{name}_1"), f"{name}_1_relu")
    x = _convolve_groups(x, width, f"{name}_2", strides=stride)
    x = _relu(_normalise(x, f"{name}_2"), f"{name}_2_relu")
    x = _normalise(_convolve(x, 2 * width, 1, f"{name}_3", bias=False), f"{name}_3")
    return _relu(_add(shortcut, x, f"{name}_add"), f"{name}_out")


_Unit = Callable[[Any, int, int, bool, str], Any]

# By version: the unit, and the widths and strides of the four stages.
_VERSIONS: dict[str, tuple[_Unit, list[int], list[int]]] = {
    "v1": (_unit_v1, [64, 128, 256, 512], [1, 2, 2, 2]),
    "v2": (_unit_v2, [64, 128, 256, 512], [2, 2, 2, 1]),
    "next": (_unit_next, [64, 256, 512, 1024], [2, 2, 2, 1]),
}


def _convolve(
    x: Any, filters: int, size: int, name: str, *, strides: int = 1, bias: bool = True
) -> Any:
    from keras import layers

    x, padding = _pad(x, size, strides, name)
    return layers.Conv2D(
        filters, size, strides=strides, padding=padding, use_bias=bias, name=f"{name}_conv"
    )(x)


def _convolve_groups(x: Any, width: int, name: str, *, strides: int) -> Any:
    """A 3x3 convolution in 32 groups, as a depthwise one whose outputs are summed.

    On a CPU TensorFlow takes some forty times as long for the gradient of `Conv2D(groups=32)`;
    and these weights are laid out as in Keras Tuner's checkpoints.
    """
    from keras import layers, ops

    size = width // CARDINALITY
    x, padding = _pad(x, 3, strides, name)
    x = layers.DepthwiseConv2D(
        3,
        strides=strides,
        padding=padding,
        depth_multiplier=size,
        use_bias=False,
        name=f"{name}_conv",
    )(x)
    last = channel_axis() == 3  # noqa: PLR2004 - channels come last
    image = x.shape[1:3] if last else x.shape[2:]
    groups = (CARDINALITY, size, size)
    x = layers.Reshape((*image, *groups) if last else (*groups, *image))(x)
    x = ops.sum(x, axis=4 if last else 2)  # over the channels that come into a group
    return layers.Reshape((*image, width) if last else (width, *image))(x)


def _pad(x: Any, size: int, strides: int, name: str) -> tuple[Any, str]:
    """Pads evenly: of a convolution with strides "same" would leave out the first row."""
    from keras import layers

    if size == 1 or strides == 1:
        return x, "same"
    return layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x), "valid"


def _normalise(x: Any, name: str) -> Any:
    from keras import layers

    norm = layers.BatchNormalization(axis=channel_axis(), epsilon=EPSILON, name=f"{name}_bn")
    return norm(x)


def _relu(x: Any, name: str) -> Any:
    from keras import layers

    return layers.Activation("relu", name=name)(x)


def _add(shortcut: Any, x: Any, name: str) -> Any:
    from keras import layers

    return layers.Add(name=name)([shortcut, x])


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
        x = stages(stem(x, version), version, depths)
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
