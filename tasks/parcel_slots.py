"""Slots whose children get their tuner from a script that runs in this process."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Self

from tasks.parcel import pack
from tasks.placement import Placement
from tasks.slots import LocalSlots
from tasks.watchdog import Limits
from tuner.base_tuner import BaseTuner

SLOW_IMPORTS = ("tensorflow", "keras", "sklearn")
"""Modules that children share if the script has imported them; importing starts nothing."""


class ParcelSlots(LocalSlots):
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
        limits: Limits | None = None,
    ) -> None:
        slow = tuple(name for name in SLOW_IMPORTS if name in sys.modules)
        super().__init__(places, {}, slow, limits)
        self._contents = (tuner, args, kwargs)

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._setup = pack(self.scratch, *self._contents)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self
