"""A process that has imported what trials need, has run none of it, and forks children.

`python -m tasks.forkserver CONTROL_FD PARENT_PID [MODULE ...]`

Importing TensorFlow costs four CPU-seconds, a fork from a process that has done it almost none;
a fork from a process that has *run* an operation hangs. multiprocessing's forkserver would do,
but it imports the parent's `__main__` into each child, takes its environment from the parent at a
time nobody controls, and is refused inside daemonic processes such as Dask's workers.
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
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from tasks import training
from tasks.gpu_memory import take_share
from tasks.lifeline import die_with_parent
from tasks.memory import offer_to_kernel

LONGEST_REQUEST = 1 << 16


def main() -> None:
    """Answers requests until the parent closes its end."""
    control = socket.socket(fileno=int(sys.argv[1]))
    die_with_parent(int(sys.argv[2]))
    for name in sys.argv[3:]:
        # A module that cannot be imported fails in the trial, with a traceback in its log.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.freeze()  # children need not look through all that for garbage, nor copy its pages
    while True:
        data, fds, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 2)
        if not data:
            return
        request = json.loads(data)
        if request["do"] == "fork":
            answer: dict[str, int | None] = {"pid": _fork(control, fds, request)}
        else:
            answer = {"exit": _reap(request["pid"])}
        control.sendall(json.dumps(answer).encode())


def _fork(control: socket.socket, fds: list[int], request: dict[str, Any]) -> int:
    server = os.getpid()
    pid = os.fork()
    if pid == 0:
        control.close()
        _become_child(server, fds, request)
    for fd in fds:
        os.close(fd)
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)  # whoever comes first
    return pid


def _become_child(server: int, fds: list[int], request: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        die_with_parent(server)
        os.setpgid(0, 0)  # so that what the trial forks can be ended with it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        connection, output = fds
        # A helper that outlived us would otherwise keep the supervisor waiting.
        os.register_at_fork(after_in_child=lambda: os.close(connection))
        _redirect_output(output)
        _say_where_it_was()
        offer_to_kernel()
        os.environ.update(request["env"])
        take_share(os.environ)
        training.main(Connection(connection), request["setup"])
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may return into the server's loop
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


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
