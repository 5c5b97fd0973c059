"""Parts of Keras that are known to keep all that they compute with in variables and config.

A part that is not listed may still be so; nobody has tried. Left out on purpose are layers that are
adapted (their constants stand in the graph), that are stateful, or that draw Python's random
numbers while they are traced (`AugMix`); and optimizers whose slots begin as copies of weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def _names(text: str) -> frozenset[str]:
    """The words; `{}` in one stands for the numbers of dimensions."""
    return frozenset(word.format(size) for word in text.split() for size in (1, 2, 3))


LAYERS = _names("""
InputLayer Dense EinsumDense Embedding Activation Flatten Reshape Permute RepeatVector
Conv{}D Conv{}DTranspose DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D
MaxPooling{}D AveragePooling{}D GlobalMaxPooling{}D GlobalAveragePooling{}D
Cropping{}D UpSampling{}D ZeroPadding{}D Resizing CenterCrop Rescaling Masking
Concatenate Add Subtract Multiply Average Maximum Minimum Dot
BatchNormalization LayerNormalization GroupNormalization UnitNormalization
Dropout SpatialDropout{}D GaussianDropout GaussianNoise AlphaDropout ActivityRegularization
ReLU LeakyReLU PReLU ELU Softmax MultiHeadAttention Attention AdditiveAttention
LSTM LSTMCell GRU GRUCell SimpleRNN SimpleRNNCell Bidirectional TimeDistributed
RandomFlip RandomTranslation RandomRotation RandomZoom RandomContrast
""")
OPTIMIZERS = _names("""
SGD Adam AdamW RMSprop Adagrad Adadelta Adamax Nadam Lion LossScaleOptimizer
""")
CALLBACKS = _names("""
EarlyStopping ReduceLROnPlateau ModelCheckpoint TerminateOnNaN CSVLogger History
""")
MODELS = ("Sequential", "Functional")


def unknown_layer(model: Any) -> str | None:
    """Names a layer, or a model within the model, that is not known; None if all are."""
    import keras

    for layer in model._flatten_layers():  # noqa: SLF001 - `layers` has not those of layers
        name = type(layer).__name__
        is_model = name in MODELS and type(layer).__module__.startswith("keras.src.models.")
        known = name in LAYERS and type(layer) is getattr(keras.layers, name, None)
        if not (is_model or known) or getattr(layer, "stateful", False):
            return name
    return None


def unknown_optimizer(optimizer: Any) -> str | None:
    """Names an optimizer, or the one within, that is not known; None if it is."""
    import keras

    while optimizer is not None:
        name = type(optimizer).__name__
        if name not in OPTIMIZERS or type(optimizer) is not getattr(keras.optimizers, name, None):
            return name
        optimizer = getattr(optimizer, "inner_optimizer", None)
    return None


def unknown_callback(callbacks: Iterable[Any]) -> str | None:
    """Names a callback that is neither ours nor known to change only what fits alike anew."""
    import keras

    for callback in callbacks:
        cls = type(callback)
        known = cls.__name__ in CALLBACKS and cls is getattr(keras.callbacks, cls.__name__, None)
        if not known and not cls.__module__.startswith("tuner."):
            return cls.__name__
    return None
