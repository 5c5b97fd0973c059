"""The command line."""

from __future__ import annotations

import sys
from typing import Annotated, Any, NoReturn

import typer

from flows import tables
from flows.answers import BUSY, FAILED, Debug, Json, ProjectUrl, print_json
from flows.automations_command import setup_automations
from flows.best_command import best
from flows.check_command import check, repair
from flows.doctor_command import doctor
from flows.export_command import export
from flows.projects import Found, open_project
from flows.report_command import report
from flows.rerun_command import rerun
from flows.run_command import run
from flows.serve_command import serve
from flows.server import hush_prefect, prefect_server
from flows.slot_options import (
    GRACE,
    LOCAL,
    EngineOption,
    GpusOption,
    GpusPerTrialOption,
    GraceOption,
    MemoryLimitOption,
    SlotCountOption,
    StallTimeoutOption,
    StopPolicyOption,
    TrialsPerGpuOption,
    TrialTimeoutOption,
)
from flows.stopping import (
    INTERRUPTED,
    TerminatedError,
    raise_on_sigterm,
    resume_command,
    status_of,
)
from flows.trials_commands import show, trials
from flows.worker_command import worker
from storage import FencedError, LeaseHeldError, StorageError

app = typer.Typer(
    name="trialflow",
    help="Hyperparameter search for Keras, run as a Prefect flow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def trialflow() -> None:
    """Keeps the commands apart even while there are few."""


@app.command(
    epilog="Example: trialflow search examples/digits.py --slots 2 --max-trials 20",
)
def search(
    study: Annotated[str, typer.Argument(help="Path or module name of the study file.")],
    directory: Annotated[
        str, typer.Option(help="Path or fsspec URL under which projects lie.")
    ] = "results",
    project_name: Annotated[
        str | None, typer.Option(help="Name of the project.", show_default="the study's name")
    ] = None,
    slots: SlotCountOption = None,
    max_trials: Annotated[
        int | None, typer.Option(min=1, help="Number of trials, instead of the study's.")
    ] = None,
    executions_per_trial: Annotated[
        int | None, typer.Option(min=1, help="Trainings per trial, instead of the study's.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Delete what the project holds, and begin anew.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds after which no more trials begin.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until a search that runs on the project ends.")
    ] = False,
    gpus: GpusOption = None,
    trials_per_gpu: TrialsPerGpuOption = None,
    gpus_per_trial: GpusPerTrialOption = 1,
    memory_limit: MemoryLimitOption = None,
    trial_timeout: TrialTimeoutOption = None,
    stall_timeout: StallTimeoutOption = None,
    grace: GraceOption = GRACE,
    stop_policy: StopPolicyOption = None,
    engine: EngineOption = LOCAL,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Search hyperparameters; on a project that exists, go on where that stopped.

    Exit status: 0 the search ended, 1 it failed, 3 somebody else runs it, 130 Ctrl-C or
    cancelled, 143 SIGTERM.
    """
    parameters = {
        "study": study,
        "directory": directory,
        "project_name": project_name,
        "slots": slots,
        "max_trials": max_trials,
        "executions_per_trial": executions_per_trial,
        "overwrite": overwrite,
        "timeout": timeout,
        "wait": wait,
        "gpus": gpus,
        "trials_per_gpu": trials_per_gpu,
        "gpus_per_trial": gpus_per_trial,
        "memory_limit": memory_limit,
        "trial_timeout": trial_timeout,
        "stall_timeout": stall_timeout,
        "grace": grace,
        "stop_policy": stop_policy,
        "engine": engine,
    }
    raise_on_sigterm()
    try:
        result = _run_flow(parameters, to_stderr=as_json)
    except (KeyboardInterrupt, TerminatedError) as stop:
        _say(f"Stopped. To go on: {resume_command(_words())}", to_stderr=True)
        raise typer.Exit(status_of(stop)) from None
    except Exception as error:
        if type(error).__name__ == "CancelledRun":
            _say(f"Cancelled. To go on: {resume_command(_words())}", to_stderr=True)
            raise typer.Exit(INTERRUPTED) from None
        if debug:
            raise
        _fail(error)
    if as_json:
        print_json({k: v for k, v in result.items() if k != "leaderboard"})
    else:
        typer.echo(tables.leaderboard(result))


@app.command()
def status(project_url: ProjectUrl, as_json: Json = False, debug: Debug = False) -> None:
    """Show how far a search is: its trials, their states and scores."""
    found = _find(project_url, debug=debug)
    if as_json:
        print_json(found.status())
    else:
        typer.echo(tables.status(found))


app.command(epilog="Example: trialflow best results/digits --save model.keras")(best)


@app.command(
    epilog="Example: trialflow import-keras-tuner old/untitled_project results/mine "
    "--objective val_loss",
)
def import_keras_tuner(
    old_dir: Annotated[
        str, typer.Argument(help="Path or fsspec URL of Keras Tuner's project, with oracle.json.")
    ],
    project_url: Annotated[str, typer.Argument(help="Path or URL of the project to make.")],
    objective: Annotated[
        list[str],
        typer.Option(
            help="Metric that the old search improved; repeat it if there were several. "
            "default_objective if none was given."
        ),
    ],
    direction: Annotated[
        list[str] | None,
        typer.Option(help="min or max, once for each objective.", show_default="inferred"),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take over a project directory of Keras Tuner: its trials, scores and best weights.

    The old directory is not changed. An import that is cut off is run again.
    """
    from flows.import_command import describe, import_project

    try:
        imported = import_project(old_dir, project_url, objective, direction or [])
    except Exception as error:
        if debug:
            raise
        _fail(error)
    if as_json:
        print_json(imported.to_json())
    else:
        typer.echo(describe(imported))


app.command(epilog="Example: trialflow trials results/digits --sort score --limit 5")(trials)
app.command(epilog="Example: trialflow show results/digits 7")(show)

app.command(epilog='Example: trialflow serve my_study.py --cron "0 2 * * *" --slots 2')(serve)
app.command()(setup_automations)
app.command(epilog="Example: trialflow doctor --directory s3://bucket/searches")(doctor)

app.command(epilog="Example: trialflow report results/digits --output digits.html")(report)

app.command()(check)
app.command()(repair)

app.command(epilog="Example: trialflow export results/digits --to s3://bucket/tables")(export)
app.command(epilog="Example: trialflow worker tcp://scheduler:8786 --gpus 0,1")(worker)


app.command(
    epilog="Example: trialflow run --slots 2 train.py --epochs 3",
    # What follows the script's name is the script's.
    context_settings={"allow_interspersed_args": False},
)(run)

app.command(epilog="Example: trialflow rerun results/digits 0007")(rerun)


def main() -> None:
    """Entry point of the console script."""
    app()


def _words() -> list[str]:
    """The command as it was typed, but for what would begin anew."""
    return [word for word in sys.argv[1:] if word != "--overwrite"]


def _run_flow(parameters: dict[str, Any], *, to_stderr: bool) -> dict[str, Any]:
    hush_prefect()
    stream = sys.stderr if to_stderr else sys.stdout
    with prefect_server(lambda text: _say(text, to_stderr=to_stderr)) as ui:
        from flows.search import search as flow
        from flows.watching import progress_on

        if ui is not None:
            _say(f"Prefect UI while this runs: {ui}", to_stderr=to_stderr)
        with progress_on(stream):
            result: dict[str, Any] = flow(**parameters)
    return result


def _find(project_url: str, *, debug: bool) -> Found:
    try:
        return open_project(project_url)
    except (StorageError, ValueError, OSError) as error:
        if debug:
            raise
        _fail(error)


def _fail(error: Exception) -> NoReturn:
    _say(f"Error: {error}", to_stderr=True)
    taken = isinstance(error, LeaseHeldError | FencedError)
    raise typer.Exit(BUSY if taken else FAILED) from None


def _say(text: str, *, to_stderr: bool) -> None:
    typer.echo(text, err=to_stderr)
