"""How far a search is, in a few lines, however many trials it has."""

from __future__ import annotations

import shlex
import textwrap
from typing import Any

from flows.commands.tables import moment, width
from flows.projects import Found
from storage import lease_holder
from tuner.search.progress import number, values_line
from tuner.training.attempts import progress_of
from tuner.trial import Trial

SHOWN = 20
"""Running trials that are listed."""


def status(found: Found) -> dict[str, Any]:
    """What `trialflow status --json` prints."""
    owner = lease_holder(found.project.store)
    return {
        **found.status(),
        "best": found.best(),
        "searched_by": owner and {"host": owner.host, "pid": owner.pid, "since": owner.opened},
        "running_trials": [_running(found, trial) for trial in found.history.running.values()],
    }


def describe(state: dict[str, Any]) -> str:
    """The status for people."""
    total = "" if state["max_trials"] is None else f" of {state['max_trials']}"
    counts = f"{state['completed']} completed, {state['failed']} failed"
    lines = [
        f"Project {state['project']}",
        f"{len(state['trials'])}{total} trials: {counts}, {state['running']} not finished",
        _who(state),
    ]
    best = state["best"]
    if best is not None:
        score = f"{state['objective']} {number(best['score'])}"
        values = values_line(best["hyperparameters"])
        lines.append(f"Best: {score} (trial {best['trial_id']})")
        lines += textwrap.wrap(values, width(), initial_indent="  ", subsequent_indent="  ")
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
    return "Stopped: nobody searches on it now"


def _running(found: Found, trial: Trial) -> dict[str, Any]:
    """What a trial that runs has saved: executions that are done, and epochs of the next one."""
    executions, epochs = progress_of(found.project, trial)
    return {
        "trial_id": trial.trial_id,
        "tries": trial.tries,
        "executions": executions,
        "saved_epochs": epochs,
    }
