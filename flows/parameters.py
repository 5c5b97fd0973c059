"""All that a search can be told, each option written once.

The options of the commands, the form in the Prefect UI, `study.json` and the flow itself derive
from these dataclasses; a new option is a field. Imports neither Prefect nor anything that is slow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Literal
from zoneinfo import ZoneInfo

import typer

from storage import check_no_password
from tasks.engines import AGENT_IDLE, LOCAL, check_engine
from tasks.hardware.memory import parse_bytes
from tasks.hardware.placement import AUTO, Placement, place_slots
from tasks.process.watchdog import TrialLimits
from tuner.oracles.limits import Limits


def said(
    text: str,
    default: Any = MISSING,
    *,
    least: float | None = None,
    parse: Callable[[str], Any] | None = None,
    once: bool = False,
    **more: Any,
) -> Any:
    """A field of what a search can be told.

    Args:
        text: What the command line and the form say of it.
        default: Its value unless it is given; without one it is required.
        least: The smallest value.
        parse: Makes the value of a word of the command line; raises ValueError.
        once: Whether it is meant for one run, and not kept for the next.
        **more: `above`: a bound that a value must exceed; `metavar`: what stands for the value in
            the help; `shown`: what the help says is the default; `pattern`: what a form's text
            must match; `title`: the form's label.
    """
    return field(
        default=default,
        metadata={"help": text, "least": least, "parse": parse, "once": once, **more},
    )


def parse_slots(text: str) -> int | str:
    if text == AUTO:
        return text
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise typer.BadParameter(f"{text!r} is neither a number from 1 nor {AUTO}.")


def _parse_memory(text: str) -> str:
    try:
        parse_bytes(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return text


def _parse_engine(text: str) -> str:
    try:
        return check_engine(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def parse_url(text: str) -> str:
    """A path or URL of the command line."""
    try:
        check_no_password(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return text


def _parse_timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ValueError, OSError, LookupError):
        raise typer.BadParameter(f"{text!r} is no time zone such as Europe/Berlin.") from None
    return text


@dataclass(frozen=True, kw_only=True)
class ProjectParameters:
    """What is searched, and where it lies."""

    study: str = said("Path or module name of the study file.", once=True)
    directory: str = said(
        "Path or fsspec URL under which projects lie.",
        "results",
        once=True,
        parse=parse_url,
        metavar="TEXT",
    )
    project_name: str | None = said(
        "Name of the project, maybe with {date}, {time} or {study}; the study's if left out.",
        None,
        once=True,
    )
    max_trials: int | None = said("Number of trials, instead of the study's.", None, least=1)
    executions_per_trial: int | None = said(
        "Trainings per trial, instead of the study's.", None, least=1
    )
    objective: str | None = said(
        "Metric to improve, instead of the study's; trials that have recorded it are scored anew.",
        None,
        shown="the study's",
    )
    direction: Literal["min", "max"] | None = said(
        "Whether the objective is to be low or high.", None, shown="as its name says"
    )
    overwrite: bool = said(
        "Delete what the project holds, and begin anew.", default=False, once=True
    )
    retry_failed: bool = said(
        "Try all trials again that have failed, not only those that failed under other code.",
        default=False,
        once=True,
    )
    stale: Literal["keep", "retry", "ignore"] | None = said(
        "What becomes of trials on data of another version: they count, train again, or do not.",
        None,
        shown="as before; keep at first",
    )
    wait: bool = said(
        "Wait until a search that runs on the project has ended.", default=False, once=True
    )


PREVIOUS = "previous"
"""For `warm_start`: the project of the run before."""


@dataclass(frozen=True, kw_only=True)
class RunParameters:
    """What each run of a search does, should there be many."""

    each_run: Literal["resume", "extend", "new"] = said(
        "A run goes on with the project, tries max-trials more, or begins one of its own.",
        "resume",
        once=True,
    )
    timezone: str = said(
        "Of {date} and {time}, such as Europe/Berlin.", "UTC", parse=_parse_timezone, once=True
    )
    warm_start: str | None = said(
        "Project whose best is tried first and whose trials are learnt from; previous: the one "
        "of the run before.",
        None,
        shown="none",
        parse=parse_url,
        metavar="TEXT",
    )
    keep_projects: int | None = said(
        "Projects of the name with {date} or {time} that are kept, the newest.",
        None,
        least=1,
        once=True,
        shown="all",
    )
    publish: str | None = said(
        "Path or URL where the best model is put, with its values and where it comes from.",
        None,
        shown="nowhere",
        parse=parse_url,
        metavar="TEXT",
    )


@dataclass(frozen=True, kw_only=True)
class SlotParameters:
    """Where trials run, and what they may take."""

    slots: int | Literal["auto"] | None = said(
        "Trials that run at the same time; auto: one a GPU, or what the processors carry.",
        None,
        least=1,
        parse=parse_slots,
        metavar="N|auto",
        shown="1, or one for each of --gpus",
    )
    gpus: str | None = said(
        "GPUs to use, such as 0,2: positions among the visible ones, or ids.",
        None,
        shown="all that are visible",
    )
    trials_per_gpu: int | None = said(
        "Trials that share a GPU, each with its part of it.", None, least=1
    )
    gpus_per_trial: int = said("GPUs that each trial has to itself.", 1, least=1)
    memory_limit: str | None = said(
        "Host memory, such as 6GB, beyond which a trial is ended.",
        None,
        parse=_parse_memory,
        metavar="AMOUNT",
        shown="none",
    )
    trial_timeout: float | None = said(
        "Seconds after which a trial is ended.", None, least=0.1, above=0
    )
    stall_timeout: float | None = said(
        "Seconds without an epoch or output after which a trial is ended.",
        None,
        least=0.1,
        above=0,
    )
    grace: float = said("Seconds for trials to end their epoch when stopped.", 10.0, least=0)

    @classmethod
    def among(cls, options: Mapping[str, Any]) -> SlotParameters:
        """Those of some options that are about slots."""
        return cls(**{f.name: options[f.name] for f in fields(cls) if f.name in options})

    def limits_of_trials(self) -> TrialLimits:
        """What a trial may take."""
        memory = None if self.memory_limit is None else parse_bytes(self.memory_limit)
        return TrialLimits(memory, self.trial_timeout, self.stall_timeout, self.grace)

    def places(self) -> list[Placement]:
        """Where the slots of this machine are.

        Raises:
            ValueError: There are no such GPUs.
        """
        return place_slots(self.slots, self.gpus, self.trials_per_gpu, self.gpus_per_trial)


@dataclass(frozen=True, kw_only=True)
class SearchParameters(SlotParameters, Limits, RunParameters, ProjectParameters):
    """All that a search can be told."""

    stop_policy: Literal["median"] | None = said(
        "Stop trials whose curve is worse than that of most others.", None, shown="the study's"
    )
    engine: str = said(
        "Where trials run: local, dask://HOST:8786, prefect:POOL, or another engine.",
        LOCAL,
        parse=_parse_engine,
        metavar="NAME[:ADDRESS]",
        pattern=r"^[A-Za-z][A-Za-z0-9+._-]*(:.+)?$",
    )
    agent_idle: float = said(
        "Seconds without a trial after which an agent of prefect:POOL ends.",
        AGENT_IDLE,
        least=1,
    )

    def limits(self) -> dict[str, Any]:
        """Those of `Limits` that were given."""
        given = {f.name: getattr(self, f.name) for f in fields(Limits)}
        return {name: value for name, value in given.items() if value is not None}

    def kept(self) -> dict[str, Any]:
        """What a later run of the search takes again, JSON."""
        once = {f.name for f in fields(self) if f.metadata.get("once")}
        return {name: value for name, value in asdict(self).items() if name not in once}


def _as_for_a_search(name: str) -> Any:
    """The field of `SearchParameters` once more."""
    known = SearchParameters.__dataclass_fields__[name]
    return field(default=known.default, metadata=known.metadata)


_URL = "Path or URL of the project."


@dataclass(frozen=True, kw_only=True)
class ResumeParameters(Limits):
    """What a search that goes on can be told; all else is as it was started."""

    project_url: str = said(_URL, title="Project URL")
    study: str | None = said(
        "Path or module name of the study, should it have moved.", None, shown="the search's own"
    )
    slots: int | Literal["auto"] | None = _as_for_a_search("slots")
    objective: str | None = _as_for_a_search("objective")
    direction: Literal["min", "max"] | None = _as_for_a_search("direction")
    retry_failed: bool = _as_for_a_search("retry_failed")
    stale: Literal["keep", "retry", "ignore"] | None = _as_for_a_search("stale")
    wait: bool = _as_for_a_search("wait")

    def changes(self) -> dict[str, Any]:
        """The arguments of the search that are others now."""
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        del told["project_url"], told["study"]
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class ReportParameters:
    """What a report can be told."""

    project_url: str = said(_URL, title="Project URL")
    output: str | None = said("HTML file to write as well, on the worker's machine.", None)


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a search that are not as they are anyway."""
    defaults = {f.name: f.default for f in fields(SearchParameters)}
    return {name: value for name, value in options.items() if value != defaults[name]}


@dataclass(frozen=True, kw_only=True)
class AgentParameters:
    """What an agent of a work pool is told."""

    project_url: str = said("Path or URL of the project.", title="Project URL")
    idle: float = said("Seconds without a trial after which the agent ends.", AGENT_IDLE, above=0)
    gpus_per_trial: int = said(
        "GPUs that the agent has to itself, where there are any.", 1, least=1
    )
