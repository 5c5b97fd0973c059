"""The servers, once per test session: import these fixtures into a `conftest.py`."""

import uuid

import pytest
from servers import azurite
from servers.s3 import BUCKET, S3Server


@pytest.fixture(scope="session")
def s3_process():
    server, process = S3Server.start()
    yield server
    process.communicate(timeout=30)


@pytest.fixture
def s3_server(s3_process, monkeypatch):
    """A server without faults, which the environment names to this process and its children."""
    for name, value in s3_process.environment.items():
        monkeypatch.setenv(name, value)
    yield s3_process
    s3_process.calm()


@pytest.fixture
def s3_url(s3_server):
    """An empty place on it."""
    return f"s3://{BUCKET}/{uuid.uuid4().hex}/project"


@pytest.fixture(scope="session")
def azurite_process(tmp_path_factory):
    program = azurite.find()
    if program is None:
        pytest.skip(f"Azurite is not installed: {azurite.INSTALL}")
    environment, process = azurite.start(program, tmp_path_factory.mktemp("azurite"))
    yield environment
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture
def azure_url(azurite_process, monkeypatch):
    """An empty place on an Azurite that the environment names to this process and its children."""
    adlfs = pytest.importorskip("adlfs")
    for name, value in azurite_process.items():
        monkeypatch.setenv(name, value)
    fs = adlfs.AzureBlobFileSystem()
    if not fs.exists(azurite.CONTAINER):
        fs.mkdir(azurite.CONTAINER)
    return f"abfs://{azurite.CONTAINER}/{uuid.uuid4().hex}/project"
