"""Real servers of object stores, once per session; each test of this folder needs an engine."""

import uuid
from pathlib import Path

import pytest
from servers import fake_gcs, seaweedfs


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.engines)
            item.add_marker(pytest.mark.timeout(7200))


@pytest.fixture(scope="session")
def seaweedfs_server(tmp_path_factory):
    program = seaweedfs.find()
    if program is None:
        pytest.skip(f"SeaweedFS is not installed: {seaweedfs.INSTALL}")
    server = seaweedfs.SeaweedFS(program, tmp_path_factory.mktemp("seaweedfs"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def fake_gcs_process(tmp_path_factory):
    program = fake_gcs.find()
    if program is None:
        pytest.skip(f"fake-gcs-server is not installed: {fake_gcs.INSTALL}")
    environment, process = fake_gcs.start(program, tmp_path_factory.mktemp("gcs"))
    yield environment
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture
def seaweedfs_url(seaweedfs_server, monkeypatch):
    """An empty place on a SeaweedFS that the environment names to this process and its children."""
    for name, value in seaweedfs_server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{seaweedfs.BUCKET}/{uuid.uuid4().hex}/project"


@pytest.fixture
def gcs_url(fake_gcs_process, monkeypatch):
    """An empty place on a fake-gcs-server, likewise."""
    pytest.importorskip("gcsfs")
    for name, value in fake_gcs_process.items():
        monkeypatch.setenv(name, value)
    return f"gs://{fake_gcs.BUCKET}/{uuid.uuid4().hex}/project"
