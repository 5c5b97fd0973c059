"""A script as the program of this process, as `python script.py` has it."""

from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType


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


def report(error: Exception, script: Path) -> None:
    """Shows an error that the script did not catch, without the frames that led to the script."""
    path = str(script.absolute())
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != path:
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
