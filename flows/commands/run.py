"""`trialflow run`: a script written for Keras Tuner, on Trialflow."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.answers import Debug, answered
from flows.commands.program import execute, report
from flows.options.slot_choice import GRACE, SlotChoice
from flows.options.slots import (
    Gpus,
    GpusPerTrial,
    Grace,
    MemoryLimit,
    SlotCountOption,
    StallTimeout,
    TrialsPerGpu,
    TrialTimeout,
)
from flows.running.stopping import (
    TerminatedError,
    raise_when_asked_to_stop,
    resume_command,
    status_of,
)
from flows.server import hush_prefect
from tuner.search.launching import Launcher, launching


def run(
    script: Annotated[
        Path,
        typer.Argument(help="Path of a Python script.", exists=True, dir_okay=False, readable=True),
    ],
    args: Annotated[list[str] | None, typer.Argument(help="Arguments of the script.")] = None,
    slots: SlotCountOption = None,
    gpus: Gpus = None,
    trials_per_gpu: TrialsPerGpu = None,
    gpus_per_trial: GpusPerTrial = 1,
    memory_limit: MemoryLimit = None,
    trial_timeout: TrialTimeout = None,
    stall_timeout: StallTimeout = None,
    grace: Grace = GRACE,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object for each search that ends; "
            "what the script prints goes to standard error.",
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Run a script that imports keras_tuner, unchanged, on Trialflow.

    Without --slots and --gpus trials run in the script's process. With one of them each
    `tuner.search(...)` runs as a Prefect flow, and its trials in other processes. Run again, a
    search that was stopped goes on, unless the script overwrites it.

    Exit status: that of the script, 130 Ctrl-C, 143 SIGTERM.
    """
    from tuner.compat import alias_keras_tuner

    words = sys.argv[1:]
    choice = SlotChoice.among(locals())
    raise_when_asked_to_stop()
    alias_keras_tuner()
    try:
        with ExitStack() as stack:
            launcher = None
            if choice.slots is not None or choice.gpus is not None:
                with answered(debug=debug):
                    choice.places()  # before the script runs for nothing
                launcher = _launcher(stack, script, choice)
            if as_json:
                from flows.commands.result_lines import result_lines

                stack.enter_context(result_lines(launcher))
            elif launcher is not None:
                stack.enter_context(launching(launcher))
            execute(script, args or [])
    except (KeyboardInterrupt, TerminatedError) as stop:
        typer.echo(f"Stopped. To go on: {resume_command(words)}", err=True)
        raise typer.Exit(status_of(stop)) from None
    except typer.Exit:
        raise
    except Exception as error:
        if debug:
            raise
        report(error, script)  # the script's own, shown as Python shows it
        raise typer.Exit(1) from None


def _launcher(stack: ExitStack, script: Path, choice: SlotChoice) -> Launcher:
    hush_prefect()
    # The script builds models too, and must leave the trials their share of the GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    from flows.script import SlotsLauncher

    return stack.enter_context(SlotsLauncher(script, choice))
