"""Folders for what is written on this machine before it is uploaded, or after it is downloaded.

A cleaner of temporary files may delete them at any time; they are made again.
"""

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from storage.owner import is_running

VARIABLE = "TRIALFLOW_SCRATCH"
"""Names the folder of a supervisor, who removes it with all that killed children left in it."""

_NAME = re.compile(r"trialflow-([0-9a-f]+)-(\d+)-\w+")


class ScratchLostError(Exception):
    """Files that were needed again were deleted from a scratch folder."""


def make_scratch() -> Path:
    """A new folder of this process; those that killed processes left behind are removed."""
    sweep()
    return Path(tempfile.mkdtemp(prefix=prefix(), dir=_system_folder()))


def make_again(folder: Path) -> bool:
    """Makes a folder that was deleted; False if another user has one of its name by now."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return not folder.is_symlink() and folder.stat().st_uid == os.getuid()


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for a time, as of a trial; in that of the supervisor, if there is one."""
    # A child that is killed cannot tidy up; its parent removes the scratch folder.
    scratch = os.environ.get(VARIABLE)
    if scratch and make_again(Path(scratch)):
        return tempfile.TemporaryDirectory(prefix=prefix(), dir=scratch)
    sweep()
    return tempfile.TemporaryDirectory(prefix=prefix(), dir=_system_folder())


def sweep() -> None:
    """Removes the folders that killed processes of this machine have left."""
    for folder in Path(tempfile.gettempdir()).glob("trialflow-*"):
        if _is_abandoned(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def prefix() -> str:
    """What the name of a folder of this process begins with, so that others know whose it is."""
    return f"trialflow-{_namespace()}-{os.getpid()}-"


def _system_folder() -> Path:
    folder = Path(tempfile.gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _is_abandoned(name: str) -> bool:
    """Whether the process it is named after is gone; one of another container cannot be asked."""
    match = _NAME.fullmatch(name)
    return match is not None and match[1] == _namespace() and not is_running(int(match[2]))


def _namespace() -> str:
    """Where process ids mean something: containers may share a folder and not their processes."""
    with contextlib.suppress(OSError):
        return f"{Path('/proc/self/ns/pid').stat().st_ino:x}"
    return "0"
