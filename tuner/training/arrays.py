"""Trees of JSON with arrays among the leaves, as JSON and one npz file."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np

from storage import parse_json
from tuner.core.jsonable import NON_FINITE, to_json

ARRAY, FLOAT, TUPLE = "<array>", "<float>", "<tuple>"
"""Keys that mark what JSON has no word for."""

_NO_ARRAYS = (
    AttributeError,
    BadZipFile,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    EOFError,
)
"""What numpy and zipfile raise for bytes that are no file of arrays, beside ValueError."""


def separate(tree: Any) -> tuple[Any, list[np.ndarray]]:
    """A copy of the tree as strict JSON, and the arrays that it refers to by number.

    Raises:
        TypeError: A leaf is neither JSON nor an array.
    """
    arrays: list[np.ndarray] = []
    return _separate(tree, arrays), arrays


def join(tree: Any, arrays: Sequence[np.ndarray]) -> Any:
    """The tree that `separate` took apart."""
    match tree:
        case {"<array>": int(number)}:
            return arrays[number]
        case {"<float>": str(name)}:
            return NON_FINITE[name]
        case {"<tuple>": list(items)}:
            return tuple(join(item, arrays) for item in items)
        case dict():
            return {key: join(value, arrays) for key, value in tree.items()}
        case list():
            return [join(item, arrays) for item in tree]
        case _:
            return tree


def pack(plain: Any, arrays: Sequence[np.ndarray]) -> bytes:
    """What `separate` gave, as one file."""
    types = [array.dtype.name for array in arrays]
    text = json.dumps({"tree": plain, "types": types}, allow_nan=False)
    members = {f"{n:05d}": _portable(array) for n, array in enumerate(arrays)}
    file = io.BytesIO()
    np.savez(file, json=np.frombuffer(text.encode(), np.uint8), **members)  # type: ignore[arg-type]  # numpy takes the names for those of its options
    return file.getvalue()


def from_npz(data: bytes) -> Any:
    """The tree of a file.

    Raises:
        ValueError: It is no such file.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            _check_not_compressed(file.zip)
            content = parse_json(file["json"].tobytes(), "the JSON of a file of arrays")
            stored = [file[f"{n:05d}"] for n in range(len(content["types"]))]
        arrays = [_typed(array, name) for array, name in zip(stored, content["types"], strict=True)]
        return join(content["tree"], arrays)
    except _NO_ARRAYS as error:
        raise ValueError(f"Expected a file of arrays. Received: {error}.") from error


def _check_not_compressed(file: ZipFile) -> None:
    """Ours are not, and what is may unpack to any size."""
    if any(member.compress_type != ZIP_STORED for member in file.infolist()):
        raise ValueError("Expected arrays that are not compressed. Received: compressed ones.")


def _separate(value: Any, arrays: list[np.ndarray]) -> Any:
    match value:
        case Mapping():
            if not all(isinstance(key, str) for key in value):
                raise TypeError(f"Expected strings as keys. Received: {list(value)[:5]}.")
            return {key: _separate(item, arrays) for key, item in value.items()}
        case list():
            return [_separate(item, arrays) for item in value]
        case tuple():
            return {TUPLE: [_separate(item, arrays) for item in value]}
        case _ if isinstance(value, np.ndarray) or getattr(value, "ndim", None):
            arrays.append(np.asarray(value))
            return {ARRAY: len(arrays) - 1}
        case _:
            return _scalar(value)


def _scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float) and hasattr(value, "__array__"):
        value = np.asarray(value).item()  # of numpy or a backend
    if isinstance(value, float) and not math.isfinite(value):
        return {FLOAT: to_json(value)}
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"Expected JSON or arrays. Received: {value!r} of {type(value).__name__}.")


def _portable(array: np.ndarray) -> np.ndarray:
    # bfloat16 and its like are of kind "V", which npz writes without their name.
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "V" else array


def _typed(array: np.ndarray, name: str) -> np.ndarray:
    return array if array.dtype.name == name else array.view(np.dtype(name))
