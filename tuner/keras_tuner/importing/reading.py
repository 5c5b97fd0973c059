"""A project directory as Keras Tuner 1.0 to 1.4 wrote it; read only, and strictly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from storage import Store
from tuner.core.hyperparameters import HyperParameters
from tuner.keras_tuner.importing.trials import (
    Document,
    OldTrial,
    damaged,
    place,
    read_trial,
    space_of,
)
from tuner.oracles.hyperband import Ladder

ORACLE = "oracle.json"
FOLDER = "trial_"
THREADS = 8
"""Trials that are read at the same time."""
ENTRIES = (
    *("ongoing_trials", "hyperparameters", "start_order", "end_order", "run_times"),
    *("retry_queue", "seed", "seed_state", "tried_so_far", "id_to_hash", "display"),
    *("hyperband_iterations", "max_epochs", "min_epochs", "factor", "brackets"),
    *("current_bracket", "current_iteration", "num_initial_points", "alpha", "beta"),
)
"""What oracles of Keras Tuner keep; all that matters of it stands in the trials as well."""
_NUMBER = re.compile(r"\d{1,18}")
_NULL = type(None)


@dataclass(frozen=True, slots=True)
class OldProject:
    """All that an import takes from the old directory, but for the weights."""

    url: str
    trials: Mapping[str, OldTrial]
    """By their old ids, in the order of their creation."""
    end_order: tuple[str, ...]
    """Old ids of trials, in the order of their ends, as far as it is known."""
    unfinished: frozenset[str]
    """Old ids of trials that were running, or waited for another try."""
    run_times: Mapping[str, int]
    """How often each trial came to an end, tries that failed included."""
    space: HyperParameters
    seed: int
    ladder: Ladder | None
    """The table of brackets, if it was Hyperband."""
    sweeps: float
    oracle: str
    """Name of the class of ours that goes on with it, `"Oracle"` if unknown."""
    notes: tuple[str, ...]
    """What is odd about it, in sentences."""


def read_project(store: Store) -> OldProject:
    """Reads and checks every file but the weights.

    Raises:
        FileNotFoundError: It is no project of Keras Tuner.
        CorruptError: A file is damaged; the message names it.
    """
    names = store.list("")
    folders = [name for name in names if name.startswith(FOLDER)]
    if not folders and ORACLE not in names:
        msg = (
            f"Expected a project directory of Keras Tuner, with {ORACLE} and {FOLDER}* in it. "
            f"Received: {store}, which holds {', '.join(names[:5]) or 'nothing'}."
        )
        raise FileNotFoundError(msg)
    found = _read_trials(store, folders)
    if ORACLE not in names:
        return _without_oracle(store, folders, found)
    document = Document.parse(store.read(ORACLE), place(store, ORACLE))
    return _with_oracle(store, document, folders, found)


def _read_trials(store: Store, folders: Iterable[str]) -> dict[str, OldTrial]:
    keys = {f"{folder}/trial.json": folder for folder in folders}
    found = store.read_many(keys)
    with ThreadPoolExecutor(THREADS) as pool:
        trials = pool.map(lambda key: read_trial(store, keys[key], found[key]), sorted(found))
        return {trial.trial_id: trial for trial in trials}


def _without_oracle(
    store: Store, folders: Iterable[str], found: Mapping[str, OldTrial]
) -> OldProject:
    note = (
        f"There is no {ORACLE}: the order of the trials was taken from their names, and the "
        "search space from the trials."
    )
    return OldProject(
        url=str(store),
        trials={trial_id: found[trial_id] for trial_id in sorted(found, key=_by_name)},
        end_order=(),
        unfinished=frozenset(),
        run_times={},
        space=HyperParameters(),
        seed=0,
        ladder=None,
        sweeps=1,
        oracle="Oracle",
        notes=(note, *_empty_folders(folders, found)),
    )


def _with_oracle(
    store: Store, document: Document, folders: Iterable[str], found: Mapping[str, OldTrial]
) -> OldProject:
    started = _ids(document, "start_order", found)
    late = sorted(found.keys() - set(started), key=_by_name)
    ongoing = document.get("ongoing_trials", dict)
    waiting = _known([*ongoing.values()], "ongoing_trials", document, found)
    waiting += _ids(document, "retry_queue", found)
    seed = document.get("seed", int, _NULL, default=None)
    ladder = _ladder(document)
    return OldProject(
        url=str(store),
        trials={trial_id: found[trial_id] for trial_id in [*started, *late]},
        end_order=tuple(_ids(document, "end_order", found)),
        unfinished=frozenset(waiting),
        run_times=_run_times(document),
        space=space_of(document.part("hyperparameters")),
        # numpy takes no negative seed; Keras Tuner did.
        seed=seed if seed is not None and seed >= 0 else 0,
        ladder=ladder,
        sweeps=document.get("hyperband_iterations", int, float, default=1),
        oracle=_oracle(document, ladder),
        notes=(*_empty_folders(folders, found), *_strange_entries(document)),
    )


def _ids(document: Document, name: str, found: Mapping[str, OldTrial]) -> list[str]:
    """A list of trials; empty in projects older than the list."""
    return _known(document.get(name, list, default=[]), name, document, found)


def _known(
    ids: list[object], name: str, document: Document, found: Mapping[str, OldTrial]
) -> list[str]:
    for trial_id in ids:
        if trial_id not in found:
            expected = f"each trial of `{name}` to have its {FOLDER}*/trial.json beside it"
            received = f"{trial_id!r}, but no {FOLDER}{trial_id}/trial.json"
            raise damaged(document.where, expected, received)
    return [str(trial_id) for trial_id in dict.fromkeys(ids)]


def _run_times(document: Document) -> dict[str, int]:
    counts = document.get("run_times", dict, default={})
    with document.reading("`run_times`"):
        return {trial_id: int(count) for trial_id, count in counts.items()}


def _ladder(document: Document) -> Ladder | None:
    if "brackets" not in document.state:
        return None
    ladder = Ladder(document.get("max_epochs", int), document.get("factor", int))
    with document.reading("`max_epochs` and `factor`"):
        ladder.brackets()
    return ladder


def _oracle(document: Document, ladder: Ladder | None) -> str:
    if ladder is not None:
        return "HyperbandOracle"
    return "BayesianOptimizationOracle" if "num_initial_points" in document.state else "Oracle"


def _empty_folders(folders: Iterable[str], found: Mapping[str, OldTrial]) -> tuple[str, ...]:
    empty = [name for name in folders if name.removeprefix(FOLDER) not in found]
    return tuple(f"{name} holds no trial.json and was passed over." for name in empty)


def _strange_entries(document: Document) -> tuple[str, ...]:
    strange = sorted(document.state.keys() - set(ENTRIES))
    if not strange:
        return ()
    names = ", ".join(strange)
    return (f"{ORACLE} holds what a subclass kept ({names}), which was left out.",)


def _by_name(trial_id: str) -> tuple[int, int, str]:
    """Numbers by value, whatever their width; ids of versions before 1.1.1 by letter."""
    number = _NUMBER.fullmatch(trial_id)
    return (0, int(trial_id), trial_id) if number else (1, 0, trial_id)
