"""The command line."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.answers import Debug, Json, ProjectUrl, WaitOption, answered, print_json
from flows.automations_command import setup_automations
from flows.best_command import best
from flows.check_command import check, repair
from flows.doctor_command import doctor
from flows.export_command import export
from flows.limit_options import (
    MaxDeviceHoursOption,
    MaxTotalEpochsOption,
    PatienceOption,
    TargetOption,
    TimeoutOption,
)
from flows.projects import open_project
from flows.report_command import report
from flows.rerun_command import rerun
from flows.resume_command import resume
from flows.run_command import run
from flows.searching import search_and_show
from flows.serve_command import serve
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
from flows.status import describe
from flows.status import status as look_at
from flows.trials_commands import show, trials
from flows.worker_command import worker
from tuner.jsonable import to_json

app = typer.Typer(
    name="trialflow",
    help="Hyperparameter search for Keras, run as a Prefect flow.",
    no_args_is_help=True,
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
    timeout: TimeoutOption = None,
    target: TargetOption = None,
    patience: PatienceOption = None,
    max_total_epochs: MaxTotalEpochsOption = None,
    max_device_hours: MaxDeviceHoursOption = None,
    wait: WaitOption = False,
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
        "target": target,
        "patience": patience,
        "max_total_epochs": max_total_epochs,
        "max_device_hours": max_device_hours,
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
    search_and_show(parameters, as_json=as_json, debug=debug)


app.command(epilog="Example: trialflow resume results/digits")(resume)


@app.command(epilog="Example: trialflow status results/digits")
def status(project_url: ProjectUrl, as_json: Json = False, debug: Debug = False) -> None:
    """Show how far a search is: counts, the best trial, who searches, what runs.

    `trialflow trials` lists the trials; so does --json.
    """
    with answered(debug=debug):
        state = look_at(open_project(project_url))
    if as_json:
        print_json(to_json(state))
    else:
        typer.echo(describe(state))


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
    from flows import import_command

    with answered(debug=debug):
        imported = import_command.import_project(old_dir, project_url, objective, direction or [])
    if as_json:
        print_json(imported.to_json())
    else:
        typer.echo(import_command.describe(imported))


app.command(epilog="Example: trialflow trials results/digits --sort score --limit 5")(trials)
app.command(epilog="Example: trialflow show results/digits 7")(show)

app.command(epilog='Example: trialflow serve my_study.py --cron "0 2 * * *" --slots 2')(serve)
app.command(epilog="Example: trialflow setup-automations --after 120")(setup_automations)
app.command(epilog="Example: trialflow doctor --directory s3://bucket/searches")(doctor)

app.command(epilog="Example: trialflow report results/digits --output digits.html")(report)

app.command(epilog="Example: trialflow check results/digits")(check)
app.command(epilog="Example: trialflow repair results/digits")(repair)

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
