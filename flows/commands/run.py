"""`trialflow run`: a script written for Keras Tuner, on Trialflow."""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from flows.commands.answers import Debug, answered
from flows.forms import with_options
from flows.parameters import SlotParameters
from flows.running.stopping import (
    TerminatedError,
    raise_when_asked_to_stop,
    resume_command,
    status_of,
)
from flows.server import hush_prefect
from tuner.core.runtime import Launcher, become


def execute(script: Path, args: Sequence[str]) -> None:
    """Runs a script as the program of this process.

    It stays so: what runs at exit, and what is pickled by name, finds the script's `__main__`.

    Args:
        script: Path of the file, as the user gave it.
        args: What the script finds behind its name in `sys.argv`.
    """
    path = str(script.absolute())
    module = ModuleType("__main__")
    module.__dict__.update(
        __annotations__={},
        __builtins__=builtins,
        __cached__=None,
        __file__=path,
        __loader__=SourceFileLoader("__main__", path),
    )
    with io.open_code(path) as file:
        source = file.read()
    # Not with the __future__ imports of this file.
    code = compile(source, path, "exec", dont_inherit=True)
    sys.modules["__main__"] = module
    sys.argv[:] = [str(script), *args]
    if not sys.flags.safe_path:
        sys.path[0] = str(script.resolve().parent)
    exec(code, module.__dict__)  # noqa: S102 - the point of the command


def report_error(error: Exception, script: Path) -> None:
    """Shows an error that the script did not catch, without the frames that led to the script."""
    path = str(script.absolute())
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != path:
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)


@with_options(SlotParameters)
def run(
    script: Annotated[
        Path,
        typer.Argument(help="Path of a Python script.", exists=True, dir_okay=False, readable=True),
    ],
    args: Annotated[list[str] | None, typer.Argument(help="Arguments of the script.")] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object for each search that ends; "
            "what the script prints goes to standard error.",
        ),
    ] = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Run a script that imports keras_tuner, unchanged, on Trialflow.

    Without --slots and --gpus trials run in the script's process. With one of them each
    `tuner.search(...)` runs as a Prefect flow, and its trials in other processes. Run again, a
    search that was stopped goes on, unless the script overwrites it.

    Exit status: that of the script, 130 Ctrl-C, 143 SIGTERM.
    """
    from tuner.compat import alias_keras_tuner

    words = sys.argv[1:]
    choice = SlotParameters(**options)
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
                stack.enter_context(become(launcher=launcher))
            execute(script, args or [])
    except (KeyboardInterrupt, TerminatedError) as stop:
        typer.echo(f"Stopped. To go on: {resume_command(words)}", err=True)
        raise typer.Exit(status_of(stop)) from None
    except typer.Exit:
        raise
    except Exception as error:
        if debug:
            raise
        report_error(error, script)  # the script's own, shown as Python shows it
        raise typer.Exit(1) from None


def _launcher(stack: ExitStack, script: Path, choice: SlotParameters) -> Launcher:
    hush_prefect()
    # The script builds models too, and must leave the trials their share of the GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    from flows.script import SlotsLauncher

    return stack.enter_context(SlotsLauncher(script, choice))
