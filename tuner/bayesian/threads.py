"""How many threads the linear algebra takes."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from typing import Any


def single_threaded() -> AbstractContextManager[Any]:
    """Linear algebra inside takes one thread.

    The matrices are small, and the processors are busy with trials: a proposal whose threads wait
    for each other there takes several times as long (`benchmarks/proposals.py`). One thread also
    gives the same bits however many processors a machine has.
    """
    return _libraries().limit(limits=1, user_api="blas")  # type: ignore[no-any-return]


@functools.cache
def _libraries() -> Any:
    import scipy.linalg  # noqa: F401 - it may bring a library of its own
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
