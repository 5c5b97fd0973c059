"""Which code is known to keep all that it computes with in variables and config."""

from __future__ import annotations

import functools
import types
import weakref
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
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


_KERAS = "keras"
_STANDARD = {"builtins", "collections", "functools", "inspect", "threading", "thread", "weakref"}
_TRUSTED = {_KERAS, "tensorflow", "numpy", "ml_dtypes", *_STANDARD}
"""Top-level packages; of others than Keras's, objects hold data and not what a model computes."""


def untrusted_part(root: Any) -> str | None:
    """Names a function or an object within `root` that is not part of it; None if there is none.

    What such code reads when it runs (a global, a file, a counter) cannot be known.
    """
    seen: set[int] = set()
    pending = [root]
    while pending:
        value = pending.pop()
        if id(value) in seen or value is None or isinstance(value, _PLAIN):
            continue
        seen.add(id(value))
        if _package_of(value) not in _TRUSTED:
            return f"{_module_of(value)}.{getattr(value, '__qualname__', type(value).__qualname__)}"
        pending += _parts_of(value)
    return None


_PLAIN = (str, bytes, int, float, complex, weakref.ref)
_CODE = (types.FunctionType, types.BuiltinFunctionType, type)
_JOINED = (functools.partial, types.MethodType, types.MethodWrapperType)


def _module_of(value: Any) -> str:
    if isinstance(value, _CODE):
        return value.__module__ or "builtins"
    return "builtins" if isinstance(value, _JOINED) else type(value).__module__


def _package_of(value: Any) -> str:
    package = _module_of(value).partition(".")[0]
    # `_thread` and its like belong to Python.
    return package.removeprefix("_") if package != "__main__" else package


def _parts_of(value: Any) -> list[Any]:  # noqa: PLR0911 - one for each kind
    """What is to be looked at next."""
    match value:
        case functools.partial():
            return [value.func, value.args, value.keywords]
        case types.MethodType():
            return [value.__func__, value.__self__]
        case types.FunctionType():
            return [cell.cell_contents for cell in value.__closure__ or () if _is_set(cell)]
        case Mapping():
            return list(value.values())
        case list() | tuple() | AbstractSet():
            return list(value)
        case _ if hasattr(type(value), "python_function"):
            return [value.python_function]  # of a `tf.function`
        case _ if _package_of(value) == _KERAS and not isinstance(value, type):
            return list(getattr(value, "__dict__", {}).values())
        case _:
            return []


def _is_set(cell: types.CellType) -> bool:
    try:
        return bool(cell.cell_contents is not cell)
    except ValueError:
        return False
