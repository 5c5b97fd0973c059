"""A process that has imported what trials need, has run none of it, and forks children.

`python -m tasks.process.forkserver CONTROL_FD PARENT_PID [MODULE ...]`

Importing TensorFlow costs four CPU-seconds, a fork from a process that has done it almost none;
a fork from a process that has *run* an operation hangs. multiprocessing's forkserver would do,
but it imports the parent's `__main__` into each child, takes its environment from the parent at a
time out of our control, and is refused inside daemonic processes such as Dask's workers.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Collection
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from tasks.hardware.gpus import take_share
from tasks.hardware.memory import offer_to_kernel
from tasks.process import child
from tasks.process.parent_death import die_with_parent

LONGEST_REQUEST = 1 << 16

PARENT_DIED = signal.SIGHUP
"""Sent by the kernel when the parent ends. No SIGKILL: helpers of the trials have to end, too."""


def main() -> None:
    """Answers requests until the parent closes its end."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as the children, see below
    children: set[int] = set()
    signal.signal(PARENT_DIED, lambda *_: _end(children))
    die_with_parent(int(sys.argv[2]), PARENT_DIED)
    for name in sys.argv[3:]:
        # A module that cannot be imported fails in the trial, with a traceback in its log.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.freeze()  # children need not look through all that for garbage, nor copy its pages
    while True:
        data, fds, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 2)
        if not data:
            _end(children)
        request = json.loads(data)
        if request["do"] == "fork":
            pid = _fork(control, fds, request)
            children.add(pid)
            answer: dict[str, int | None] = {"pid": pid}
        else:
            code = _reap(request["pid"])
            if code is not None:
                children.discard(request["pid"])
            answer = {"exit": code}
        control.sendall(json.dumps(answer).encode())


def _end(children: Collection[int]) -> NoReturn:
    """Ends all children and what they have started, which the kernel would leave running."""
    for pid in children:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
    os._exit(0)


def _fork(control: socket.socket, fds: list[int], request: dict[str, Any]) -> int:
    server = os.getpid()
    pid = os.fork()
    if pid == 0:
        control.close()
        _become_child(server, fds, request)
    for fd in fds:
        os.close(fd)
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)  # in parent and child, since either may come first
    return pid


def _become_child(server: int, fds: list[int], request: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        signal.signal(PARENT_DIED, signal.SIG_DFL)
        die_with_parent(server)
        os.setpgid(0, 0)  # so that what the trial forks can be ended with it
        _leave_sigterm_to_the_supervisor()
        connection, output = fds
        # A helper that outlived us would otherwise keep the supervisor waiting.
        os.register_at_fork(after_in_child=lambda: os.close(connection))
        _redirect_output(output)
        _say_where_it_was()
        offer_to_kernel()
        os.environ.update(request["env"])
        take_share(os.environ)
        child.main(Connection(connection), request["setup"])
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may return into the server's loop
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _leave_sigterm_to_the_supervisor() -> None:
    """SLURM and others signal all processes of a job; the supervisor's lets the epoch end.

    What the trial forks or starts can be terminated as ever.
    """
    signal.signal(signal.SIGTERM, lambda *_: None)
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))


def _redirect_output(output: int) -> None:
    """Sends what Python, native code and grandchildren print into one pipe."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    options: dict[str, Any] = {"buffering": 1, "encoding": "utf-8", "closefd": False}
    sys.stdout = os.fdopen(1, "w", errors="replace", **options)
    sys.stderr = os.fdopen(2, "w", errors="backslashreplace", **options)


def _say_where_it_was() -> None:
    """A crash, and the supervisor's signal, print the stacks of all threads into the log."""
    faulthandler.enable(file=2, all_threads=True)
    faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)


def _reap(pid: int) -> int | None:
    """The exit code of a child that has ended, negative for a signal; None while it runs."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(status) if ended else None


if __name__ == "__main__":
    main()
