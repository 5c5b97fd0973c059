"""The order of the data as a function of (seed, epoch), where Keras shuffles arrays itself.

Keras draws it from the backend's random state, which no checkpoint holds: it would be another one
after a resume, or, with the backend seeded, the same in every epoch.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

logger = logging.getLogger(__name__)

OUTSIDE = 2**32
"""What orders are numbered from that are asked for outside of any epoch."""


class Order:
    """Permutations of the data.

    Args:
        seed: Of the execution.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.epoch: int | None = None
        """The epoch that runs; None between trainings and in those that are not watched."""
        self._outside = OUTSIDE

    def permutation(self, size: int) -> np.ndarray:
        """The order of this many samples, in the epoch that runs."""
        epoch = self.epoch
        if epoch is None:
            epoch = self._outside = self._outside + 1
        return np.random.default_rng([self.seed, epoch]).permutation(int(size))


_active = threading.local()
"""`order`: of the training that this thread runs."""


@contextmanager
def shuffled_by(order: Order | None) -> Iterator[None]:
    """Trainings that this thread runs meanwhile shuffle arrays by `order`."""
    before = getattr(_active, "order", None)
    shuffle_by(order)
    try:
        yield
    finally:
        shuffle_by(before)


def shuffle_by(order: Order | None) -> None:
    """Likewise, until this is called again."""
    if order is not None:
        _install()
    _active.order = order


@functools.cache
def _install() -> None:
    """Has Keras ask for its permutations; where Keras has changed, it goes on as it always did."""
    try:
        from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
    except ImportError:
        logger.warning("This Keras shuffles as it likes: a resumed trial is not exact.")
        return
    ArrayDataAdapter.get_tf_dataset = _with_tensorflow(ArrayDataAdapter.get_tf_dataset)
    ArrayDataAdapter._get_iterator = _with_numpy(ArrayDataAdapter._get_iterator)  # noqa: SLF001 - no public seam


def _order_for(adapter: Any) -> Order | None:
    order: Order | None = getattr(_active, "order", None)
    return order if adapter._shuffle is True else None  # noqa: SLF001 - the adapter has no other


def _with_tensorflow(original: Any) -> Any:
    @functools.wraps(original)
    def get_tf_dataset(self: Any) -> Any:
        order = _order_for(self)
        if order is None:
            return original(self)
        import tensorflow as tf

        drawn, thread = tf.random.shuffle, threading.get_ident()

        def shuffle(indices: Any, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != thread:
                return drawn(indices, *args, **kwargs)
            places = tf.numpy_function(order.permutation, [tf.size(indices)], tf.int64)
            return tf.ensure_shape(places, indices.shape)

        # While the data set is put together; it keeps what it got.
        tf.random.shuffle = shuffle
        try:
            return original(self)
        finally:
            tf.random.shuffle = drawn

    return get_tf_dataset


def _with_numpy(original: Any) -> Any:
    @functools.wraps(original)
    def get_iterator(self: Any, slice_and_convert: Any, inputs: Any) -> Iterator[Any]:
        order = _order_for(self)
        if order is None:
            return iter(original(self, slice_and_convert, inputs))
        return _batches(self, order, slice_and_convert, inputs)

    return get_iterator


def _batches(adapter: Any, order: Order, slice_and_convert: Any, inputs: Any) -> Iterator[Any]:
    import keras

    places = order.permutation(adapter._num_samples)  # noqa: SLF001
    for start in range(0, len(places), adapter.batch_size):
        indices = places[start : start + adapter.batch_size]
        take = functools.partial(slice_and_convert, indices=indices)
        yield keras.tree.map_structure(take, inputs, none_is_leaf=False)
