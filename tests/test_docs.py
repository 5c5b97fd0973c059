"""What the README shows runs, word for word."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml
from prefect.utilities.importtools import import_object
from support import ROOT
from typer.testing import CliRunner

from flows.cli import app

README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))


def blocks(text):
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text):
    lines = [
        line for kind, block in blocks(text) if kind == "console" for line in block.splitlines()
    ]
    return [line[2:].split("#")[0].strip() for line in lines if line.startswith("$ ")]


def commands_that_end(text):
    """Ours, without those that stay until they are stopped, which have tests of their own."""
    ours = [command for command in commands(text) if command.startswith("trialflow ")]
    return [
        command for command in ours if command.split()[1] not in ("serve", "worker", "dashboard")
    ]


@pytest.fixture
def run(environment, prefect_server, tmp_path):
    """Runs a command in a folder that holds what a clone holds."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    env = {
        **environment,
        "PREFECT_API_URL": f"{prefect_server}/api",
        "PATH": f"{os.path.dirname(sys.executable)}:{environment['PATH']}",  # noqa: PTH120
    }

    def run(*words):
        done = subprocess.run(
            words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"

    return run


@pytest.mark.story
def test_the_readme_runs_from_top_to_bottom(run, tmp_path):
    for kind, text in blocks(README):
        name = re.match(r"# (\w+\.py)\n", text)
        if kind == "python" and name:
            (tmp_path / name[1]).write_text(text)
        elif kind == "python":
            run(sys.executable, "-c", text)
        elif kind == "console":
            for command in commands_that_end(f"```console\n{text}```"):
                run(*shlex.split(command))
    assert (tmp_path / "results" / "my_study" / "project.json").exists()


@pytest.mark.story
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_runs_from_top_to_bottom(run, document, tmp_path):
    text = document.read_text()
    old = ROOT / "tests" / "fixtures" / "keras_tuner_projects" / "random_search"
    shutil.copytree(old, tmp_path / "my_dir" / "my_project")
    for command in commands_that_end(text):
        run(*shlex.split(command))
    # One program: later blocks go on with what earlier ones have made.
    run(sys.executable, "-c", "\n".join(block for kind, block in blocks(text) if kind == "python"))


def test_every_make_target_of_the_readme_is_there():
    makefile = (ROOT / "Makefile").read_text()
    named = {word.split()[1] for word in commands(README) if word.startswith("make ")}
    named |= set(re.findall(r"`make (\w+)`", README))
    assert {"search", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_deployment_names_a_flow_and_parameters_it_takes():
    deployments = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["deployments"]
    assert deployments
    for deployment in deployments:
        flow = import_object(deployment["entrypoint"])
        flow.validate_parameters(deployment["parameters"])
        study = deployment["parameters"].get("study")
        assert study is None or (ROOT / study).exists()


def test_every_command_and_option_has_help():
    def help_of(*words):
        told = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80"}).output
        assert all(len(line) <= 80 for line in told.splitlines())
        return told

    listed = re.findall(
        r"^  ([a-z][\w-]+) {2,}(\S.*)$", help_of().split("Search:")[1], re.MULTILINE
    )
    commands = """best check dashboard deploy doctor export import-keras-tuner importance repair
        report rerun resume retry run search serve setup-automations show status trials watch
        worker"""
    assert sorted(name for name, _ in listed) == commands.split()
    for name, _ in listed:
        assert f"trialflow {name}" in README
        options = help_of(name).split("Options:")[1]
        assert len(re.findall(r"^ +(-\w, )?--[\w-]+", options, re.MULTILINE)) >= 2


def test_nothing_in_the_repository_names_this_machine_or_a_registry():
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    hosts = re.compile("pypi" + r"\.org|files\.python" + r"hosted|/ro" + "ot/|/wo" + "rk/")
    for name in files:
        text = (ROOT / name).read_bytes().decode(errors="replace")
        assert not hosts.search(text), name
