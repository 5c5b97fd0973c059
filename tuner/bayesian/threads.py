"""How many threads the linear algebra takes."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from typing import Any


def single_threaded() -> AbstractContextManager[Any]:
    """Linear algebra inside takes one thread.

    The matrices are small, and the processors are busy with trials: threads that wait for each
    other on them make a proposal a hundred times slower. One thread also gives the same bits on
    every machine.
    """
    return _libraries().limit(limits=1, user_api="blas")  # type: ignore[no-any-return]


@functools.cache
def _libraries() -> Any:
    import scipy.linalg  # noqa: F401 - it may bring a library of its own
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
