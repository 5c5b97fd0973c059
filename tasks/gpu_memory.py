"""Keeps a training child to its share of a GPU that others use too."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from typing import Any


def take_share(environ: Mapping[str, str]) -> None:
    """Limits what the backend may take; to be called before its first operation.

    JAX reads its share from the environment by itself.

    Args:
        environ: Variables that `tasks.placement.Placement.env` has set.
    """
    share = environ.get("TRIALFLOW_GPU_SHARE")
    if share is None:
        return
    backend = environ.get("KERAS_BACKEND") or _backend_of_keras()
    if backend == "torch":
        import torch

        for device in range(torch.cuda.device_count()):
            torch.cuda.set_per_process_memory_fraction(float(share), device)
    elif backend == "tensorflow" and "TRIALFLOW_GPU_MEMORY" in environ:
        import tensorflow as tf

        _limit_tensorflow(tf, int(environ["TRIALFLOW_GPU_MEMORY"]))


def _limit_tensorflow(tensorflow: Any, memory: int) -> None:
    config = tensorflow.config
    limit = config.LogicalDeviceConfiguration(memory_limit=memory // 2**20)
    for gpu in config.list_physical_devices("GPU"):
        # Whoever has configured the device already knows better.
        with contextlib.suppress(RuntimeError, ValueError):
            config.set_logical_device_configuration(gpu, [limit])


def _backend_of_keras() -> str:
    """The backend, if Keras is there already: a study without Keras has no use for one."""
    keras = sys.modules.get("keras")
    return str(keras.config.backend()) if keras is not None else os.environ.get("KERAS_BACKEND", "")
