"""Slots whose children get their tuner from a script that runs in this process."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Self

from tasks.parcel import pack
from tasks.slots import LocalSlots
from tuner.base_tuner import BaseTuner

SLOW_IMPORTS = ("tensorflow", "keras", "sklearn")
"""Modules that children share if the script has imported them; importing starts nothing."""


class ParcelSlots(LocalSlots):
    """Slots on this machine for one search of a script.

    Args:
        count: Number of trials that run at the same time.
        tuner: As the script assembled it; sent when there is a trial to run.
        args: What `search` was given.
        kwargs: Likewise.
    """

    def __init__(
        self, count: int, tuner: BaseTuner, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        super().__init__(count, {}, tuple(name for name in SLOW_IMPORTS if name in sys.modules))
        self._contents = (tuner, args, kwargs)

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._setup = pack(self.scratch, *self._contents)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self
