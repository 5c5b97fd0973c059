"""Credentials that were planted, and are looked for wherever a search leaves anything."""

import os
import secrets
from contextlib import suppress

import pytest
from servers.s3 import BUCKET
from support import STUDIES, finish, output_of

from storage import KeyMissingError, open_store

pytestmark = pytest.mark.story


@pytest.fixture
def planted():
    return {
        "AWS_ACCESS_KEY_ID": f"PLANTEDKEY{secrets.token_hex(8)}",
        "AWS_SECRET_ACCESS_KEY": f"planted-secret-{secrets.token_hex(16)}",
        "AWS_SESSION_TOKEN": f"planted-token-{secrets.token_hex(16)}",
    }


def files_under(folder):
    """What can be read of all files in a folder, by path."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)  # noqa: PTH118
            if os.path.isfile(path) and not os.path.islink(path):  # noqa: PTH113, PTH114
                with open(path, "rb") as file:  # noqa: PTH123
                    yield path, file.read()


def objects_of(url):
    """All objects of a store, by key."""
    store = open_store(url)
    folders = [""]
    while folders:
        folder = folders.pop()
        for name in store.list(folder):
            key = f"{folder}/{name}".lstrip("/")
            if store.list(key):
                folders.append(key)
            else:
                with suppress(KeyMissingError):  # an empty folder, as a console makes it
                    yield key, store.read(key)


def test_credentials_are_in_no_file_log_page_parameter_or_message(
    trialflow, planted, prefect_home, s3_server, s3_url, ask, tmp_path
):
    directory, scratch = s3_url.removesuffix("/project"), tmp_path / "scratch"
    scratch.mkdir()
    env = {**s3_server.environment, **planted, "TMPDIR": str(scratch)}
    search = ["search", STUDIES / "naps.py", "--slots", 2, "--project-name", "secrets"]
    said = [
        finish(
            trialflow(*search, "--directory", directory, NAP_FAIL="0002", NAP_SECONDS="0", **env)
        ),
        *output_of(trialflow(*search, "--directory", "s3://no-such-bucket/x", "--debug", **env)),
        finish(trialflow("report", f"{directory}/secrets", "--output", tmp_path / "r.html", **env)),
        finish(trialflow("export", f"{directory}/secrets", "--to", tmp_path / "tables", **env)),
        finish(trialflow("check", f"{directory}/secrets", **env)),
        finish(trialflow("show", f"{directory}/secrets", "0002", **env)),
    ]
    runs = ask("flow_runs/filter", {"flow_runs": {"name": {"any_": ["secrets"]}}})
    assert {run["state"]["type"] for run in runs} == {"COMPLETED", "FAILED"}

    found = {f"output {number}": text.encode() for number, text in enumerate(said)}
    found |= dict(files_under(prefect_home)) | dict(files_under(tmp_path))
    found |= dict(objects_of(f"s3://{BUCKET}"))
    for path, methods in (("runs", runs), ("logs", ask("logs/filter", {"limit": 200}))):
        found[path] = str(methods).encode()
    assert any(key.endswith("secrets/project.json") for key in found)
    assert any(b"secrets" in data for path, data in found.items() if path.endswith(".db"))
    leaks = {
        where: name
        for where, data in found.items()
        for name, value in planted.items()
        if value.encode() in data
    }
    assert leaks == {}
