"""`trialflow doctor`: whether a search can run here, and what to change."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from packaging.requirements import Requirement

from flows.commands import tables
from flows.commands.answers import FAILED, Debug, Json, answered, print_json
from flows.commands.automations import SET_UP, has_automation, misfits
from flows.server import configured_server, hush_prefect
from storage import LocalStore, check_no_password, open_store
from tasks.hardware.gpus import VISIBLE, visible_gpus

PATIENCE = 5.0
"""Seconds to wait for a Prefect server's answer."""

LITTLE = 2**30
"""Bytes of free disk below which a word is due."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    well: bool
    detail: str
    advice: str = ""
    """What to do where it is not well."""
    hint: str = ""
    """What is worth doing although all is well."""


def examine(directory: str) -> Iterator[Finding]:
    """Looks at Python, packages, processors, GPUs, the Prefect server and the store.

    Args:
        directory: Path or URL under which projects are to lie; a probe is written and deleted.
    """
    from prefect.settings import PREFECT_API_URL

    yield _python()
    yield from _packages()
    yield _processors()
    yield _gpus()
    server = _prefect()
    yield server
    if PREFECT_API_URL.value() and server.well:
        yield _automation()
    yield _store(directory)


def _python() -> Finding:
    version = sys.version.split()[0]
    return Finding("Python", sys.version_info >= (3, 11), version, "Use Python 3.11 or newer.")


def _packages() -> Iterator[Finding]:
    """Those that Trialflow needs, in the versions it needs; extras are left out."""
    for text in importlib.metadata.requires("trialflow") or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _package(requirement)


def _package(requirement: Requirement) -> Finding:
    name = f"package {requirement.name}"
    advice = f"Run: pip install '{requirement}'"
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, well=False, detail="not installed", advice=advice)
    return Finding(name, requirement.specifier.contains(version), version, advice)


def _processors() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("processors", well=True, detail=str(usable))


def _gpus() -> Finding:
    """Those that trials may use; a driver without any is something to change."""
    found = visible_gpus(os.environ)
    if found:
        sizes = [f"{gpu.memory / 2**30:.0f} GiB" for gpu in found if gpu.memory is not None]
        return Finding("GPUs", well=True, detail=f"{len(found)} visible {', '.join(sizes)}".strip())
    if not Path("/dev/nvidiactl").exists():
        return Finding("GPUs", well=True, detail="none; trials run on the processors")
    hidden = os.environ.get(VISIBLE)
    detail = "none visible, but there is a driver"
    detail += "" if hidden is None else f"; {VISIBLE}={hidden!r}"
    advice = f"Correct or unset {VISIBLE}, or run: pip install 'trialflow[gpu]'"
    return Finding("GPUs", well=False, detail=detail, advice=advice)


def _prefect() -> Finding:
    from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL

    api = PREFECT_API_URL.value()
    if not api:
        detail = "none configured; each command starts one of its own"
        return Finding("Prefect server", well=True, detail=detail)
    try:
        with urllib.request.urlopen(f"{api}/admin/version", timeout=PATIENCE) as answer:  # noqa: S310 - the user's own
            version = json.loads(answer.read())
    except (OSError, ValueError) as error:
        advice = "Start it (prefect server start), or correct or unset PREFECT_API_URL."
        return Finding("Prefect server", well=False, detail=f"{api}: {error}", advice=advice)
    page = PREFECT_UI_URL.value() or api.removesuffix("/api")
    detail = f"{version} at {api}, pages at {page}"
    asked = _asked_by(page)
    if asked is None or _answers(asked):
        return Finding("Prefect server", well=True, detail=detail)
    detail += f", which ask {asked}: no server answers there"
    advice = f"Start it with PREFECT_SERVER_UI_API_URL={api}, or its pages stay empty."
    return Finding("Prefect server", well=False, detail=detail, advice=advice)


def _asked_by(page: str) -> str | None:
    """The API that a server's pages call; None where they do not say."""
    try:
        with urllib.request.urlopen(f"{page}/ui-settings", timeout=PATIENCE) as answer:  # noqa: S310
            api = json.loads(answer.read())["api_url"]
    except (OSError, ValueError, LookupError):
        return None
    return api if str(api).startswith("http") else None


def _answers(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=PATIENCE):  # noqa: S310
            return True
    except OSError:
        return False


def _automation() -> Finding:
    """The automation that marks vanished searches; it fits the heartbeats of the deployments."""
    what = "automation"
    try:
        with configured_server() as client:
            if not has_automation(client):
                hint = f"A search that is killed stays Running in the pages. Run: {SET_UP}"
                return Finding(what, well=True, detail="none for vanished searches", hint=hint)
            wrong = misfits(client)
    except Exception as error:  # noqa: BLE001 - whatever the server answers is the finding
        advice = f"See whether the server's version is one that is allowed, or run: {SET_UP}"
        return Finding(what, well=False, detail=f"{type(error).__name__}: {error}", advice=advice)
    detail = "does not fit" if wrong else "marks vanished searches as crashed"
    return Finding(what, well=not wrong, detail=detail, advice=" ".join(wrong))


def _store(directory: str) -> Finding:
    try:
        store = open_store(directory)
        store.probe()
    except Exception as error:  # noqa: BLE001 - whatever a backend raises is the finding
        return Finding("store", well=False, detail=directory, advice=str(error))
    if not isinstance(store, LocalStore):
        return Finding("store", well=True, detail=f"{directory}: writable, keeps writers apart")
    free = shutil.disk_usage(_nearest(Path(store.url))).free
    detail = f"{directory}: writable, {free / 2**30:.1f} GiB free"
    return Finding("store", free > LITTLE, detail, "Free some, or use another --directory.")


def _nearest(path: Path) -> Path:
    return path if path.exists() else _nearest(path.parent)


def doctor(
    directory: Annotated[
        str, typer.Option(help="Path or fsspec URL under which projects are to lie.")
    ] = "results",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check Python, packages, the Prefect server and the store, and say what to change.

    Exit status: 0 all is well, 1 something is not.
    """
    hush_prefect()
    with answered(debug=debug):
        check_no_password(directory)
        findings = list(examine(directory))
    ill = [finding for finding in findings if not finding.well]
    if as_json:
        print_json({"well": not ill, "findings": [asdict(finding) for finding in findings]})
    else:
        rows = [["ok" if f.well else "NOT OK", f.what, f.detail] for f in findings]
        typer.echo(tables.table(["", "what", "found"], rows))
        for finding in findings:
            words = finding.hint if finding.well else finding.advice
            if words:
                typer.echo(f"{finding.what}: {words}")
    if ill:
        raise typer.Exit(FAILED)
