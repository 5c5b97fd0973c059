"""The supervisor's side of training children: start them, talk to them, end them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from tasks.hardware.memory import MemoryGauge, oom_kills
from tasks.messages import Command, Message, decode, encode
from tasks.process.output import LineSink
from tasks.slots import ChildLostError, Line
from tuner.core.outcome import Outcome
from tuner.core.own_packages import python_of_ours

CHECK = 1.0
"""Seconds between two looks at whether a silent child is alive."""

TAIL = 2000
"""Bytes of the fork server's own output that an error shows."""

LESS_MEMORY = (
    "Use fewer slots, smaller batches, or --memory-limit to end the trial that takes most."
)


class ForkServer:
    """Starts children that have Keras imported already.

    Thread-safe. The server process is made by a thread of its own that lives as long as this
    object, since a process that asked to die with its parent dies with the thread that made it.

    Args:
        preload: Modules to import before the first fork.
        env: Variables for the server and all its children.
    """

    def __init__(self, preload: Sequence[str], env: Mapping[str, str]) -> None:
        self._preload = list(preload)
        self._env = {**os.environ, **env}
        self._lock = threading.Lock()
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="forkserver")
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
        self._stopped = False

    def start(self) -> None:
        """Starts the server, which goes on importing while this returns."""
        with self._lock:
            self._keeper.submit(self._ensure).result()

    def fork(self, setup: Mapping[str, Any], env: Mapping[str, str], emit: Line) -> Child:
        """Starts a child.

        Args:
            setup: What `tasks.process.child` needs to assemble the tuner; JSON.
            env: Variables for this child, set before it does anything.
            emit: Gets each line the child prints.
        """
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        request = {"do": "fork", "setup": setup, "env": env}
        try:
            answer = self._ask(request, [theirs.fileno(), write])
        except BaseException:
            ours.close()
            os.close(read)
            raise
        finally:
            # Only the child may hold these ends, or its death would not be seen.
            theirs.close()
            os.close(write)
        return Child(self, answer["pid"], Connection(ours.detach()), read, emit)

    def exit_code(self, pid: int) -> int | None:
        """The exit code of a child that has ended; None while it runs.

        A child stays a zombie until this is asked, so its pid cannot become another process's.
        """
        code: int | None = self._ask({"do": "reap", "pid": pid}, [])["exit"]
        return code

    def stop(self) -> None:
        """Ends the server, and with it every child."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()  # frees the holder of the lock while the server still imports
        with self._lock:
            self._forget()
            self._log.close()
        self._keeper.shutdown()

    def _ask(self, request: Mapping[str, Any], fds: list[int]) -> dict[str, Any]:
        data = json.dumps(request).encode()
        with self._lock:
            for attempt in (1, 2):
                if self._stopped:
                    break
                control = self._keeper.submit(self._ensure).result()
                try:
                    socket.send_fds(control, [data], fds)
                    answer = control.recv(1 << 16)
                except OSError:
                    answer = b""
                if answer:
                    result: dict[str, Any] = json.loads(answer)
                    return result
                self._forget()  # the server was killed; its children died with it
                if request["do"] != "fork" or attempt == 2:  # noqa: PLR2004
                    break
        if request["do"] == "reap":
            return {"exit": -signal.SIGKILL}
        why = "It was stopped." if self._stopped else f"It printed: {self._tail()}"
        msg = f"Expected the fork server to start a child. Received: no answer. {why}"
        raise ChildLostError(msg)

    def _tail(self) -> str:
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - TAIL))
        return self._log.read().decode(errors="replace").strip()

    def _ensure(self) -> socket.socket:
        if self._process is None or self._process.poll() is not None or self._control is None:
            self._forget()
            self._control, theirs = socket.socketpair()
            python, env = python_of_ours(self._env)
            words = ["-m", "tasks.process.forkserver", str(theirs.fileno()), str(os.getpid())]
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*python, *words, *self._preload],
                env=env,
                stdin=subprocess.DEVNULL,
                # What libraries print when they are imported belongs to no trial.
                stdout=self._log,
                stderr=self._log,
                pass_fds=[theirs.fileno()],
                # Ctrl-C at the terminal is the supervisor's to handle.
                start_new_session=True,
            )
            theirs.close()
        return self._control

    def _forget(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


class Child:
    """One training child.

    Attributes:
        emit: Gets each line the child prints; may be replaced between trials.
        heard: When it sent or printed something last, on the clock of `time.monotonic`.
        gauge: Measures its memory.
    """

    def __init__(
        self, server: ForkServer, pid: int, connection: Connection, output: int, emit: Line
    ) -> None:
        self.pid = pid
        self.emit = emit
        self.heard = time.monotonic()
        self.gauge = MemoryGauge(pid)
        self._server = server
        self._oom_kills = oom_kills()
        self._connection = connection
        self._checked = time.monotonic()
        self._code: int | None = None
        self._reader = threading.Thread(target=self._read, args=(output,), daemon=True)
        self._reader.start()

    def send(self, command: Command) -> None:
        """Tells the child to do something.

        Raises:
            ChildLostError: The child is gone.
        """
        try:
            self._connection.send_bytes(encode(command))
        except OSError as error:
            raise self._obituary() from error

    def receive(self, seconds: float) -> Message | None:
        """The next message, None if none came in time.

        Raises:
            ChildLostError: The child is gone.
        """
        try:
            if not self._connection.poll(seconds):
                self._check_alive()
                return None
            message: Message = decode(self._connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise self._obituary() from error
        self.heard = time.monotonic()
        return message

    def end(self) -> int | None:
        """Kills the child and waits until it is gone; its exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # what it forked as well
        code = self._wait()
        self._connection.close()
        self._reader.join(timeout=5)
        return code

    def _check_alive(self) -> None:
        """A process the child started may hold the connection open after its death."""
        now = time.monotonic()
        if now - self._checked > CHECK:
            self._checked = now
            if self._exit_code() is not None:
                raise EOFError

    def _exit_code(self) -> int | None:
        if self._code is None:
            self._code = self._server.exit_code(self.pid)
        return self._code

    def _wait(self, seconds: float = 10) -> int | None:
        deadline = time.monotonic() + seconds
        while True:
            code = self._exit_code()
            if code is not None or time.monotonic() > deadline:
                return code
            time.sleep(0.01)

    def _obituary(self) -> ChildLostError:
        """What became of the child, once it is gone."""
        code = self._wait(seconds=1)
        kills = oom_kills() - self._oom_kills
        self.end()
        who = f"The training process {self.pid}"
        if code is None:
            return ChildLostError(f"{who} closed its connection.")
        if code >= 0:
            msg = f"{who} exited with status {code}: the trial's code, or a library, ended it."
            return ChildLostError(msg, Outcome.EXITED)
        name = signal.Signals(-code).name
        if code != -signal.SIGKILL:
            msg = f"{who} was ended by {name}. The end of its log says where in the code."
            return ChildLostError(msg, Outcome.CRASHED)
        if kills > 0:
            msg = f"{who} was ended by {name}, since the machine ran out of memory. {LESS_MEMORY}"
            return ChildLostError(msg, Outcome.OUT_OF_MEMORY)
        msg = f"{who} was ended by {name}: by another process, or for lack of memory."
        return ChildLostError(msg, Outcome.KILLED)

    def _read(self, output: int) -> None:
        # Looked up at each line: the next trial has another.
        sink = LineSink(lambda line: self.emit(line))  # noqa: PLW0108
        with os.fdopen(output, "rb", buffering=0) as pipe:
            while data := pipe.read(1 << 16):
                self.heard = time.monotonic()  # a progress bar too, which ends no line
                sink.feed(data)
        sink.flush()
