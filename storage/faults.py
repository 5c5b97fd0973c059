"""Classifies the errors of backends, and puts them into words."""

from __future__ import annotations

import errno
import socket
from typing import Literal

from storage.errors import (
    KeyExistsError,
    KeyMissingError,
    StorageError,
    StoreDeniedError,
    StoreFullError,
    TransientStoreError,
)

Fault = Literal["exists", "missing", "denied", "full", "transient", "fatal"]
"""What an error of a backend means to us, whichever backend it came from."""

_KINDS: tuple[tuple[type[BaseException], Fault], ...] = (
    (FileExistsError, "exists"),
    (FileNotFoundError, "missing"),
    (PermissionError, "denied"),
    (TimeoutError, "transient"),
    (ConnectionError, "transient"),
    (socket.gaierror, "transient"),
)
_ERRNO: dict[int, Fault] = {
    errno.EROFS: "denied",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EFBIG: "full",
    errno.EIO: "transient",
    errno.EBUSY: "transient",
    errno.EAGAIN: "transient",
    errno.ESTALE: "transient",
    errno.EHOSTUNREACH: "transient",
    errno.ENETUNREACH: "transient",
    # Another process wrote into a folder while it was being deleted.
    errno.ENOTEMPTY: "transient",
    # How s3fs words a failure it does not know; not every platform has it.
    getattr(errno, "EREMOTEIO", errno.EIO): "transient",
}
# What the client libraries raise when no answer came; named, since none of them may be imported.
_NO_ANSWER = {
    "ConnectionError",  # botocore
    "HTTPClientError",
    "IncompleteReadError",
    "ResponseParserError",
    "ServiceRequestError",  # azure
    "ServiceResponseError",
    "ClientConnectionError",  # aiohttp
    "ClientPayloadError",
    "TransportError",  # google
    "RequestException",  # requests
}
_CLIENTS = ("aiobotocore", "aiohttp", "azure", "botocore", "google", "requests", "urllib3")
_HTTP: dict[int, Fault] = {
    401: "denied",
    403: "denied",
    404: "missing",
    408: "transient",
    # S3 answers 409 to two creates at the same moment; the next answer is a clear one.
    409: "transient",
    412: "exists",
    429: "transient",
    500: "transient",
    501: "fatal",
    502: "transient",
    503: "transient",
    504: "transient",
    507: "full",
}
# Where S3 or those who speak its language say more by the code than by the status.
_CODES: dict[str, Fault] = {
    "BadDigest": "transient",
    "IncompleteBody": "transient",
    "InvalidToken": "denied",
    # An upload in parts whose begin was answered late, or that was given up: it is begun anew.
    "NoSuchUpload": "transient",
    "QuotaExceeded": "full",
    "RequestTimeout": "transient",
    "TokenRefreshRequired": "denied",
    "XAmzContentSHA256Mismatch": "transient",
    "XMinioStorageFull": "full",
}


def classify(error: BaseException) -> Fault:
    """Says what an error means, by HTTP status or errno, however the backend wrapped it."""
    code = _code(error)
    if code in _CODES:
        return _CODES[code]
    for kind, fault in _KINDS:
        if isinstance(error, kind):
            return fault
    status = status_of(error)
    if status is not None:
        return _HTTP.get(status, "fatal")
    if isinstance(error, OSError) and error.errno in _ERRNO:
        return _ERRNO[error.errno]
    return _of_client(type(error))


def _of_client(kind: type[BaseException]) -> Fault:
    """What a client library means that neither got an answer nor a word of the system."""
    if kind.__module__.split(".")[0] not in _CLIENTS:
        return "fatal"
    if any(word in kind.__name__ for word in ("Auth", "Credential", "Refresh", "Token")):
        return "denied"
    return "transient" if _NO_ANSWER & {each.__name__ for each in kind.__mro__} else "fatal"


def explain(error: BaseException, where: str) -> StorageError:
    """Our error for a backend's, with words for the user."""
    received = f"Received: error={type(error).__name__}: {error}."
    match classify(error):
        case "exists":
            return KeyExistsError(f"Expected no object at {where}. Received: there is one.")
        case "missing":
            return KeyMissingError(f"Expected an object at {where}. Received: there is none.")
        case "denied":
            return StoreDeniedError(
                f"Expected to be allowed to use {where}. {received} Check rights and credentials."
            )
        case "full":
            return StoreFullError(f"Expected room at {where}. {received} Free some and go on.")
        case "transient":
            return TransientStoreError(
                f"Expected {where} to answer. {received} Check the store and go on."
            )
        case "fatal":
            return StorageError(f"Expected {where} to be usable. {received}")


def status_of(error: BaseException) -> int | None:
    """HTTP status of an error of botocore, azure, gcsfs or aiohttp, or of what it wraps."""
    for each in (error, error.__cause__):
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            return status if isinstance(status, int) else None
        for name in ("status_code", "status", "code"):
            status = getattr(each, name, None)
            if isinstance(status, int):
                return status
    return None


def _code(error: BaseException) -> str:
    """What S3 calls an error, or what it wraps; empty for all others."""
    for each in (error, error.__cause__):
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""
