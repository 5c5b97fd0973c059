"""The doctor finds what is wrong before a search does."""

import http.server
import importlib.metadata
import json
import threading
from typing import ClassVar

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from typer.testing import CliRunner

from flows.cli import app


def doctor(*words, env=None):
    return CliRunner(env={"PREFECT_API_URL": None, **(env or {})}).invoke(app, ["doctor", *words])


def findings(*words, env=None):
    found = json.loads(doctor("--json", *words, env=env).output)["findings"]
    return {finding["what"]: finding for finding in found}


def test_all_is_well_and_nothing_stays_behind(tmp_path):
    result = doctor("--directory", str(tmp_path / "results"))
    assert result.exit_code == 0, result.output
    assert "NOT OK" not in result.output
    assert all(len(line) <= 80 for line in result.output.splitlines())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_directory_that_cannot_be_written_is_named_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("no folder")
    result = doctor("--directory", str(tmp_path / "file" / "results"))
    assert result.exit_code == 1
    assert "NOT OK" in result.output
    assert f"store: Expected {tmp_path}/file/results" in result.output


@pytest.mark.parametrize("installed", ["1.0", None])
def test_a_package_that_is_missing_or_too_old_is_named(tmp_path, monkeypatch, installed):
    real = importlib.metadata.version

    def version(name):
        if name != "prefect":
            return real(name)
        if installed is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = findings("--directory", str(tmp_path))["package prefect"]
    assert not found["well"]
    assert found["detail"] == (installed or "not installed")
    assert "pip install 'prefect" in found["advice"]


class Pages(http.server.BaseHTTPRequestHandler):
    """A Prefect server that was told a wrong address of its own."""

    answers: ClassVar = {"/api/admin/version": "3.8.8"}

    def do_GET(self):
        self.send_response(200 if self.path in self.answers else 404)
        self.end_headers()
        self.wfile.write(json.dumps(self.answers.get(self.path)).encode())

    def log_message(self, *words):
        pass


@pytest.mark.parametrize(("path", "well"), [("/api", True), ("/elsewhere", False)])
def test_pages_that_ask_where_nobody_answers_are_named(tmp_path, monkeypatch, path, well):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    settings = {"/ui-settings": {"api_url": url + path}, "/api/health": True}
    monkeypatch.setattr(Pages, "answers", {**Pages.answers, **settings})
    with temporary_settings({PREFECT_API_URL: f"{url}/api"}):
        found = findings("--directory", str(tmp_path))["Prefect server"]
    server.shutdown()
    server.server_close()
    assert found["well"] == well
    assert (f"ask {url}/elsewhere" in found["detail"]) == (not well)
