"""Slots whose children get their tuner from a script that runs in this process."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tasks.hardware.placement import Placement
from tasks.process.local_slots import LocalSlots
from tasks.process.payload import is_whole, pack
from tasks.process.supervisor import Child
from tasks.process.watchdog import TrialLimits
from tasks.slots import Line
from tuner.tuners.base_tuner import BaseTuner

SLOW_IMPORTS = ("tensorflow", "keras", "sklearn")
"""Modules that children share if the script has imported them; importing starts nothing."""


class ScriptSlots(LocalSlots):
    """Slots on this machine for one search of a script.

    Args:
        places: One for each slot; or their number, where they need no GPU.
        tuner: As the script assembled it; sent when there is a trial to run.
        args: What `search` was given.
        kwargs: Likewise.
        limits: What a trial may take.
    """

    def __init__(
        self,
        places: int | Sequence[Placement],
        tuner: BaseTuner,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        limits: TrialLimits | None = None,
    ) -> None:
        slow = tuple(name for name in SLOW_IMPORTS if name in sys.modules)
        super().__init__(places, {}, slow, limits)
        self._contents = (tuner, args, kwargs)
        self._packing = threading.Lock()

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._pack()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def start_child(self, slot: str, emit: Line) -> Child:
        with self._packing:
            if not is_whole(self._setup):
                self._pack()
        return super().start_child(slot, emit)

    def _pack(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="payload-", dir=self.scratch))
        self._setup = pack(folder, *self._contents)
