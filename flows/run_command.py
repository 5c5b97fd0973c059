"""`trialflow run`: a script written for Keras Tuner, on Trialflow."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from flows.program import execute, report
from flows.server import hush_prefect
from flows.slot_options import (
    GRACE,
    GpusOption,
    GpusPerTrialOption,
    GraceOption,
    MemoryLimitOption,
    SlotCountOption,
    SlotOptions,
    StallTimeoutOption,
    TrialsPerGpuOption,
    TrialTimeoutOption,
)
from flows.stopping import TerminatedError, raise_on_sigterm, resume_command, status_of


def run(
    script: Annotated[
        Path,
        typer.Argument(help="Path of a Python script.", exists=True, dir_okay=False, readable=True),
    ],
    args: Annotated[list[str] | None, typer.Argument(help="Arguments of the script.")] = None,
    slots: SlotCountOption = None,
    gpus: GpusOption = None,
    trials_per_gpu: TrialsPerGpuOption = None,
    gpus_per_trial: GpusPerTrialOption = 1,
    memory_limit: MemoryLimitOption = None,
    trial_timeout: TrialTimeoutOption = None,
    stall_timeout: StallTimeoutOption = None,
    grace: GraceOption = GRACE,
) -> None:
    """Run a script that imports keras_tuner, unchanged, on Trialflow.

    Without --slots and --gpus trials run in the script's process. With one of them each
    `tuner.search(...)` runs as a Prefect flow, and its trials in other processes. Run again, a
    search that was stopped goes on, unless the script overwrites it.

    Exit status: that of the script, 130 Ctrl-C, 143 SIGTERM.
    """
    from tuner.compat import alias_keras_tuner

    words = sys.argv[1:]
    options = SlotOptions(
        slots=slots,
        gpus=gpus,
        trials_per_gpu=trials_per_gpu,
        gpus_per_trial=gpus_per_trial,
        memory_limit=memory_limit,
        trial_timeout=trial_timeout,
        stall_timeout=stall_timeout,
        grace=grace,
    )
    raise_on_sigterm()
    alias_keras_tuner()
    try:
        with ExitStack() as stack:
            if options.slots is not None or options.gpus is not None:
                _spread(stack, script, options)
            execute(script, args or [])
    except (KeyboardInterrupt, TerminatedError) as stop:
        typer.echo(f"Stopped. To go on: {resume_command(words)}", err=True)
        raise typer.Exit(status_of(stop)) from None
    except Exception as error:  # noqa: BLE001 - the script's own, shown as Python shows it
        report(error, script)
        raise typer.Exit(1) from None


def _spread(stack: ExitStack, script: Path, options: SlotOptions) -> None:
    hush_prefect()
    # The script builds models too, and must leave the trials their share of the GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    from flows.script import SlotsLauncher
    from tuner.search.launching import launching

    stack.enter_context(launching(stack.enter_context(SlotsLauncher(script, options))))
