"""Strict JSON for what has none: NaN, infinities and numpy's scalars and arrays."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_PLAIN = frozenset({str, int, bool, type(None)})
"""Types whose values are JSON as they are, which need not be looked at as a mapping or a list."""


def to_json(value: Any) -> Any:
    """The value with all that JSON has no word for replaced; NaN and infinities become strings.

    Tuples and arrays become lists, keys strings. What is left as it is, `json.dumps` may refuse.
    """
    if type(value) in _PLAIN:
        return value
    value = plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return _name(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def from_json(value: Any) -> Any:
    """What `to_json` was given, its names of non-finite numbers turned back.

    Not for text that may itself say `"NaN"` or `"Infinity"`: it would become a number.
    """
    if isinstance(value, str):
        return NON_FINITE.get(value, value)
    if type(value) in _PLAIN or isinstance(value, float):
        return value
    if isinstance(value, Mapping):
        return {key: from_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [from_json(item) for item in value]
    return value


def plain(value: Any) -> Any:
    """A numpy scalar as Python's and an array as lists; anything else as it is."""
    # Not imported for it, which takes longer than most commands: unimported it has made no value.
    numpy = sys.modules.get("numpy")
    kinds: Any = (getattr(numpy, "generic", ()), getattr(numpy, "ndarray", ()))
    return value.tolist() if isinstance(value, kinds) else value


def _name(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
