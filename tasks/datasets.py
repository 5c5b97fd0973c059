"""Pipelines of `tf.data` on their way to a child: as the graph that makes them."""

from __future__ import annotations

import pickle
import sys
from typing import Any

IGNORE_STATE = 1
"""TensorFlow's policy that lets random operations pass; a child draws numbers of its own."""


def is_dataset(value: Any) -> bool:
    """Whether it is a `tf.data.Dataset`, told without importing TensorFlow."""
    tensorflow = sys.modules.get("tensorflow")
    # Only partly there while it is being imported by another thread.
    data = getattr(tensorflow, "data", None)
    return data is not None and isinstance(value, data.Dataset)


def graph_of(dataset: Any) -> tuple[bytes, bytes]:
    """The pipeline as bytes, with all the data it holds.

    Raises:
        TypeError: It calls back into Python, or is larger than the two gigabytes of a graph.
    """
    import tensorflow as tf

    try:
        graph: bytes = tf.raw_ops.DatasetToGraphV2(
            input_dataset=tf.data.experimental.to_variant(dataset),
            external_state_policy=IGNORE_STATE,
            strip_device_assignment=True,
        ).numpy()
    except tf.errors.OpError as error:
        raise TypeError(f"TensorFlow cannot write down this pipeline: {error.message}") from error
    if b"PyFunc" in graph:
        raise TypeError("a tf.data pipeline that calls Python cannot leave its process")
    return graph, pickle.dumps(dataset.element_spec)


def dataset_of(graph: bytes, element_spec: bytes) -> Any:
    """The pipeline that `graph_of` wrote down."""
    import tensorflow as tf

    variant = tf.raw_ops.DatasetFromGraph(graph_def=graph)
    spec = pickle.loads(element_spec)  # noqa: S301 - written by our own supervisor
    return tf.data.experimental.from_variant(variant, spec)
