"""EfficientNet with weights of ImageNet, its version and its top to be searched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from tuner.applications.inputs import channel_axis, check_classes, check_input, image_input
from tuner.core.hypermodel import HyperModel
from tuner.core.hyperparameters import HyperParameters
from tuner.errors import FatalRuntimeError, FatalValueError

# Width and height each version was trained with, which grow with it (Tan and Le, 2019).
IMAGE_SIZES = {
    "B0": 224,
    "B1": 240,
    "B2": 260,
    "B3": 300,
    "B4": 380,
    "B5": 456,
    "B6": 528,
    "B7": 600,
}


class HyperEfficientNet(HyperModel):
    """An EfficientNet (Tan and Le, 2019) of `keras.applications` under a classifier.

    Its parameters are those of `augmentation_model`, then "version", "pooling",
    "top_dropout_rate" and "learning_rate". Images are resized to what the version wants, and are
    expected in [0, 255]. Labels are one-hot.

    Example:
        >>> hypermodel = HyperEfficientNet(input_shape=(32, 32, 3), classes=10)
        >>> tuner = RandomSearch(hypermodel, objective="val_accuracy", max_trials=20)

    Args:
        input_shape: `(height, width, channels)`. This or `input_tensor` is needed.
        input_tensor: A Keras tensor of images.
        classes: How many classes there are.
        augmentation_model: A Keras model, or a HyperModel, from images to images.
        **kwargs: `weights`: "imagenet", which Keras downloads once and keeps, or None to train from
            the start. `name` and `tunable`, as of `HyperModel`.

    Raises:
        ValueError: What is needed is missing, or `augmentation_model` is no model.
    """

    def __init__(
        self,
        input_shape: Sequence[int | None] | None = None,
        input_tensor: Any = None,
        classes: int | None = None,
        augmentation_model: Any = None,
        **kwargs: Any,
    ) -> None:
        self.weights = kwargs.pop("weights", "imagenet")
        super().__init__(**kwargs)
        _check_augmentation(augmentation_model)
        check_classes(classes)
        check_input(input_shape, input_tensor)
        self.input_shape = input_shape
        self.input_tensor = input_tensor
        self.classes = classes
        self.augmentation_model = augmentation_model

    def build(self, hp: HyperParameters) -> Any:
        import keras
        from keras import layers

        inputs, x = image_input(self.input_shape, self.input_tensor)
        x = self._augment(x, hp)
        version = hp.Choice("version", list(IMAGE_SIZES), default="B0")
        pooling = hp.Choice("pooling", ["avg", "max"], default="avg")
        dropout = hp.Float("top_dropout_rate", 0.2, 0.8, step=0.2, default=0.2)

        x = self._features(x, version)
        if pooling == "avg":
            x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        else:
            x = layers.GlobalMaxPooling2D(name="max_pool")(x)
        x = layers.Dropout(dropout, name="top_dropout")(x)
        x = layers.Dense(self.classes, activation="softmax", name="probs")(x)
        model = keras.Model(inputs, x, name="EfficientNet")
        self._compile(model, hp)
        return model

    def _augment(self, x: Any, hp: HyperParameters) -> Any:
        model = self.augmentation_model
        if isinstance(model, HyperModel):
            model = model.build(hp)
        return x if model is None else model(x)

    def _features(self, x: Any, version: str) -> Any:
        import keras

        size = IMAGE_SIZES[version]
        x = keras.layers.Resizing(size, size, interpolation="bilinear")(x)
        _check_channels(x.shape[channel_axis()], self.weights)
        application = getattr(keras.applications, f"EfficientNet{version}")
        with _advice_on_downloads(version):
            base = application(include_top=False, weights=self.weights, input_tensor=x)
        return base.output

    def _compile(self, model: Any, hp: HyperParameters) -> None:
        """Compiles the model; override it to train otherwise."""
        import keras

        rate = hp.Choice("learning_rate", [0.1, 0.01, 0.001], default=0.01)
        optimizer = keras.optimizers.SGD(learning_rate=rate, momentum=0.1)
        model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])


def _check_augmentation(model: Any) -> None:
    if model is None or isinstance(model, HyperModel):
        return
    import keras

    if not isinstance(model, keras.Model):
        msg = "Expected `augmentation_model` to be a `HyperModel`, a Keras `Model` or None."
        msg = f"{msg} Received: augmentation_model={model!r}."
        raise ValueError(msg)  # noqa: TRY004 - as in Keras Tuner


def _check_channels(channels: int, weights: Any) -> None:
    if weights == "imagenet" and channels != 3:  # noqa: PLR2004 - red, green, blue
        msg = (
            'Expected images of 3 channels for weights="imagenet". '
            f"Received: channels={channels}. Repeat or convert the channels, or pass weights=None."
        )
        raise FatalValueError(msg)


@contextlib.contextmanager
def _advice_on_downloads(version: str) -> Iterator[None]:
    """Says what to do when the weights cannot be had, whichever error that is."""
    try:
        yield
    except Exception as error:
        # Keras raises a bare Exception for an address it cannot reach.
        if not (isinstance(error, OSError) or "URL fetch failure" in str(error)):
            raise
        msg = (
            f"Expected the ImageNet weights of EfficientNet{version} in Keras's cache or on the "
            f"net. Received: {error}. Where there is a net, call "
            f"`keras.applications.EfficientNet{version}(include_top=False)` once and copy "
            "`~/.keras/models` here, or pass weights=None to train from the start."
        )
        raise FatalRuntimeError(msg) from error
