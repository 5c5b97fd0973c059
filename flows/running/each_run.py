"""The project of one run among many: its name, its warm start, its extension, its retention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from flows.parameters import PREVIOUS, SearchParameters
from flows.project_names import NameTemplate
from storage import LeaseHeldError, StorageError, open_store, project_url
from tuner.core.objective import Objective
from tuner.journal.project import Project
from tuner.journal.reading import read_project
from tuner.journal.rescoring import objective_changed
from tuner.oracles.oracle import Oracle

Say = Callable[[str], None]
"""Tells people a sentence."""


def named(told: SearchParameters, moment: datetime) -> SearchParameters:
    """What a run was told, with the name of its project.

    Args:
        told: The parameters; the project's name may be a template.
        moment: When the run was to start.

    Raises:
        ValueError: The template makes no sense, or is missing where it is needed.
    """
    name = template_of(told).name_at(moment, told.timezone)
    return replace(told, project_name=name)


def template_of(told: SearchParameters) -> NameTemplate:
    """The template of the names of a search's projects; it may be one name.

    Raises:
        ValueError: It makes no sense, or is one name where there must be many.
    """
    template = NameTemplate.of(told.study, told.project_name or "{study}")
    if template.changes:
        return template
    if told.each_run == "new":
        return NameTemplate(f"{template.text}-{{date}}-{{time}}")
    many = {"warm_start": told.warm_start == PREVIOUS, "keep_projects": told.keep_projects}
    for name, wanted in many.items():
        if wanted:
            msg = (
                f"Expected each_run='new', or {{date}} or {{time}} in project_name, with `{name}`."
            )
            received = f"each_run={told.each_run!r}, project_name={told.project_name!r}"
            raise ValueError(f"{msg} Received: {received}.")
    return template


def extend(oracle: Oracle) -> None:
    """Has a search that has ended try `max_trials` more; one that was stopped goes on as planned.

    Raises:
        ValueError: Nothing says how many.
    """
    history = oracle.search_history
    if oracle.max_trials is None:
        msg = "Expected `max_trials` with each_run='extend': so many trials more in each run."
        raise ValueError(f"{msg} Received: max_trials=None.")
    if history.end_reason is not None:
        oracle.max_trials += history.counted
    elif history.trials and history.max_trials is not None:
        oracle.max_trials = history.max_trials


def previous_project(
    template: NameTemplate, directory: str, name: str, objective: Objective, say: Say
) -> str | None:
    """Path or URL of the newest project before one that something can be learnt from.

    Args:
        template: Of their names.
        directory: Where they lie.
        name: Of the project that is to learn.
        objective: What it is to improve; theirs may be another, if they recorded this one too.
        say: Is told of one that cannot be learnt from.
    """
    for earlier in reversed(template.projects(directory, before=name)):
        url = project_url(directory, earlier)
        try:
            project, history = read_project(url)
            if history.best is not None:
                objective_changed(history, objective, project)  # refuses one it did not record
                return url
        except (StorageError, FileNotFoundError, ValueError) as error:
            say(f"Nothing is learnt from {url}: {error}")
    return None


def drop_old_projects(template: NameTemplate, directory: str, kept: int, say: Say) -> None:
    """Deletes all but the newest projects of a template; one that is searched on stays.

    Args:
        template: Of their names; no other project is touched.
        directory: Where they lie.
        kept: How many stay.
        say: Is told what became of each other one.
    """
    for name in template.projects(directory)[:-kept]:
        try:
            Project(directory, name).erase()
        except LeaseHeldError as error:
            say(f"Project {name} is old, and stays: {error}")
        else:
            open_store(directory).delete_tree(name)  # the empty folder of a local disk
            say(f"Deleted project {name}: the newest {kept} are kept.")
