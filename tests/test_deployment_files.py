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

from flows.cli import load

FILES = ROOT / "deployments"


def check_command(words):
    """A command line of ours: the command and its options are there."""
    assert words[0] == "trialflow", words
    options = {o for parameter in load(words[1]).params for o in parameter.opts}
    used = {word for word in words[2:] if word.startswith("--")}
    assert used <= options, words


def containers(path):
    for document in yaml.safe_load_all(path.read_text()):
        template = document.get("spec", {}).get("template")
        if template:
            yield from template["spec"]["containers"]


MANIFESTS = ["kubernetes.yaml", "dask/kubernetes.yaml"]


@pytest.mark.parametrize("name", MANIFESTS)
def test_pods_of_kubernetes_run_as_nobody_special_and_say_what_they_need(name):
    for document in yaml.safe_load_all((FILES / name).read_text()):
        if "template" not in document.get("spec", {}):
            continue
        pod = document["spec"]["template"]["spec"]
        check_pod(pod)
        for container in pod["containers"]:
            words = container["command"]
            is_search = "search" in words or ("worker" in words and words[0] == "trialflow")
            secrets = [each["secretRef"]["name"] for each in container.get("envFrom", [])]
            assert (secrets == ["trialflow-store"]) == is_search
            named = {each["name"] for each in container.get("env", [])}
            assert ("PREFECT_API_URL" in named) == ("search" in words or words[0] == "prefect")


def check_pod(pod):
    assert pod["securityContext"]["runAsNonRoot"]
    for container in pod["containers"]:
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_containers_of_kubernetes_start_commands_that_are_there(name):
    found = list(containers(FILES / name))
    assert found
    for container in found:
        command = container["command"]
        if command[0] == "prefect":
            assert "kubernetes" in container["image"]
            continue
        assert re.fullmatch(r"registry\.example\.com/trialflow:[\d.]+", container["image"])
        if command[0] != "dask":
            check_command(command)


def test_the_pool_of_kubernetes_gives_each_run_its_gpus():
    template = json.loads((FILES / "kubernetes-pool.json").read_text())
    named = {found.name for found in find_placeholders(template["job_configuration"])}
    assert named == set(template["variables"]["properties"])
    job = template["job_configuration"]["job_manifest"]["spec"]
    check_pod(job["template"]["spec"])
    assert (job["completions"], job["parallelism"]) == (1, 1)
    assert job["podFailurePolicy"]["rules"][0]["action"] == "Ignore"
    # With 0 Prefect would start another run while Kubernetes starts another pod of the same.
    assert job["backoffLimit"] > 0
    (container,) = job["template"]["spec"]["containers"]
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
    asked = dict(re.findall(r"^#SBATCH --([a-z-]+)(?:=(.*))?$", text, re.MULTILINE))
    assert {"requeue", "open-mode", "signal"} <= set(asked)
    assert "8786" not in text  # another job's scheduler may listen there
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
    # A stage that is named by an argument is no name to older builders.
    assert re.findall(r"^FROM (.*)$", text, re.MULTILINE) == ["python:3.11-slim"]
    assert {"cpu", "gpu"} == set(re.findall(r"^ +(\w+)\) extras=", text, re.MULTILINE))
    assert "PREFECT_UI_STATIC_DIRECTORY=/home/searcher/" in text


def test_the_services_of_compose_wait_for_each_other_and_build_the_image():
    services = yaml.safe_load((FILES / "compose.yaml").read_text())["services"]
    assert set(services) == {"database", "server", "store", "worker"}
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        if "build" in service:
            assert (FILES / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    script = services["worker"]["command"][-1]
    assert "deployments/prefect.yaml" in script
    assert "trialflow setup-automations" in script
    for name in ("database", "store"):
        assert re.search(r":\d[\d.]*$", services[name]["image"]), "an image without its version"
    assert services["server"]["environment"]["PREFECT_SERVER_UI_API_URL"].endswith(":4200/api")
