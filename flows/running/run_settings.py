"""Arguments of the last search, saved as study.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from flows.parameters import SearchParameters
from storage import KeyMissingError, seal, unseal
from tuner.core.typed import parse
from tuner.journal.project import Project


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Arguments of the last search of a project: what resuming and repeating it take."""

    study: str
    """Path of the study file; on other machines than this one, the module if one was named."""
    executions_per_trial: int | None = None
    """What the command said instead of the study."""
    slots: int = 1
    """They divide the processors, and so decide how many threads a training has."""

    arguments: dict[str, Any] = field(default_factory=dict)
    """Those of the flow that a resumed search takes again."""

    @classmethod
    def of(cls, setup: Mapping[str, Any], slots: int, told: SearchParameters) -> RunSettings:
        """The settings of a run.

        Args:
            setup: Of the training processes.
            slots: Number of trials that run at the same time.
            told: All that the search was told.
        """
        return cls(setup["study"], setup["executions_per_trial"], slots, told.kept())

    def setup(self) -> dict[str, Any]:
        """What a training process needs beside its project."""
        return {"study": self.study, "executions_per_trial": self.executions_per_trial}

    def save(self, project: Project) -> None:
        project.store.replace(project.paths.study, seal(asdict(self)))

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
            data, where = (
                project.store.read(project.paths.study),
                f"{project.store}/{project.paths.study}",
            )
            saved = parse(cls, unseal(data, where), where)
        except KeyMissingError:
            if study is None:
                msg = (
                    f"Expected a project of `trialflow search`, which says what its study is. "
                    f"Received: {project.url}. Name the study file with --study."
                )
                raise FileNotFoundError(msg) from None
            saved = cls(study)
        return saved if study is None else replace(saved, study=study)
