"""Garbage collections that do not look through everything that was ever imported."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_collections() -> Iterator[None]:
    """What is alive now is left out of garbage collections until the end.

    Keras collects garbage before each model is built. With TensorFlow imported that takes 0.2 s
    each time, nearly all of it for objects that stay as long as the process.
    """
    if gc.get_freeze_count():  # somebody else's, or a child's that was forked so
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def no_collections() -> Iterator[None]:
    """No garbage is collected meanwhile: for reading many objects that all stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
