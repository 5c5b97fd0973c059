"""Settings of file systems: caches, time-outs and retries.

Where the user has said something else, that holds; but a cache of listings is never allowed, since
it hides what other processes write.
"""

from collections.abc import Mapping
from typing import Any

SMALL_REQUESTS = 32
"""Small requests at a time, where many are wanted."""

_S3_SMALL = {
    "connect_timeout": 5,
    "read_timeout": 10,
    "max_pool_connections": SMALL_REQUESTS,
    # We repeat requests ourselves: repeated on three levels, they take as long as all three allow.
    "retries": {"total_max_attempts": 1},
}
# A part of a large file is repeated by itself, not the whole file.
_S3_LARGE = {
    "connect_timeout": 5,
    "read_timeout": 60,
    "retries": {"total_max_attempts": 3, "mode": "standard"},
}


def for_small(protocol: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for objects that are read and written whole, in one request each."""
    match protocol:
        case "s3" | "s3a":
            # With more, s3fs asks for the size of an object before it reads it.
            ours = {**_s3(_S3_SMALL, options), "max_concurrency": 1}
        case "gs" | "gcs":
            ours = {"requests_timeout": 15, **options}
        case _:
            ours = dict(options)
    return {**ours, "use_listings_cache": False}


def for_large(protocol: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for files that go up and down in parts."""
    match protocol:
        case "s3" | "s3a":
            ours = _s3(_S3_LARGE, options)
        case "gs" | "gcs":
            ours = {"requests_timeout": 300, **options}
        case _:
            ours = dict(options)
    return {**ours, "use_listings_cache": False}


def _s3(config: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    return {**options, "config_kwargs": {**config, **options.get("config_kwargs", {})}}
