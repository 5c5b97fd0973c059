"""GPUs of a host that several processes share without knowing of each other."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tasks.hardware.gpus import Gpu, visible_gpus
from tasks.hardware.placement import Placement, place_slots


@contextmanager
def claim_gpus(
    count: int, environ: Mapping[str, str] = os.environ, folder: Path | None = None
) -> Iterator[Placement]:
    """GPUs that no other process of this user has claimed on this host.

    A lock on a file stands for each, so what a process held is free when it is gone, however it
    ended. Without any GPU there is nothing to claim.

    Args:
        count: Number of GPUs.
        environ: Environment variables.
        folder: Where the files are.

    Raises:
        ValueError: There are too few that are free.
    """
    folder = folder or Path(tempfile.gettempdir()) / f"trialflow-gpus-{getpass.getuser()}"
    with contextlib.ExitStack() as held:
        found = visible_gpus(environ)
        if not found:
            yield Placement()
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        mine: list[Gpu] = []
        for gpu in found:
            if len(mine) < count and _lock(folder, gpu, held):
                mine.append(gpu)
        if len(mine) < count:
            msg = f"Expected {count} of this host's {len(found)} GPUs to be free for an agent."
            hint = "Start the worker with --limit, the number of agents that the GPUs carry."
            raise ValueError(f"{msg} Received: {len(mine)}. {hint}")
        chosen = ",".join(str(found.index(gpu)) for gpu in mine)
        yield place_slots(1, chosen, None, count, environ)[0]


def _lock(folder: Path, gpu: Gpu, held: contextlib.ExitStack) -> bool:
    file = held.enter_context((folder / re.sub(r"\W", "_", gpu.id)).open("w"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
