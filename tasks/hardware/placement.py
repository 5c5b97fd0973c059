"""Which slot gets which GPUs, and what share of the processors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from tasks.hardware import memory
from tasks.hardware.gpus import ORDER, VISIBLE, Gpu, select_gpus, visible_gpus

MOST_CPU_SLOTS = 8
CPU_SLOT_MEMORY = 1_500_000_000
"""Bytes that a slot is taken to need, where their number is chosen by itself."""

AUTO = "auto"
SHARE = 0.9
"""Part of a GPU's memory that its slots share; the rest is what CUDA itself needs."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the child of a slot runs."""

    devices: str = ""
    """Its CUDA_VISIBLE_DEVICES; empty to leave that as it is."""
    memory: int | None = None
    """Bytes of each GPU that it may take, where others share it."""
    share: float = 1.0
    """Part of each GPU's memory that it may take."""
    order: str = ""
    """Its CUDA_DEVICE_ORDER; empty to leave that as it is."""

    @property
    def env(self) -> dict[str, str]:
        """Environment variables, to be there before anything can import TensorFlow."""
        if not self.devices:
            return {}
        env = {VISIBLE: self.devices}
        if self.order:
            env[ORDER] = self.order
        if self.share < 1:
            env["TRIALFLOW_GPU_SHARE"] = f"{self.share:.4f}"
            env["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{self.share:.4f}"
            if self.memory is not None:
                env["TRIALFLOW_GPU_MEMORY"] = str(self.memory)
        return env


def place_slots(
    slots: int | str | None = None,
    gpus: str | None = None,
    trials_per_gpu: int | None = None,
    gpus_per_trial: int = 1,
    environ: Mapping[str, str] = os.environ,
) -> list[Placement]:
    """Decides where the slots of this machine are.

    Args:
        slots: Number of slots; `"auto"` for one a GPU, or for what the processors can carry. If
            omitted, that of the GPUs where one of the other arguments asks for GPUs, else 1.
        gpus: GPUs to use, by their position among the visible ones or by id; all if omitted.
        trials_per_gpu: Number of slots that share a GPU; what it takes if omitted.
        gpus_per_trial: Number of GPUs a slot has to itself.
        environ: Environment variables.

    Returns:
        One for each slot.

    Raises:
        ValueError: That does not fit together, or there are no such GPUs.
    """
    asks = gpus is not None or trials_per_gpu is not None or gpus_per_trial > 1
    wanted = slots if slots is not None else AUTO if asks else 1
    found = visible_gpus(environ)
    chosen = found if gpus is None else select_gpus(found, gpus)
    if trials_per_gpu is not None and gpus_per_trial > 1:
        raise _refuse("`trials_per_gpu` or `gpus_per_trial`", "both")
    if not chosen:
        if asks:
            raise _refuse("a GPU for `trials_per_gpu` and `gpus_per_trial`", "none is visible")
        return [Placement()] * (cpu_slots() if wanted == AUTO else int(wanted))
    groups = _groups(chosen, gpus_per_trial)
    most = len(groups) * (trials_per_gpu or 1)
    count = most if wanted == AUTO else int(wanted)
    if (trials_per_gpu is not None or gpus_per_trial > 1) and count > most:
        raise _refuse(f"at most {most} slots on {len(chosen)} GPUs", f"slots={count}")
    # CUDA's own order is by speed; the management library's, and everybody's, is by bus.
    order = "" if VISIBLE in environ or ORDER in environ else "PCI_BUS_ID"
    return [_place(groups, number, count, order) for number in range(count)]


def cpu_slots() -> int:
    """Slots that the processors and the memory of this machine can carry."""
    free = memory.available()
    carried = MOST_CPU_SLOTS if free is None else free // CPU_SLOT_MEMORY
    return max(1, min(MOST_CPU_SLOTS, processors(), carried))


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_limits(slots: int) -> dict[str, str]:
    """Variables that divide the processors among the slots, so that they do not fight.

    What the user has set stays.
    """
    share = str(max(1, processors() // slots))
    limits = {
        "TF_NUM_INTRAOP_THREADS": share,
        "OMP_NUM_THREADS": share,
        "OPENBLAS_NUM_THREADS": share,
        "MKL_NUM_THREADS": share,
        # Several children may meet on one GPU: none may take all of its memory at once.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    return {name: value for name, value in limits.items() if name not in os.environ}


def _groups(gpus: list[Gpu], size: int) -> list[list[Gpu]]:
    if len(gpus) < size:
        raise _refuse(f"`gpus_per_trial` to be at most {len(gpus)}, the number of GPUs", size)
    if size > 1 and any(gpu.id.startswith("MIG-") for gpu in gpus):
        raise _refuse("whole GPUs for `gpus_per_trial`", "MIG instances, of which one is seen")
    return [gpus[start : start + size] for start in range(0, len(gpus) - size + 1, size)]


def _place(groups: list[list[Gpu]], number: int, count: int, order: str) -> Placement:
    group = groups[number % len(groups)]
    devices = ",".join(gpu.id for gpu in group)
    sharing = -(-count // len(groups))
    if sharing == 1:
        return Placement(devices, order=order)
    memories = [gpu.memory for gpu in group if gpu.memory is not None]
    share = SHARE / sharing
    return Placement(devices, int(min(memories) * share) if memories else None, share, order)


def _refuse(expected: str, received: object) -> ValueError:
    return ValueError(f"Expected {expected}. Received: {received}.")
