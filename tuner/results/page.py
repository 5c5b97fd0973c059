"""The report as one file: it needs no network and no server."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

from tuner.core.jsonable import to_json
from tuner.core.text import clean
from tuner.results.answer import answer
from tuner.results.figures import draw_all
from tuner.results.findings import Findings
from tuner.results.summary import failures, summarise
from tuner.results.trial_table import Query, TrialTable, trial_table

SHOWN_WITHOUT_SCRIPTS = 10


def page(findings: Findings) -> str:
    """The HTML of the report."""
    table = trial_table(findings)
    found = {
        "figures": [figure.to_json() for figure in draw_all(findings)],
        "columns": table.to_json(),
        "rows": table.rows,
    }
    return render(
        "report.html",
        summary=summarise(findings),
        answer=answer(findings),
        failures=failures(findings),
        columns=table.columns,
        best_rows=_best_rows(findings, table),
        found=data(found),
        css=asset("page.css"),
        vega=script("vega.js"),
        page_js=script("page.js"),
        report_js=script("report.js"),
    )


def render(name: str, **values: Any) -> str:
    """A page of a template; text is escaped, but for that of `asset`, `script` and `data`."""
    text: str = _templates().get_template(name).render(version=own_version(), **values)
    return text


@cache
def asset(name: str, package: str = "tuner.results") -> Any:
    """A file among the assets of a package, as markup that is not escaped."""
    from markupsafe import Markup

    text = files(package).joinpath("assets", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - our own


def script(name: str) -> Any:
    """A script of this package, for inside of a page."""
    from markupsafe import Markup

    text = str(asset(name))
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError(f"Expected a script that may stand in a page. Received: {name}.")
    return Markup(text)  # noqa: S704 - our own


def data(value: Any) -> Any:
    """JSON for inside of a script element, which no text in it can end."""
    from markupsafe import Markup

    text = json.dumps(to_json(value), separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - see above


def own_version() -> str:
    """The version of Trialflow, empty where it is not installed."""
    try:
        return version("trialflow")
    except PackageNotFoundError:
        return ""


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader

    loader = PackageLoader("tuner.results", "assets")
    return Environment(loader=loader, autoescape=True, trim_blocks=True, finalize=_finalize)


def _finalize(value: Any) -> Any:
    """Names and messages come from elsewhere; markup is ours."""
    return clean(value) if type(value) is str else value


def _best_rows(findings: Findings, table: TrialTable) -> list[list[str]]:
    name = findings.objectives[0].name
    best = Query(sort=name, descending=findings.objectives[0].direction == "max",
                 status="completed", size=SHOWN_WITHOUT_SCRIPTS)  # fmt: skip
    rows, _ = table.page(best)
    return [["" if cell is None else _short(cell) for cell in row] for row in rows]


def _short(cell: Any) -> str:
    return f"{cell:.5g}" if isinstance(cell, float) else str(cell)
