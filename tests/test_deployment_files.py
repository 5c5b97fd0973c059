"""What deployments/ holds parses, and starts what is there."""

import json
import re
import shlex
import subprocess
import tomllib

import pytest
import yaml
from prefect.utilities.templating import find_placeholders
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
        template = document.get("spec", {}).get("template")
        if template:
            yield from template["spec"]["containers"]


@pytest.mark.parametrize("name", ["kubernetes.yaml", "dask/kubernetes.yaml"])
def test_the_containers_of_kubernetes_start_commands_that_are_there(name):
    found = list(containers(FILES / name))
    assert found
    for container in found:
        command = container["command"]
        if command[0] == "prefect":
            assert "kubernetes" in container["image"]
            continue
        assert container["image"] == "trialflow:latest"
        if command[0] != "dask":
            check_command(command)


def test_the_pool_of_kubernetes_gives_each_run_its_gpus():
    template = json.loads((FILES / "kubernetes-pool.json").read_text())
    named = {found.name for found in find_placeholders(template["job_configuration"])}
    assert named == set(template["variables"]["properties"])
    (container,) = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "{{ gpus }}"
    (pool,) = [found["command"][4] for found in containers(FILES / "kubernetes.yaml")]
    told = re.findall(r"^#   (.*)$", (FILES / "kubernetes.yaml").read_text(), re.MULTILINE)
    assert told[0] == f"prefect work-pool create {pool} --type kubernetes \\"
    check_command(shlex.split(told[-1]))


def test_the_shell_scripts_use_commands_and_options_that_are_there():
    text = (FILES / "dask" / "slurm.sh").read_text()
    lines = re.findall(r"^(?:srun )?(trialflow .*) &$", text, re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        check_command(shlex.split(line))
    for script in (FILES / "dask").glob("*.sh"):
        subprocess.run(["bash", "-n", script], check=True)


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
