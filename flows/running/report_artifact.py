"""The report of a search as an artifact of its flow run."""

from __future__ import annotations

import base64
from typing import Any

from prefect.artifacts import create_markdown_artifact

from flows.result import SearchResult
from flows.running.artifacts import artifact_key, attempt
from tuner.search.progress import clock, number
from tuner.state.project import Project


def publish_report(project: Project, result: SearchResult) -> None:
    """Publishes the figures of a search."""
    pictures = attempt(lambda: _pictures(project))
    text = "\n\n".join([_summary(result), *(pictures or [])])
    attempt(
        lambda: create_markdown_artifact(
            text, key=artifact_key("report", result.project), description="Report of the search"
        )
    )


def _summary(result: SearchResult) -> str:
    reason = result.reason or "it has not ended"
    counts = f"{result.completed} trials completed, {result.failed} failed; {reason}."
    here = f" {result.trained} ended in this run, which took {clock(result.seconds)}."
    lines = [f"# {result.project}", f"{counts}{here if result.trained else ''}"]
    if result.best is not None:
        values = ", ".join(f"`{k}={_short(v)}`" for k, v in result.best["hyperparameters"].items())
        score = number(result.best["score"])
        lines.append(
            f"**Best: {result.objective} {score}**, trial {result.best['trial_id']}: {values}"
        )
    lines.append(f"As one file: `trialflow report {result.project}`")
    return "\n\n".join(lines)


def _pictures(project: Project) -> list[str]:
    """Each figure as an image that carries its own data; inline SVG is not shown by Prefect."""
    from tuner.report import drawing
    from tuner.report.findings import Findings

    charts = drawing("figures").draw_all(Findings.of(project))
    return [_image(title, svg) for title, svg in drawing("pictures").svgs(charts)]


def _image(title: str, svg: str) -> str:
    data = base64.b64encode(svg.encode()).decode()
    return f"![{title}](data:image/svg+xml;base64,{data})"


def _short(value: Any) -> str:
    return number(value) if isinstance(value, float) else str(value)
