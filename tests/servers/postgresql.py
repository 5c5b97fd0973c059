"""A real PostgreSQL for tests, where Debian's package (or another one) has installed it."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path


def find():
    """The folder of its programs, None when it is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


@contextlib.contextmanager
def running(programs):
    """A server with an empty database; what `psql` and Prefect call it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="trialflow-postgresql-"))
    owner = {}
    if os.geteuid() == 0:  # it refuses to run as root
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        owner = {"user": "postgres", "group": "postgres", "extra_groups": []}
    data = str(folder / "data")
    words = ["--username", "prefect", "--auth", "trust", "--no-sync", "--no-instructions"]
    initdb = [programs / "initdb", "--pgdata", data, *words]
    subprocess.run(initdb, check=True, cwd=folder, stdout=subprocess.DEVNULL, **owner)
    options = ["-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    process = subprocess.Popen(
        [programs / "postgres", "-D", data, "-p", str(port), *options],
        cwd=folder,
        stderr=subprocess.DEVNULL,
        **owner,
    )
    try:
        ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        while subprocess.run(ready, check=False).returncode:
            assert process.poll() is None, "PostgreSQL did not start"
            time.sleep(0.1)
        yield f"prefect@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # it lets nobody finish
        process.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)
