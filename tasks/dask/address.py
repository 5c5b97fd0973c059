"""Addresses of Dask schedulers, which say how they are spoken to."""

from __future__ import annotations


def scheduler_address(text: str) -> str:
    """What Dask calls an address of ours.

    Args:
        text: `dask://HOST:PORT`; `dask+tls://HOST:PORT` for a scheduler that asks for certificates,
            which Dask's own configuration names (`DASK_DISTRIBUTED__COMM__TLS__...`); or an address
            of Dask's.
    """
    scheme, separator, rest = text.partition("://")
    named = {"dask": "tcp", "dask+tls": "tls"}
    return f"{named.get(scheme, scheme)}{separator}{rest}"
