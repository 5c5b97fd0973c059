"""The report as one file: it needs no network, no server and, to be read, no script."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from string import Template

import vl_convert

from tuner.report import figures
from tuner.report.findings import Findings
from tuner.report.layout import PAGE, SCRIPT
from tuner.report.leaderboard import duration, leaderboard, table
from tuner.report.pictures import svgs
from tuner.search.progress import number


def page(findings: Findings) -> str:
    """The HTML of the report.

    Each figure stands there twice: as SVG, for paper and for readers that run no scripts, and as
    its description, from which the page draws one that answers to the pointer.
    """
    charts = figures.draw_all(findings)
    specs = [chart.to_dict() for chart in charts]
    figures_html = "\n".join(
        f'<figure id="figure-{place}">{svg}</figure>' for place, (_, svg) in enumerate(svgs(charts))
    )
    return Template(PAGE).substitute(
        title=html.escape(f"{findings.project.name}: {findings.metric}"),
        url=html.escape(str(findings.project.store)),
        summary=_summary(findings),
        leaderboard=leaderboard(findings),
        figures=figures_html,
        failures=_failures(findings),
        specs=json.dumps(specs).replace("<", "\\u003c"),
        script=vl_convert.javascript_bundle(SCRIPT).replace("</script", r"<\/script"),
    )


def _summary(findings: Findings) -> str:
    history = findings.history
    state = "not ended" if history.end_reason is None else f"ended: {history.end_reason}"
    facts = {
        "project": str(findings.project.store),
        "objective": f"{findings.metric} ({history.objective.direction})",
        "trials": f"{history.completed} completed, {history.failed} failed, "
        f"{len(history.running)} not finished",
        "search": state,
        "begun": "" if history.started is None else _moment(history.started),
        "trained": duration(sum(row["seconds"] or 0.0 for row in findings.trials())),
    }
    if history.best is not None:
        facts["best"] = f"{number(history.best.score)} (trial {history.best.trial_id})"
    items = (f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in facts.items() if v)
    return f"<dl>{''.join(items)}</dl>"


def _failures(findings: Findings) -> str:
    failed = [row for row in findings.trials() if row["status"] == "failed"]
    if not failed:
        return ""
    rows = table(["trial", "why"], [[row["trial"], row["why"]] for row in failed[:50]])
    return f"<h2>Failed trials</h2>{rows}"


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
