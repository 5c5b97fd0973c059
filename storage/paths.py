"""Keys of a project's objects: the one place that builds them."""

import os
import posixpath
import re
from dataclasses import dataclass
from typing import ClassVar

ENTRIES_PER_FOLDER = 256
"""Entries of the journal in one folder, and in the segment that joins them."""

_TRIAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
_FOLDER = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9_-])?")


@dataclass(frozen=True, slots=True)
class ExecutionPaths:
    """Keys of one execution of a trial."""

    folder: str

    @property
    def result(self) -> str:
        """The outcome; created once."""
        return f"{self.folder}/result.json"

    @property
    def manifest(self) -> str:
        """Names the files of the newest training state."""
        return f"{self.folder}/manifest.json"

    def epoch(self, epoch: int, digest: str) -> str:
        """A training state after this many epochs."""
        return f"{self.folder}/epoch-{epoch:06d}-{digest}.npz"

    def best(self, digest: str) -> str:
        """Weights of the best epoch so far, beside a training state."""
        return f"{self.folder}/best-{digest}.weights.h5"

    def end(self, digest: str) -> str:
        """The training state at the end, for trials that go on from it."""
        return f"{self.folder}/end-{digest}.npz"


@dataclass(frozen=True, slots=True)
class TrialPaths:
    """Keys of one trial."""

    folder: str

    @property
    def result(self) -> str:
        return f"{self.folder}/result.json"

    @property
    def log(self) -> str:
        return f"{self.folder}/log.txt"

    @property
    def progress(self) -> str:
        return f"{self.folder}/progress.json"

    @property
    def model(self) -> str:
        return f"{self.folder}/model.json"

    def checkpoint(self, digest: str) -> str:
        return f"{self.folder}/checkpoint-{digest}.weights.h5"

    def pickle(self, digest: str) -> str:
        """A model of a library that keeps its models so; nothing of ours is pickled."""
        return f"{self.folder}/model-{digest}.pickle"

    def execution(self, number: int, retry: int = 0) -> ExecutionPaths:
        """Keys of an execution, of the first try or of a retry, which has nothing to do with it."""
        suffix = f"-retry-{retry}" if retry else ""
        return ExecutionPaths(f"{self.folder}/execution-{number}{suffix}")


@dataclass(frozen=True, slots=True)
class AgentPaths:
    """Keys over which a search and an agent talk; each is written by one side alone."""

    folder: str

    @property
    def order(self) -> str:
        """What the search wants of it; overwritten by the search."""
        return f"{self.folder}/order.json"

    @property
    def state(self) -> str:
        """Heartbeat, progress and the last answer; overwritten by the agent."""
        return f"{self.folder}/state.json"


class ProjectPaths:
    """Keys of a project, relative to its store.

    Example:
        paths = ProjectPaths()
        assert paths.trial("0001").result == "trials/0001/result.json"
    """

    project: ClassVar[str] = "project.json"
    lease: ClassVar[str] = "lease.json"
    erasing: ClassVar[str] = "erasing.json"
    study: ClassVar[str] = "study.json"
    journal: ClassVar[str] = "journal"
    tail: ClassVar[str] = "journal/tail.json"
    segments: ClassVar[str] = "segments"
    trials: ClassVar[str] = "trials"
    export: ClassVar[str] = "export"
    damaged: ClassVar[str] = "damaged"
    agents: ClassVar[str] = "agents"
    job: ClassVar[str] = "agents/job.json"

    def tuner_state(self, tuner_id: str) -> str:
        """What a subclass of a tuner keeps beyond the journal."""
        return f"tuner-{validate_name(tuner_id, 'tuner_id')}.json"

    def journal_folder(self, folder: int) -> str:
        return f"{self.journal}/{folder:06d}"

    def journal_entry(self, number: int) -> str:
        return f"{self.journal_folder(number // ENTRIES_PER_FOLDER)}/{number:09d}.json"

    def segment(self, folder: int) -> str:
        """The segment that joins the entries of a folder of the journal."""
        return f"{self.segments}/{folder:06d}.jsonl"

    def agent(self, agent_id: str) -> AgentPaths:
        return AgentPaths(f"{self.agents}/{validate_name(agent_id, 'agent_id')}")

    def trial(self, trial_id: str) -> TrialPaths:
        if not _TRIAL_ID.fullmatch(trial_id):
            raise ValueError(
                "Expected a trial's id to be 1 to 64 letters, digits, `_` and `-`, the first a "
                f"letter or digit. Received: trial_id={trial_id!r}."
            )
        return TrialPaths(f"{self.trials}/{trial_id}")


def validate_name(name: str, what: str) -> str:
    """Answers `name` if it can be part of a path on every store.

    Args:
        name: For example a tuner's.
        what: What the message calls it, for example `tuner_id`.

    Raises:
        ValueError: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"Expected `{what}` to be 1 to 64 letters, digits, `.`, `_` and `-`, the first a "
            f"letter or digit and the last no dot. Received: {what}={name!r}."
        )
    return name


def project_url(directory: str | os.PathLike[str], project_name: str) -> str:
    """Joins a directory, a path or any fsspec URL, and the name of a project in it."""
    # Of all joins this one leaves `memory://` and `s3://bucket` as they are.
    return posixpath.join(os.fspath(directory), validate_project_name(project_name))


def validate_project_name(name: str) -> str:
    """Answers a project's name if it can be a path in every store: folders and a name.

    Raises:
        ValueError: It cannot.
    """
    if not all(_FOLDER.fullmatch(part) for part in name.split("/")):
        raise ValueError(
            "Expected `project_name` to be a name, or names joined by `/`, each of 1 to 64 "
            "letters, digits, spaces, `.`, `_` and `-`, the first a letter, a digit or `_` and the "
            f"last neither a dot nor a space. Received: project_name={name!r}."
        )
    return name


def split_url(project_url: str) -> tuple[str, str]:
    """The directory and the name of a project's path or URL.

    Raises:
        ValueError: There is no name.
    """
    directory, separator, name = project_url.rstrip("/").rpartition("/")
    if not name or name.endswith(":"):
        msg = "Expected the path or URL of a project, with its name at the end."
        raise ValueError(f"{msg} Received: project_url={project_url!r}.")
    if directory.endswith(":/"):
        return f"{directory}/", name  # `memory://name`
    return directory or separator or ".", name
