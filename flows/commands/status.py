"""`trialflow status`: how far a search is, in a few lines, however many trials it has."""

from __future__ import annotations

import shlex
import textwrap
from typing import Annotated, Any

import typer

from flows.commands.answers import Debug, Json, ProjectUrl, answered, print_json
from flows.commands.tables import good, moment, width
from flows.present import Found, open_project
from storage import lease_holder
from tuner.core.trial import Trial
from tuner.journal.executions import progress_of
from tuner.search.progress import number, values_line

SHOWN = 20
"""Running trials that are listed."""


def status_of_project(
    found: Found, *, with_trials: bool = True, with_outlook: bool = False
) -> dict[str, Any]:
    """What `trialflow status --json` prints.

    Args:
        found: The project.
        with_trials: Whether to describe all trials, which takes a while where there are many.
        with_outlook: Whether to ask a model what more trials would bring, which takes seconds.
    """
    owner = lease_holder(found.project.store)
    return {
        **(found.status() if with_trials else found.counts()),
        "best": found.best(),
        "outlook": found.outlook() if with_outlook else None,
        "searched_by": owner and {"host": owner.host, "pid": owner.pid, "since": owner.opened},
        "running_trials": [_running(found, trial) for trial in found.history.running.values()],
    }


def describe(state: dict[str, Any]) -> str:
    """The status_of_project for people."""
    total = "" if state["max_trials"] is None else f" of {state['max_trials']}"
    counts = f"{state['completed']} completed, {state['failed']} failed"
    aside = f" (and {state['aside']} that do not count)" if state["aside"] else ""
    told = f"{state['counted']}{total}{aside}"
    lines = [
        f"Project {state['project']}",
        f"{told} trials: {counts}, {state['running']} not finished",
        _who(state),
    ]
    best = state["best"]
    if best is not None:
        score = ", ".join(f"{name} {number(each)}" for name, each in best["objectives"].items())
        values = values_line(best["hyperparameters"])
        lines.append(f"Best: {good(score)} (trial {best['trial_id']})")
        lines += textwrap.wrap(values, width(), initial_indent="  ", subsequent_indent="  ")
        lines += [f"  {line}" for line in (state["outlook"] or {}).get("sentences", [])]
    for trial in state["running_trials"][:SHOWN]:
        saved, done = trial["saved_epochs"], trial["executions"]
        epochs = f"{saved} epochs saved" if saved else "no epoch saved yet"
        before = f"{done} executions done, " if done else ""
        lines.append(f"  trial {trial['trial_id']}: {before}{epochs}, try {trial['tries']}")
    if len(state["running_trials"]) > SHOWN:
        lines.append(f"  and {len(state['running_trials']) - SHOWN} more")
    command = "resume" if state["ended"] is None and state["searched_by"] is None else "trials"
    return "\n".join([*lines, f"  trialflow {command} {shlex.quote(state['project'])}"])


def _who(state: dict[str, Any]) -> str:
    owner = state["searched_by"]
    if owner is not None:
        since = moment(owner["since"])
        return f"Searched by process {owner['pid']} on {owner['host']} since {since}"
    if state["ended"]:
        return f"Ended: {state['ended']}"
    return "Stopped: no process searches on it now"


def _running(found: Found, trial: Trial) -> dict[str, Any]:
    """What a trial that runs has saved: executions that are done, and epochs of the next one."""
    executions, epochs = progress_of(found.project, trial)
    return {
        "trial_id": trial.trial_id,
        "tries": trial.tries,
        "executions": executions,
        "saved_epochs": epochs,
    }


def status(
    project_url: ProjectUrl,
    outlook: Annotated[
        bool,
        typer.Option(
            "--outlook", help="Say what a model expects of more trials, up to 250 of them: slow."
        ),
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show how far a search is: counts, the best trial, who searches, what runs.

    `trialflow trials` lists the trials; so does --json.
    """
    with answered(debug=debug):
        found = open_project(project_url)
        state = status_of_project(found, with_trials=as_json, with_outlook=outlook)
    if as_json:
        print_json(state)
    else:
        typer.echo(describe(state))
