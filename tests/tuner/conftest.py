"""Training processes that tests of this folder may kill."""

import pytest
from resuming import Runner
from support import STUDIES

from tasks.process.local_slots import LocalSlots


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    """Runs trials of the study `resumable.py` on local disk."""
    folder = tmp_path_factory.mktemp("resuming")
    with slots_on(str(folder), "project") as slots:
        yield Runner(slots, f"{folder}/project", folder)


@pytest.fixture
def remote(s3_url, tmp_path):
    """Runs them on S3."""
    directory, _, name = s3_url.rpartition("/")
    with slots_on(directory, name) as slots:
        yield Runner(slots, s3_url, tmp_path)


def slots_on(directory, name):
    project = {"directory": directory, "project_name": name}
    setup = {"study": str(STUDIES / "resumable.py"), "project": project}
    return LocalSlots(1, setup, ("keras", "tensorflow"))
