"""Opens the project and the tuner a search runs on. Knows nothing of Prefect."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from storage import split_url
from tuner.base_tuner import BaseTuner
from tuner.search.role import Role
from tuner.state.project import Project
from tuner.study import load_study
from tuner.tuner import Tuner


def project_name_of(study: str, project_name: str | None) -> str:
    """The project's name: as given, or that of the study file."""
    if project_name is not None:
        return project_name
    stem = Path(study).stem if study.endswith(".py") else study.rsplit(".", 1)[-1]
    return re.sub(r"[^A-Za-z0-9_-]", "-", stem)


def child_setup(study: str, tuner: BaseTuner, executions: int | None) -> dict[str, Any]:
    """What a training child needs to assemble the same tuner; JSON.

    Paths are absolute, since a study may change the working directory.
    """
    directory, name = split_url(tuner.search_project.url)
    return {
        "study": str(load_study(study).path),
        "project": {"directory": directory, "project_name": name},
        "executions_per_trial": executions,
    }


def open_tuner(
    study: str,
    directory: str,
    project_name: str,
    *,
    max_trials: int | None = None,
    executions_per_trial: int | None = None,
    overwrite: bool = False,
) -> BaseTuner:
    """Assembles the study's tuner for a process that searches and builds no model.

    Args:
        study: Path or module name of the study file.
        directory: Path or fsspec URL.
        project_name: Name of the project.
        max_trials: Overrides the study's.
        executions_per_trial: Likewise.
        overwrite: Whether to delete what the project holds.

    Raises:
        TypeError: The tuner has no such setting.
        ValueError: The directory is one that the training processes would not see.
    """
    check_shared(directory)
    loaded = load_study(study)
    tuner = loaded.build_tuner(
        Role.SEARCH, directory=directory, project_name=project_name, overwrite=overwrite
    )
    if max_trials is not None:
        tuner.oracle.max_trials = max_trials
    if executions_per_trial is not None and not isinstance(tuner, Tuner):
        msg = (
            f"Expected a Keras Tuner for `executions_per_trial`. Received: executions_per_trial="
            f"{executions_per_trial} with a {type(tuner).__name__}, which decides that itself."
        )
        raise TypeError(msg)
    return tuner


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
