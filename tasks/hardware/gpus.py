"""The GPUs of this machine, and a training child's share of one."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

VISIBLE = "CUDA_VISIBLE_DEVICES"
ORDER = "CUDA_DEVICE_ORDER"


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU, or a MIG instance of one, that processes of this machine may use."""

    id: str
    """What CUDA_VISIBLE_DEVICES calls it: a number, or an id such as `GPU-…` or `MIG-…`."""
    memory: int | None = None
    """Bytes; None if unknown."""


def visible_gpus(environ: Mapping[str, str]) -> list[Gpu]:
    """The GPUs that this process may use, in the order of an outer CUDA_VISIBLE_DEVICES.

    Args:
        environ: Environment variables.
    """
    outer = environ.get(VISIBLE)
    found = _query()
    if outer is None:
        return found
    memory = {name: gpu.memory for gpu in found for name in _names_of(gpu, found)}
    return [Gpu(name, memory.get(name)) for name in parse_visible(outer)]


def parse_visible(value: str) -> list[str]:
    """The devices of a CUDA_VISIBLE_DEVICES; as for CUDA, the first invalid one ends the list."""
    names: list[str] = []
    for part in value.split(","):
        name = part.strip()
        if not (name.isdigit() or name.startswith(("GPU-", "MIG-"))):
            break
        names.append(name)
    return names


def select_gpus(gpus: list[Gpu], wanted: str) -> list[Gpu]:
    """The GPUs that `--gpus` names, by their position among the visible ones or by their id.

    Args:
        gpus: The visible ones; may be empty where they are unknown, as without a driver.
        wanted: For example `0,2`.

    Raises:
        ValueError: There is no such GPU.
    """
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    by_name = {str(position): gpu for position, gpu in enumerate(gpus)}
    by_name |= {gpu.id: gpu for gpu in gpus if not gpu.id.isdigit()}
    if not gpus:
        by_name = {name: Gpu(name) for name in parse_visible(",".join(names))}
    missing = [name for name in names if name not in by_name]
    if missing or not names or len(set(names)) < len(names):
        known = ", ".join(by_name) or "none"
        msg = f"Expected `gpus` to name different GPUs of this machine ({known})."
        raise ValueError(f"{msg} Received: gpus={wanted!r}. Numbers count the visible GPUs from 0.")
    return [by_name[name] for name in names]


def hide_gpus(environ: dict[str, str] | os._Environ[str]) -> None:
    """Keeps every GPU from being seen by what this process may import."""
    environ[VISIBLE] = "-1"


@contextlib.contextmanager
def gpus_hidden() -> Iterator[None]:
    """A search never touches a GPU, whatever its study file imports: its children have them."""
    outer = os.environ.get(VISIBLE)
    hide_gpus(os.environ)
    try:
        yield
    finally:
        if outer is None:
            del os.environ[VISIBLE]
        else:
            os.environ[VISIBLE] = outer


def _names_of(gpu: Gpu, found: list[Gpu]) -> list[str]:
    return [gpu.id, str(found.index(gpu))]


def _query() -> list[Gpu]:
    """All GPUs; a GPU that is split into MIG instances counts as these."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # noqa: BLE001 - no package, no driver, no GPU
        return []
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]
        return [gpu for n, handle in enumerate(handles) for gpu in _of(pynvml, n, handle)]
    finally:
        pynvml.nvmlShutdown()


def _of(nvml: Any, number: int, handle: Any) -> list[Gpu]:
    try:
        is_split = nvml.nvmlDeviceGetMigMode(handle)[0] == nvml.NVML_DEVICE_MIG_ENABLE
    except nvml.NVMLError:  # a GPU that cannot be split
        is_split = False
    if not is_split:
        return [Gpu(str(number), nvml.nvmlDeviceGetMemoryInfo(handle).total)]
    instances = []
    for position in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            instance = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, position)
        except nvml.NVMLError:  # a place without an instance
            continue
        uuid = nvml.nvmlDeviceGetUUID(instance)
        name = uuid.decode() if isinstance(uuid, bytes) else str(uuid)
        instances.append(Gpu(name, nvml.nvmlDeviceGetMemoryInfo(instance).total))
    return instances


def take_share(environ: Mapping[str, str]) -> None:
    """Limits what the backend may take; to be called before its first operation.

    JAX reads its share from the environment by itself.

    Args:
        environ: Variables that `tasks.hardware.placement.Placement.env` has set.
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
        # A device that is configured already stays so.
        with contextlib.suppress(RuntimeError, ValueError):
            config.set_logical_device_configuration(gpu, [limit])


def _backend_of_keras() -> str:
    """The backend, if Keras is there already: a study without Keras has no use for one."""
    keras = sys.modules.get("keras")
    return str(keras.config.backend()) if keras is not None else os.environ.get("KERAS_BACKEND", "")
