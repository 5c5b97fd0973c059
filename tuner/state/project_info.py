"""What a project says of itself, once and for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from storage import NewerFormatError

FORMAT = 1
"""Version of the layout of a project and of `project.json`."""


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """What stands in `project.json`: written once, when the search begins."""

    objective: dict[str, Any]
    seed: int
    oracle: str
    created: float = 0.0
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, state: Mapping[str, Any], url: str) -> ProjectInfo:
        """What `to_json` gave.

        Args:
            state: Its JSON.
            url: The project's, for the message.

        Raises:
            NewerFormatError: A newer Trialflow made it.
        """
        if state["format"] > FORMAT:
            msg = (
                f"Expected a project of format {FORMAT} or older at {url}. "
                f"Received: format={state['format']}. Update Trialflow."
            )
            raise NewerFormatError(msg)
        return cls(**state)

    def check_objective(self, objective: Mapping[str, Any], url: str) -> None:
        """Raises ValueError unless the objective is that of the project."""
        if self.objective != objective:
            msg = (
                f"Expected the objective of the project at {url}, {self.objective}. "
                f"Received: objective={objective}. Use another `project_name`, or "
                "`overwrite=True` to delete what is there."
            )
            raise ValueError(msg)
