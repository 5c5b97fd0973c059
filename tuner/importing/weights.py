"""The weights of the old trials: copied if we can read them, reported if not."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from storage import Store
from tuner.importing.translating import NewTrial
from tuner.importing.trials import WEIGHTS
from tuner.state.project import Project
from tuner.training import checkpoint
from tuner.trial import TrialStatus

SHOWN = 5
"""Trials that a sentence names."""

TAKEN = ""
MISSING = "left no weights, so `get_best_models` cannot load them"
DAMAGED = f"have a {WEIGHTS} that is damaged; it was left out"
TENSORFLOW = "have weights in TensorFlow's checkpoint format, which Keras 3 cannot load"
PICKLED = "have a model.pickle, which may run anything when it is loaded; it was left out"


def take_weights(source: Store, project: Project, trial: NewTrial) -> tuple[str, dict[str, Any]]:
    """Copies the weights of one trial.

    Returns:
        `TAKEN` or why they were not, and what the trial's record says of them.
    """
    if trial.status != TrialStatus.COMPLETED:
        return TAKEN, {}
    if WEIGHTS not in trial.old.files:
        return _why_not(trial.old.files), {}
    with tempfile.TemporaryDirectory(prefix="trialflow-") as folder:
        path = Path(folder) / WEIGHTS
        source.download(f"{trial.old.folder}/{WEIGHTS}", path)
        if not _is_whole(path):
            return DAMAGED, {}
        return TAKEN, {"checkpoint": checkpoint.keep(project, trial.trial_id, path)}


def describe(answers: Mapping[str, str]) -> list[str]:
    """Sentences on the weights that were not taken, of answers by trial id."""
    trials = defaultdict(list)
    for trial_id, answer in sorted(answers.items()):
        if answer != TAKEN:
            trials[answer].append(trial_id)
    return [f"{_named(ids)} {answer}." for answer, ids in sorted(trials.items())]


def _why_not(files: Iterable[str]) -> str:
    if any(name.startswith("checkpoint") for name in files):
        return TENSORFLOW
    return PICKLED if "model.pickle" in files else MISSING


def _is_whole(path: Path) -> bool:
    import h5py  # type: ignore[import-untyped]  # comes with Keras, without types

    try:
        with h5py.File(path):
            return True
    except OSError:
        return False


def _named(trial_ids: list[str]) -> str:
    more = len(trial_ids) - SHOWN
    text = ", ".join(trial_ids[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{len(trial_ids)} of the completed trials ({text})"
