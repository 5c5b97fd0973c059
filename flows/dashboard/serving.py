"""Serves the dashboard until it is told to stop."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable, Sequence

import uvicorn

from flows.dashboard.app import create_app
from flows.dashboard.watched import WatchedProject

HOST = "127.0.0.1"


def serve_dashboard(
    urls: Sequence[str], port: int, say: Callable[[str], None], *, browser: bool
) -> None:
    """Serves projects on loopback, until Ctrl-C.

    Args:
        urls: Paths or URLs of the projects.
        port: 0 for one that is free.
        say: Gets the line that tells the address.
        browser: Whether to open it in the reader's browser.

    Raises:
        FileNotFoundError: One of them is no project.
        OSError: The port is taken.
    """
    app = create_app([WatchedProject(url) for url in urls])
    listening = _listen(port)
    address = f"http://{HOST}:{listening.getsockname()[1]}/"
    say(address)
    if browser:
        webbrowser.open(address)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()  # who asks before the server has started waits for it
    except OSError as error:
        listening.close()
        msg = f"Expected a port that is free. Received: --port {port}, which is taken."
        raise OSError(f"{msg} With --port 0 a free one is found.") from error
    return listening
