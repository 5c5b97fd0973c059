"""Artifacts of a search in the Prefect UI, beside its live summary."""

from __future__ import annotations

import logging
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from prefect import runtime
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client

from flows.present import SearchResult
from flows.project_names import project_name_of
from storage import split_url
from tuner.core.text import clean
from tuner.journal.project import Project
from tuner.oracles.oracle import Oracle
from tuner.results.sparkline import image
from tuner.search.progress import clock, number, value_text

logger = logging.getLogger(__name__)


def introduce(project: Project, study: str, oracle: Oracle) -> None:
    """Says on the flow run what is searched, by what, and where it lies."""
    tags = {"trialflow", f"study: {project_name_of(study, None)}", type(oracle).__name__}
    attempt(lambda: _tag(tags))
    link = console_link(project.url)
    if link is not None:
        key = artifact_key("project", project.url)
        text = f"Where the search lies: `trialflow status {shlex.quote(project.url)}`"
        attempt(
            lambda: create_link_artifact(link, link_text=project.url, key=key, description=text)
        )


def console_link(url: str) -> str | None:
    """Address of a project in the web console of its store; None for any other store.

    A path on this machine is none that the reader's browser could open.
    """
    parts = urlsplit(url)
    bucket, path = parts.netloc, parts.path.strip("/")
    match parts.scheme:
        case "gs" | "gcs":
            return f"https://console.cloud.google.com/storage/browser/{bucket}/{quote(path)}"
        case "s3" | "s3a" if not _own_s3():
            prefix = quote(f"{path}/", safe="")
            return f"https://s3.console.aws.amazon.com/s3/buckets/{bucket}?prefix={prefix}"
        case "http" | "https":
            return url
        case _:
            return None


def _own_s3() -> bool:
    """Whether the S3 of this process is not Amazon's."""
    return any(os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"))


def _tag(tags: set[str]) -> None:
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(str(runtime.flow_run.id)))
        client.update_flow_run(run.id, tags=[*run.tags, *sorted(tags.difference(run.tags))])


def publish_leaderboard(result: SearchResult) -> None:
    """The best trials as a table, one column a hyperparameter that one of them has."""
    rows = leaderboard_rows(result.leaderboard)
    if rows:
        key = artifact_key("leaderboard", result.project)
        description = f"Best trials of {result.project} by {result.objective}"
        attempt(lambda: create_table_artifact(rows, key=key, description=description))


def leaderboard_rows(leaderboard: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the table, all with the same columns; numbers as people read them."""
    rows = [_row(row) for row in leaderboard]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    # What a search declares under a condition comes where the first trial has it.
    return [{name: row.get(name, "") for name in columns} for row in rows]


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A trial as a row of the table; hyperparameters come last, whatever they are called."""
    spread = "" if row["spread"] is None else f" ± {number(row['spread'])}"
    scores = {name: f"{number(value)}{spread}" for name, value in row["objectives"].items()}
    shown = {
        "rank": row["rank"],
        "trial": row["trial_id"],
        **scores,
        "best epoch": "" if row["best_epoch"] is None else row["best_epoch"],
        "time": "" if row["seconds"] is None else clock(row["seconds"]),
    }
    values = {
        name: clean(v) if isinstance(v, str) else value_text(v) for name, v in row["values"].items()
    }
    return shown | {f"hp {k}" if k in shown else clean(k): v for k, v in values.items()}


def artifact_key(kind: str, project: str) -> str:
    """The key of a project's artifact: its versions line up over the runs."""
    name = re.sub(r"[^a-z0-9]+", "-", split_url(project)[1].lower()).strip("-")
    return f"{kind}-{name}"


def attempt(publish: Callable[[], Any]) -> Any:
    """A picture for the UI is not worth a search: a server that is away costs a log line."""
    try:
        return publish()
    except Exception as error:  # noqa: BLE001 - see above
        logger.warning("Prefect did not take an artifact: %s", error)
        return None


def publish_report(project: Project, result: SearchResult) -> None:
    """Publishes the answer and the figures of a search."""
    text = attempt(lambda: _report(project, result))
    if text is not None:
        key = artifact_key("report", result.project)
        attempt(lambda: create_markdown_artifact(text, key=key, description="Report of the search"))


def outcome_of(result: SearchResult) -> str:
    """One line on the end of a search: the message of its run's final state."""
    count = result.completed + result.failed
    parts = [f"{count} trial{'' if count == 1 else 's'}"]
    if result.best is not None:
        told = ", ".join(f"{k} {number(v)}" for k, v in result.best["objectives"].items())
        parts.append(f"best {told} (trial {result.best['trial_id']})")
    if result.failed:
        parts.append(f"{result.failed} failed")
    return ", ".join(parts)


def _report(project: Project, result: SearchResult) -> str:
    from tuner.results.answer import answer
    from tuner.results.findings import Findings

    findings = Findings.of(project)
    said = answer(findings)
    sections = {
        "How sure": said.sure,
        "What matters": said.matters,
        "What to try next": [f"- {line}" for line in said.next],
    }
    parts = [f"# {result.project}", _headline(result)]
    parts += [f"### {title}\n\n" + "\n".join(lines) for title, lines in sections.items() if lines]
    parts.append(f"As one file: `trialflow report {shlex.quote(result.project)}`")
    return "\n\n".join([*parts, *(attempt(lambda: _pictures(findings)) or [])])


def _headline(result: SearchResult) -> str:
    here = f" {result.trained} ended in this run, which took {clock(result.seconds)}."
    why = result.reason or "it has not ended"
    return f"**{outcome_of(result)}**; {why}.{here if result.trained else ''}"


def _pictures(findings: Any) -> list[str]:
    from tuner.results.figures import draw_all
    from tuner.results.figures.figure import svgs

    figures = draw_all(findings)
    drawn = zip(figures, svgs(figures), strict=True)
    return [image(figure.title, svg) for figure, svg in drawn if svg is not None]
