"""Whether an object consists of Keras's own code, as far as Python can follow it."""

from __future__ import annotations

import functools
import types
import weakref
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

_KERAS = "keras"
_STANDARD = {"builtins", "collections", "functools", "inspect", "threading", "thread", "weakref"}
_TRUSTED = {_KERAS, "tensorflow", "numpy", "ml_dtypes", *_STANDARD}
"""Top-level packages; of others than Keras's, objects hold data and not what a model computes."""


def foreign_to_keras(root: Any) -> str | None:
    """Names a function or an object within `root` that is somebody else's; None if there is none.

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
