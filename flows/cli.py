"""The command line: its commands, each imported when it is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """A command, as the list of all commands has it."""

    home: str
    """Module of `flows.commands`."""
    summary: str
    """The first sentence of its own help."""
    example: str
    """Words behind `trialflow` in its example."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Of its context."""


SECTIONS: dict[str, dict[str, Entry]] = {
    "Search": {
        "search": Entry(
            "search",
            "Search hyperparameters; on a project that exists, go on where that stopped.",
            "search examples/digits.py --slots 2 --max-trials 20",
        ),
        "resume": Entry(
            "resume",
            "Go on with a search, with the study and the options it was started with, but for "
            "those given.",
            "resume results/digits",
        ),
        "retry": Entry(
            "retry",
            "Try trials again that have failed, and go on with the search.",
            "retry results/digits 7 12",
        ),
        "run": Entry(
            "run",
            "Run a script that imports keras_tuner, unchanged, on Trialflow.",
            "run --slots 2 train.py --epochs 3",
            # What follows the script's name is the script's.
            {"allow_interspersed_args": False},
        ),
        "rerun": Entry(
            "rerun",
            "Train a trial again from its seed, and compare every metric of every epoch.",
            "rerun results/digits 7",
        ),
    },
    "Look": {
        "watch": Entry(
            "watch",
            "Follow a search that runs elsewhere, until it ends.",
            "watch s3://bucket/searches/digits",
        ),
        "status": Entry(
            "status",
            "Show how far a search is: counts, the best trial, who searches, what runs.",
            "status results/digits",
        ),
        "trials": Entry(
            "trials",
            "List the trials of a project with their scores and hyperparameters.",
            "trials results/digits --sort score --limit 5",
        ),
        "show": Entry(
            "trials",
            "Show one trial: its values, what each training gave, where it ran, why it failed.",
            "show results/digits 7",
        ),
        "best": Entry(
            "best",
            "Show the best trial and its hyperparameters, and save its model.",
            "best results/digits --save model.keras",
        ),
        "importance": Entry(
            "importance",
            "Show how much each hyperparameter matters for the score, with an interval.",
            "importance results/digits --json",
        ),
        "dashboard": Entry(
            "dashboard",
            "Show searches in the browser, live, whether they run or have ended.",
            "dashboard results/digits results/mnist",
        ),
        "report": Entry(
            "report",
            "Write what a search has found as one HTML file that works offline.",
            "report results/digits --output digits.html",
        ),
        "export": Entry(
            "export",
            "Write the tables of a search: its trials, executions and epochs.",
            "export results/digits --to s3://bucket/tables",
        ),
    },
    "Keep": {
        "check": Entry(
            "check",
            "Report all damage to a project, and change nothing.",
            "check results/digits",
        ),
        "repair": Entry(
            "check",
            "Mend what can be mended of a project; what is replaced is kept in its folder "
            "`damaged`.",
            "repair results/digits",
        ),
        "import-keras-tuner": Entry(
            "import_keras_tuner",
            "Take over a project directory of Keras Tuner: its trials, scores and best weights.",
            "import-keras-tuner old/untitled_project results/mine --objective val_loss",
        ),
    },
    "Run on servers": {
        "doctor": Entry(
            "doctor",
            "Check Python, packages, the Prefect server and the store, and say what to change.",
            "doctor --directory s3://bucket/searches",
        ),
        "serve": Entry(
            "serve",
            "Search at the times of a schedule, as long as this command runs.",
            'serve my_study.py --cron "0 2 * * *" --slots 2',
        ),
        "deploy": Entry(
            "deploy",
            "Put a study onto a Prefect server: deployments that search, resume and report.",
            'deploy my_study.py --cron "0 2 * * *" --slots 2',
        ),
        "worker": Entry(
            "worker",
            "Offer this machine's GPUs to searches on a Dask cluster, until it is stopped.",
            "worker tcp://scheduler:8786 --gpus 0,1",
        ),
        "setup-automations": Entry(
            "automations",
            "Have the Prefect server mark searches whose process is gone as crashed.",
            "setup-automations --after 120",
        ),
    },
}

COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class Commands(TyperGroup):
    """Imports a command when it is asked for: to look at a project must not wait for a search's."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        return load(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        del ctx
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in section.items()])


def load(name: str) -> Any:
    """The command of this name, ready to be called."""
    entry = COMMANDS[name]
    module = import_module(f"flows.commands.{entry.home}")
    alone = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None, add_completion=False)
    epilog = f"Example: trialflow {entry.example}"
    register = alone.command(name, epilog=epilog, context_settings=entry.settings)
    register(getattr(module, name.replace("-", "_")))
    return typer.main.get_command(alone)


app = typer.Typer(
    name="trialflow",
    cls=Commands,
    help="Hyperparameter search for Keras, run as a Prefect flow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(*, wanted: bool) -> None:
    if not wanted:
        return
    try:
        typer.echo(f"trialflow {version('trialflow')}")
    except PackageNotFoundError:
        typer.echo("trialflow, run from its sources")
    raise typer.Exit


@app.callback()
def trialflow(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and exit.",
            is_eager=True,
            callback=lambda wanted: _show_version(wanted=wanted),
        ),
    ] = False,
) -> None:
    """Hyperparameter search for Keras, run as a Prefect flow."""
    del show_version


def main() -> None:
    """Entry point of the console script."""
    app()
