"""With what a project was searched last, kept beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from storage import KeyMissingError
from tuner.state.project import Project

OF_ONE_RUN = ("study", "directory", "project_name", "overwrite", "timeout", "wait")
"""Arguments that are said elsewhere, or not meant for another run."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """With what `trialflow search` ran a project last: what resuming and repeating it take."""

    study: str
    """Path of the study file; on other machines than this one, the module if one was named."""
    executions_per_trial: int | None = None
    """What the command said instead of the study."""
    slots: int = 1
    """They divide the processors, and so decide how many threads a training has."""

    arguments: dict[str, Any] = field(default_factory=dict)
    """Those of the flow that a resumed search takes again."""

    @classmethod
    def of(cls, setup: Mapping[str, Any], slots: int, arguments: Mapping[str, Any]) -> RunSettings:
        """The settings of a run.

        Args:
            setup: Of the training processes.
            slots: Number of trials that run at the same time.
            arguments: All those of the flow.
        """
        kept = {k: v for k, v in arguments.items() if k not in OF_ONE_RUN}
        return cls(setup["study"], setup["executions_per_trial"], slots, kept)

    def setup(self) -> dict[str, Any]:
        """What a training process needs beside its project."""
        return {"study": self.study, "executions_per_trial": self.executions_per_trial}

    def save(self, project: Project) -> None:
        project.store.replace(project.paths.study, json.dumps(asdict(self)).encode())

    def again(self, project: Project) -> dict[str, Any]:
        """The arguments of the flow with which a search goes on."""
        place = {"directory": project.directory, "project_name": project.name}
        return {**self.arguments, **place, "study": self.study}

    @classmethod
    def load(cls, project: Project, study: str | None) -> RunSettings:
        """What was saved, with another study if one is given.

        Raises:
            FileNotFoundError: Neither was.
        """
        try:
            saved = cls(**json.loads(project.store.read(project.paths.study)))
        except KeyMissingError:
            if study is None:
                msg = (
                    f"Expected a project of `trialflow search`, which says what its study is. "
                    f"Received: {project.url}. Name the study file with --study."
                )
                raise FileNotFoundError(msg) from None
            saved = cls(study)
        return saved if study is None else replace(saved, study=study)
