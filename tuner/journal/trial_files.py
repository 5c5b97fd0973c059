"""Documents of a trial: its result, and the manifest of an execution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Required, Self, TypedDict

from storage import CorruptError, StoredFile, unseal
from tuner.core.text import short_repr
from tuner.core.trial import Trial
from tuner.core.typed import check_fitting, understood

FORMAT = 1
"""Version of manifests and states."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Names the newest training state of an execution."""

    epoch: int
    """Number of epochs that are done."""
    state: StoredFile
    file: StoredFile | None
    """Weights of the best of these epochs."""

    def to_json(self) -> dict[str, Any]:
        file = None if self.file is None else self.file.to_json()
        return {"format": FORMAT, "epoch": self.epoch, **self.state.to_json(), "file": file}

    @classmethod
    def parse(cls, data: bytes, where: str) -> Self:
        """The manifest in a document.

        Raises:
            CorruptError: It is none of this format.
        """
        found = unseal(data, where)
        match found:
            case {"format": int(version)} if version != FORMAT:
                raise CorruptError(f"Expected format {FORMAT} at {where}. Received: {version}.")
            case {"format": int(), "epoch": int(epoch), "file": file} if epoch >= 0:
                state = StoredFile.from_json(found, where)
                best = None if file is None else StoredFile.from_json(file, where)
                return cls(epoch, state, best)
        raise CorruptError(f"Expected a manifest at {where}. Received: {sorted(found)}.")

    @property
    def files(self) -> list[StoredFile]:
        return [self.state, *([] if self.file is None else [self.file])]


class _Result(TypedDict, total=False):
    """What `Trial.get_state` gives."""

    trial_id: Required[str]
    hyperparameters: Required[dict[str, Any]]
    metrics: Required[dict[str, Any]]
    status: Required[str]
    score: float | str | None
    best_step: int | None
    message: str | None
    budget: dict[str, Any] | None
    seed: int | None
    losses: int
    retries: int
    record: dict[str, Any]


def parse_result(data: bytes, trial_id: str, where: str) -> dict[str, Any]:
    """The state of a trial that is in a `result.json`.

    Args:
        data: The document.
        trial_id: Whose it is.
        where: Its path or URL, for messages.

    Raises:
        CorruptError: It is not what was written, or another trial's.
    """
    state = unseal(data, where)
    check_fitting(_Result, state, where)
    with understood(where):
        trial = Trial.from_state(state)
        _ = trial.metrics  # read lazily, otherwise
    if trial.trial_id != trial_id or not trial.ended:
        received = f"trial_id={short_repr(trial.trial_id)}, status={short_repr(trial.status)}"
        raise CorruptError(
            f"Expected the end of trial {trial_id} at {where}. Received: {received}."
        )
    return state
