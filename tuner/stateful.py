"""What keeps state of its own, as Keras Tuner has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Stateful:
    """Has state beyond what the history of its search tells."""

    def get_state(self) -> dict[str, Any]:
        """The state as JSON."""
        raise NotImplementedError

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` gave."""
        raise NotImplementedError

    def save(self, fname: str) -> None:
        """Writes the state to a local file."""
        Path(fname).write_text(json.dumps(self.get_state(), allow_nan=False), encoding="utf-8")

    def reload(self, fname: str) -> None:
        """Reads the state from a local file."""
        self.set_state(json.loads(Path(fname).read_text(encoding="utf-8")))
