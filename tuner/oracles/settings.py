"""The settings of an oracle: what a session looks up, and what is compared between two starts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Protocol

from tuner.core.hyperparameters import HyperParameter, HyperParameters
from tuner.core.jsonable import to_json
from tuner.core.objective import Objective, create_constraints, objective_from_json
from tuner.core.trial import Trial
from tuner.journal.history import History
from tuner.journal.project import ProjectInfo
from tuner.oracles.limits import LimitArguments, Limits

PLAIN = (bool, int, float, str, type(None))
NOT_SETTINGS = {"objective", "hyperparameters"}
"""Kept elsewhere: in `project.json`, and as the space."""
LISTS = {"constraints", "warm_start_from"}
"""Settings that are lists of plain values."""


class OracleOptions(LimitArguments, total=False):
    """Keyword arguments that all oracles take beside Keras Tuner's; see `Oracle`."""

    constraints: Sequence[Sequence[Any]] | None
    warm_start_from: Sequence[str] | str | None


OPTIONS = tuple(OracleOptions.__annotations__)


class Settings(Protocol):
    """What a session looks up whenever it needs it, since some of it is changed on the way."""

    objective: Objective
    seed: int
    max_trials: int | None
    max_retries_per_trial: int
    max_consecutive_failed_trials: int
    limits: Limits
    constraints: list[list[Any]]
    warm_start_from: list[str]
    allow_new_entries: bool
    tune_new_entries: bool
    grants_budgets: bool
    study: str | None
    data_version: str | None
    stale: str | None
    retry_failed: bool
    checkpoints_kept: int | None

    @property
    def keeps_state(self) -> bool:
        """Whether the oracle may know more than the history tells."""

    @property
    def learns_when_told(self) -> bool:
        """Whether what it knows may change when a trial reports, or ends."""

    @property
    def planned_trials(self) -> int | None:
        """Number of trials the search will have, None if unknown."""

    def adopt_seed(self, seed: int) -> None:
        """Takes the seed of the project, unless it was given another."""

    def arguments(self) -> dict[str, Any]:
        """The arguments that are plain values, JSON."""

    def set_score(self, trial: Trial) -> None:
        """Sets `score` and `best_step` of a trial from its metrics."""

    def own_state(self) -> dict[str, Any]:
        """What the history does not tell."""

    def restore(self, own_state: Mapping[str, Any]) -> None:
        """Takes over what `own_state` gave."""

    def weights_needed(self) -> set[str]:
        """Ids of ended trials whose weights a running or a later trial goes on from."""


def new_history(settings: Settings, info: ProjectInfo | None = None) -> History:
    """An empty history, by the constraints of now.

    Args:
        settings: Of the search.
        info: What its project says of its objective and seed; None for those of the settings.
    """
    constraints = create_constraints(settings.constraints)
    if info is None:
        return History(settings.objective, settings.seed, constraints)
    return History(objective_from_json(info.objective), info.seed, constraints)


def limits_among(options: OracleOptions) -> Limits:
    """The limits among the options of an oracle.

    Raises:
        TypeError: There is no such option.
        ValueError: A limit is not positive.
    """
    return Limits(**{name: value for name, value in options.items() if name not in LISTS})  # type: ignore[arg-type]  # Python checks the names


def arguments_of(oracle: object) -> dict[str, Any]:
    """The constructor arguments that the oracle keeps under their names and that are plain; JSON.

    Keyword arguments that a subclass passes on are found on the classes it passes them to.
    """
    names = [
        name
        for cls in type(oracle).__mro__
        if "__init__" in vars(cls)
        for name in inspect.signature(vars(cls)["__init__"]).parameters
    ]
    wanted = [name for name in (*names, *OPTIONS) if name not in NOT_SETTINGS]
    kept = {name: getattr(oracle, name, NOT_SETTINGS) for name in wanted}
    arguments: dict[str, Any] = to_json(
        {name: value for name, value in kept.items() if isinstance(value, PLAIN) or name in LISTS}
    )
    return arguments


def admitted(settings: Settings, new: Sequence[HyperParameter]) -> bool:
    """Whether hyperparameters that were not given in advance join the search.

    Raises:
        RuntimeError: There are some, and no more may be declared.
    """
    if new and not settings.allow_new_entries:
        names = [parameter.name for parameter in new]
        raise RuntimeError(f"`allow_new_entries` is `False`, but found new entries {names}")
    return settings.tune_new_entries


def describe_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The arguments of an oracle that another call has changed, for people; empty if none."""
    changed = [name for name in now if name in before and before[name] != now[name]]
    return ", ".join(f"{name}={now[name]!r} (was {before[name]!r})" for name in changed)


def initial_space(
    hyperparameters: object, *, allow_new_entries: bool, tune_new_entries: bool
) -> HyperParameters:
    """The space as the user gave it, empty if they gave none.

    Raises:
        TypeError: They gave something else.
        ValueError: Nothing else may join, and they gave none.
    """
    if isinstance(hyperparameters, HyperParameters):
        return hyperparameters.copy()
    if hyperparameters is not None:
        kind = type(hyperparameters).__name__
        msg = f"Expected `hyperparameters` to be HyperParameters. Received: a {kind}."
        raise TypeError(msg)
    if not (allow_new_entries and tune_new_entries):
        closed = "tune_new_entries=False" if allow_new_entries else "allow_new_entries=False"
        msg = f"Expected `hyperparameters`, the search space, with `{closed}`."
        raise ValueError(f"{msg} Received: hyperparameters=None, {closed}.")
    return HyperParameters()


def urls(given: Sequence[str] | str | None) -> list[str]:
    """Paths or URLs as a list, of one or several."""
    alone = isinstance(given, str | PurePath)
    return [str(url) for url in ([given] if alone else given or ())]
