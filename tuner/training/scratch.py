"""Folders for what is written on this machine before it is uploaded."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

_NAME = re.compile(r"trialflow-([0-9a-f]+)-(\d+)-\w+")


def make_scratch() -> Path:
    """A new folder of this process; those that killed processes left behind are removed."""
    sweep()
    return Path(tempfile.mkdtemp(prefix=prefix()))


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for the time of a trial."""
    # A child that is killed cannot tidy up; whoever started it removes the scratch folder.
    scratch = os.environ.get("TRIALFLOW_SCRATCH") or None
    if scratch is None:
        sweep()
    return tempfile.TemporaryDirectory(prefix=prefix(), dir=scratch)


def sweep() -> None:
    """Removes the folders that killed processes of this machine have left."""
    for folder in Path(tempfile.gettempdir()).glob("trialflow-*"):
        if _is_abandoned(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def prefix() -> str:
    """What the name of a folder of this process begins with, so that others know whose it is."""
    return f"trialflow-{_namespace()}-{os.getpid()}-"


def _is_abandoned(name: str) -> bool:
    """Whether the process it is named after is gone; one of another container cannot be asked."""
    match = _NAME.fullmatch(name)
    if match is None or match[1] != _namespace():
        return False
    try:
        os.kill(int(match[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _namespace() -> str:
    """Where process ids mean something: containers may share a folder and not their processes."""
    with contextlib.suppress(OSError):
        return f"{Path('/proc/self/ns/pid').stat().st_ino:x}"
    return "0"
