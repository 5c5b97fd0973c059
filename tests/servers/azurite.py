"""A real server of Azure's blobs for tests: Azurite, where npm has installed it."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

CONTAINER = "trialflow"
HOME = Path("~/.cache/trialflow-tests")
INSTALL = f"npm install --prefix {HOME} azurite@3.37.0"
ACCOUNT = "devstoreaccount1"
# The key of every Azurite in the world.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def find():
    """The program, None when it is not installed."""
    named = os.environ.get("TRIALFLOW_AZURITE")
    local = HOME.expanduser() / "node_modules" / ".bin" / "azurite-blob"
    return named or shutil.which("azurite-blob") or (str(local) if local.exists() else None)


def start(program, folder):
    """Starts it; answers what the environment must say, and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry"]
    process = subprocess.Popen([program, *options, "--blobPort", str(port)], cwd=folder)
    while True:
        with socket.socket() as knock:
            if not knock.connect_ex(("127.0.0.1", port)):
                break
        assert process.poll() is None, "Azurite did not start"
        time.sleep(0.1)
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    parts = ["DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={KEY}"]
    text = ";".join([*parts, f"BlobEndpoint={endpoint}"])
    return {"AZURE_STORAGE_CONNECTION_STRING": text}, process
