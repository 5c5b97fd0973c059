"""What deployments/ holds parses, and starts what is there."""

import re
import shlex
import tomllib

import pytest
import yaml
from support import ROOT
from typer.main import get_command

from flows.cli import app

FILES = ROOT / "deployments"
COMMANDS = get_command(app).commands


def check_command(words):
    """A command line of ours: the command and its options are there."""
    assert words[0] == "trialflow", words
    options = {o for parameter in COMMANDS[words[1]].params for o in parameter.opts}
    used = {word for word in words[2:] if word.startswith("--")}
    assert used <= options, words


def containers(path):
    for document in yaml.safe_load_all(path.read_text()):
        template = document["spec"].get("template")
        if template:
            yield from template["spec"]["containers"]


@pytest.mark.parametrize("name", ["kubernetes.yaml", "dask/kubernetes.yaml"])
def test_the_containers_of_kubernetes_start_commands_that_are_there(name):
    found = list(containers(FILES / name))
    assert found
    for container in found:
        assert container["image"] == "trialflow:latest"
        command = container["command"]
        if command[0] not in ("dask", "prefect"):
            check_command(command)


def test_the_shell_scripts_use_commands_and_options_that_are_there():
    text = (FILES / "dask" / "slurm.sh").read_text()
    lines = re.findall(r"^(?:srun )?(trialflow .*) &$", text, re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        check_command(shlex.split(line))


def test_the_image_copies_and_installs_what_is_there():
    text = (FILES / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists(), name
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = known["optional-dependencies"]
    for line in re.findall(r"^ARG EXTRAS=(.*)$", text, re.MULTILINE):
        assert set(line.split(",")) <= set(extras)
    assert {"cpu", "gpu"} == set(re.findall(r"^FROM base AS (\w+)$", text, re.MULTILINE))


def test_the_services_of_compose_wait_for_each_other_and_build_the_image():
    services = yaml.safe_load((FILES / "compose.yaml").read_text())["services"]
    assert set(services) == {"database", "server", "store", "worker"}
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        if "build" in service:
            assert (FILES / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    script = services["worker"]["command"][-1]
    assert "deployments/prefect.yaml" in script
    assert services["server"]["environment"]["PREFECT_SERVER_UI_API_URL"].endswith(":4200/api")
