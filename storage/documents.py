"""JSON documents: parsed within limits, and sealed with a digest of what they say."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from storage.errors import CorruptError

LARGEST = 1 << 30
"""Bytes of a document that is read."""

DEEPEST = 200
"""Levels of lists and objects in a document, since what walks through them recurses."""

_MARK = b'{"sha256":"'
_SEAL = re.compile(rb'\{"sha256":"([0-9a-f]{64})"([,}])')
_FLIPS = 2
"""Bytes by which a damaged mark of a seal may differ from a sound one."""
_DIGITS = bytes.maketrans(b"0123456789", b"0" * 10)
_LONG = b"0" * 19
_LONG_NUMBER = re.compile(rb"[:,\[\s]-?[0-9]{19}")
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"')
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_ALL_ELSE = bytes(set(range(256)) - set(b'[]{}"'))


def dump_json(value: object, *, strict: bool = True) -> bytes:
    """A value as JSON that `parse_json` accepts.

    Args:
        value: The value.
        strict: Whether to refuse NaN and infinity, which are Python's own.

    Raises:
        ValueError: It is not strict, or nested too deep.
        TypeError: Something in it is no JSON.
    """
    try:
        # Not indented: that takes json's slow path, and a result holds whole learning curves.
        data = json.dumps(value, allow_nan=not strict).encode()
    except RecursionError:
        raise ValueError(_too_deep("a value")) from None
    if is_too_deep(data):
        raise ValueError(_too_deep("a value"))
    return data


def parse_json(data: bytes, where: str) -> dict[str, Any]:
    """The object that a document holds.

    Args:
        data: Its bytes.
        where: Its path or URL, for messages.

    Raises:
        CorruptError: It is no JSON object, too large, or nested too deep.
    """
    if len(data) > LARGEST:
        raise CorruptError(f"Expected at most {LARGEST} bytes at {where}. Received: {len(data)}.")
    if is_too_deep(data):
        raise CorruptError(_too_deep(where))
    try:
        state = _loads(data)
    except ValueError as error:
        raise CorruptError(f"Expected JSON at {where}. Received: {error}.") from error
    if not isinstance(state, dict):
        kind = type(state).__name__
        raise CorruptError(f"Expected a JSON object at {where}. Received: type={kind}.")
    return state


def seal(state: Mapping[str, Any], *, strict: bool = True) -> bytes:
    """A document that begins with the digest of all else in it.

    Args:
        state: An object.
        strict: See `dump_json`.

    Raises:
        ValueError: See `dump_json`.
        TypeError: Likewise.
    """
    body = dump_json(dict(state), strict=strict)
    digest = hashlib.sha256(body).hexdigest().encode()
    return _MARK + digest + (b'"}' if body == b"{}" else b'",' + body[1:])


def unseal(data: bytes, where: str) -> dict[str, Any]:
    """What `seal` was given, or what a document says that earlier versions wrote without a digest.

    Args:
        data: Its bytes.
        where: Its path or URL, for messages.

    Raises:
        CorruptError: It is not what was written.
    """
    if not _is_sealed(data):
        return parse_json(data, where)
    found = _SEAL.match(data)
    body = b""
    if found is not None:
        body = (b"{" if found[2] == b"," else b"{}") + data[found.end() :]
    if found is None or hashlib.sha256(body).hexdigest().encode() != found[1]:
        received = f"{len(data)} bytes that do not have the digest in them"
        raise CorruptError(f"Expected what was written at {where}. Received: {received}.")
    return parse_json(body, where)


def is_too_deep(data: bytes) -> bool:
    """Whether a document has more than `DEEPEST` levels of lists and objects."""
    if data.count(b"[") + data.count(b"{") <= DEEPEST:
        return False
    rest = _ESCAPE.sub(b"", data) if b"\\" in data else data
    rest = rest.translate(_ONE_KIND, _ALL_ELSE).replace(b'""', b"")
    if b'"' in rest:  # strings with brackets in them
        rest = _STRING.sub(b"", rest)
    for _ in range(DEEPEST):  # each pass takes the innermost level away
        shorter = rest.replace(b"[]", b"")
        if not shorter or shorter == rest:
            return False  # brackets that do not match are no JSON, which the parser says
        rest = shorter
    return True


def _loads(data: bytes) -> Any:
    """What `json.loads` answers, twice as fast where that is plain JSON."""
    is_long = _LONG in data.translate(_DIGITS) and _LONG_NUMBER.search(data)
    if not is_long:  # which orjson makes a float
        try:
            return orjson.loads(data)
        except ValueError:
            pass  # NaN, infinity, half a surrogate; or no JSON, and then json says where
    return json.loads(data)


def _is_sealed(data: bytes) -> bool:
    """Whether a document begins as sealed ones do, even where a byte or two were flipped."""
    pairs = zip(data, _MARK, strict=False)
    return len(data) >= len(_MARK) and sum(a != b for a, b in pairs) <= _FLIPS


def _too_deep(what: str) -> str:
    return f"Expected at most {DEEPEST} levels of lists and objects in {what}. Received: more."
