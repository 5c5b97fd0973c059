"""What a trial ran on."""

from __future__ import annotations

import sys
from typing import Any


def device_of_this_process() -> str | None:
    """Name of the GPU that Keras computes on, `"CPU"` without one, None where Keras is not used.

    Asks only libraries that are imported already, and is best asked after a training: asking
    starts a device.
    """
    keras = sys.modules.get("keras")
    if keras is None:
        return None
    try:
        return _ASK[keras.backend.backend()]()
    except Exception:  # noqa: BLE001 - a name for people is not worth a trial
        return None


def _tensorflow() -> str:
    config: Any = sys.modules["tensorflow"].config
    # The logical ones: physical ones may belong to other trials.
    count = len(config.list_logical_devices("GPU"))
    if not count:
        return "CPU"
    details = config.experimental.get_device_details(config.list_physical_devices("GPU")[0])
    return str(details.get("device_name", "GPU"))


def _jax() -> str:
    device: Any = sys.modules["jax"].devices()[0]
    return "CPU" if device.platform == "cpu" else str(device.device_kind)


def _torch() -> str:
    cuda: Any = sys.modules["torch"].cuda
    return str(cuda.get_device_name()) if cuda.is_available() else "CPU"


_ASK = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
