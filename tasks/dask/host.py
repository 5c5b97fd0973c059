"""One Dask worker with its nanny, that ends with the process that started it.

`python -m tasks.dask.host PARENT_PID ARGUMENTS-OF-DASK-WORKER`
"""

from __future__ import annotations

import sys

from tasks.process.parent_death import die_with_parent


def main() -> None:
    """Becomes the worker's nanny."""
    die_with_parent(int(sys.argv[1]))
    from distributed.cli.dask_worker import main as dask_worker

    sys.argv[:] = ["dask-worker", *sys.argv[2:]]
    dask_worker()


if __name__ == "__main__":
    main()
