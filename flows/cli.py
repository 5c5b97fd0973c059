"""The command line."""

from __future__ import annotations

import typer

from flows.commands.automations import setup_automations
from flows.commands.best import best
from flows.commands.check import check, repair
from flows.commands.deploy import deploy
from flows.commands.doctor import doctor
from flows.commands.export import export
from flows.commands.import_keras_tuner import import_keras_tuner
from flows.commands.report import report
from flows.commands.rerun import rerun
from flows.commands.resume import resume
from flows.commands.run import run
from flows.commands.search import search
from flows.commands.serve import serve
from flows.commands.status import status
from flows.commands.trials import show, trials
from flows.commands.worker import worker

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


app.command(epilog="Example: trialflow search examples/digits.py --slots 2 --max-trials 20")(search)
app.command(epilog="Example: trialflow resume results/digits")(resume)
app.command(epilog="Example: trialflow status results/digits")(status)
app.command(epilog="Example: trialflow best results/digits --save model.keras")(best)
app.command(
    epilog="Example: trialflow import-keras-tuner old/untitled_project results/mine "
    "--objective val_loss",
)(import_keras_tuner)
app.command(epilog="Example: trialflow trials results/digits --sort score --limit 5")(trials)
app.command(epilog="Example: trialflow show results/digits 7")(show)
app.command(epilog='Example: trialflow serve my_study.py --cron "0 2 * * *" --slots 2')(serve)
app.command(epilog='Example: trialflow deploy my_study.py --cron "0 2 * * *" --slots 2')(deploy)
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
