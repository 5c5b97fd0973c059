"""Opens the project and the tuner a search runs on. Knows nothing of Prefect."""

from __future__ import annotations

from typing import Any

from storage import split_url
from tuner.core.metrics import infer_metric_direction
from tuner.core.objective import Objective
from tuner.core.runtime import Role
from tuner.journal.project import Project
from tuner.tuners.base_tuner import BaseTuner
from tuner.tuners.code_digest import digest_of_files
from tuner.tuners.study import load_study
from tuner.tuners.tuner import Tuner


def child_setup(
    study: str, tuner: BaseTuner, executions: int | None, *, own_objective: bool = True
) -> dict[str, Any]:
    """What a training child needs to assemble the same tuner; JSON.

    Paths are absolute, since a study may change the working directory.

    Args:
        study: Path or module name of the study file.
        tuner: As it was opened.
        executions: Trainings per trial, if they are not the study's.
        own_objective: Whether the objective is the study's.
    """
    directory, name = split_url(tuner.search_project.url)
    return {
        "study": str(load_study(study).path),
        "project": {"directory": directory, "project_name": name},
        "executions_per_trial": executions,
        "objective": None if own_objective else tuner.oracle.objective.to_json(),
    }


def open_tuner(
    study: str,
    directory: str,
    project_name: str,
    *,
    max_trials: int | None = None,
    executions_per_trial: int | None = None,
    objective: str | None = None,
    direction: str | None = None,
    overwrite: bool = False,
) -> BaseTuner:
    """Assembles the study's tuner for a process that searches and builds no model.

    Args:
        study: Path or module name of the study file.
        directory: Path or fsspec URL.
        project_name: Name of the project.
        max_trials: Overrides the study's.
        executions_per_trial: Likewise.
        objective: Name of a metric; overrides the study's objective.
        direction: `"min"` or `"max"`; None where the metric's name says it.
        overwrite: Whether to delete what the project holds.

    Raises:
        TypeError: The tuner has no such setting.
        ValueError: The directory is one that the training processes would not see; or the
            objective's direction is not known, or trials that have completed did not record it.
    """
    check_shared(directory)
    loaded = load_study(study)
    tuner = loaded.build_tuner(
        Role.SEARCH, directory=directory, project_name=project_name, overwrite=overwrite
    )
    tuner.oracle.study = digest_of_files([loaded.path])
    if max_trials is not None:
        tuner.oracle.max_trials = max_trials
    if executions_per_trial is not None and not isinstance(tuner, Tuner):
        msg = (
            f"Expected a Keras Tuner for `executions_per_trial`. Received: executions_per_trial="
            f"{executions_per_trial} with a {type(tuner).__name__}, which decides that itself."
        )
        raise TypeError(msg)
    if objective is not None or direction is not None:
        tuner.oracle.objective = _objective(objective, direction, tuner.oracle.objective)
    tuner.oracle.session.check_objective()
    return tuner


def _objective(name: str | None, direction: str | None, own: Objective) -> Objective:
    """What --objective and --direction say, beside the study's own."""
    name = own.name if name is None else name
    if direction is None and name == own.name:
        return own
    direction = direction or infer_metric_direction(name)
    if direction is None:
        msg = "Expected --direction min or --direction max, since the name does not tell."
        raise ValueError(f"{msg} Received: --objective {name}.")
    return Objective(name, direction)


def preload(tuner: BaseTuner) -> tuple[str, ...]:
    """What every child will import anyway; a tuner without a model needs no Keras."""
    return () if tuner.hypermodel is None else ("keras",)


def check_shared(directory: str) -> None:
    """Raises ValueError for a directory that the training processes would not see."""
    if directory.startswith("memory:"):
        msg = (
            "Expected a `directory` that other processes see, since trials run in them. "
            f"Received: directory={directory!r}. Use a path or an object store."
        )
        raise ValueError(msg)


def begun_project(directory: str, project_name: str) -> str | None:
    """Path or URL of a project that was begun, None where there is none that can be seen."""
    try:
        project = Project(directory, project_name)
        return project.url if project.store.exists(project.paths.project) else None
    except Exception:  # noqa: BLE001 - of a store that cannot be read nothing is known
        return None
