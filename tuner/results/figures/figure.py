"""A figure, and the words of Vega-Lite (https://vega.github.io/vega-lite) that all of them share.

Hues are those of Okabe and Ito, which most colour-blind people tell apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.results.findings import Findings, Row
from tuner.results.notebook import mime_bundle, svg_of, svgs_of

Spec = dict[str, Any]
"""A Vega-Lite description, JSON."""

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""A name only: nothing is fetched."""

BLUE, ORANGE, GREY, GREEN, PINK = "#0072B2", "#D55E00", "#8c8c8c", "#009E73", "#CC79A7"
HUES = [BLUE, ORANGE, GREEN, PINK, "#E69F00", "#56B4E9"]
STATUS = {"domain": ["completed", "failed"], "range": [BLUE, ORANGE]}
HEIGHT, PANEL_HEIGHT = 240, 170
"""Pixels."""

MOST_POINTS = 1000
"""Trials that a cloud of points shows; more are sampled."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of a figure."""

    spec: Spec
    title: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A question about a search, answered by one or several pictures.

    In a notebook it shows itself, without a network; `altair.Chart.from_dict(figure.spec)` makes
    an Altair chart of it.
    """

    name: str
    title: str
    about: str
    """A sentence or two on how it is read, and on what was left out."""
    panels: tuple[Panel, ...]
    wide: bool = False
    """Whether it needs the width of the page."""

    @property
    def spec(self) -> Spec:
        """The whole figure as one Vega-Lite description."""
        pictures = [_standing_alone(panel) for panel in self.panels]
        whole: Spec = pictures[0] if len(pictures) == 1 else {"concat": pictures, "columns": 2}
        return {"$schema": SCHEMA, "title": {"text": self.title, "anchor": "start"}, **whole}

    def to_json(self) -> dict[str, Any]:
        """What a page draws it from."""
        return {
            "name": self.name,
            "title": self.title,
            "about": self.about,
            "wide": self.wide,
            "panels": [{"title": panel.title, "spec": panel.spec} for panel in self.panels],
        }

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return mime_bundle(f"{self.title}. {self.about}", self.spec)

    def svg(self) -> str:
        """The figure as a picture that stands alone.

        Raises:
            ImportError: The library that draws outside of a browser is not installed.
        """
        return svg_of(self.spec)


def svgs(figures: Sequence[Figure]) -> list[str | None]:
    """The figures as pictures, None for each that could not be drawn.

    Raises:
        ImportError: The library that draws outside of a browser is not installed.
    """
    return svgs_of([figure.spec for figure in figures])


Draw = Callable[[Findings], Figure | None]
"""Draws a figure; None while there is nothing to show in it."""


def _standing_alone(panel: Panel) -> Spec:
    """The picture at a size of its own, its title above it."""
    title = {"title": panel.title} if panel.title else {}
    return {**panel.spec, "width": 560 if not panel.title else 260, **title}


def picture(
    rows: Sequence[Row],
    mark: str | Mapping[str, Any],
    encoding: Mapping[str, Any],
    height: int | Mapping[str, Any] = HEIGHT,
) -> Spec:
    """A picture of one layer, as wide as where it stands."""
    return {
        "width": "container",
        "height": height,
        "data": {"values": list(rows)},
        "mark": mark,
        "encoding": dict(encoding),
    }


def layered(
    rows: Sequence[Row],
    *layers: Mapping[str, Any],
    encoding: Mapping[str, Any] | None = None,
    height: int | Mapping[str, Any] = HEIGHT,
) -> Spec:
    """A picture of several layers over one set of rows; a layer may bring rows of its own."""
    return {
        "width": "container",
        "height": height,
        "data": {"values": list(rows)},
        "encoding": dict(encoding or {}),
        "layer": [dict(layer) for layer in layers],
    }


def number(name: str, title: str | None = None, *, zero: bool = False, **more: Any) -> Spec:
    """A channel of a quantity."""
    given = more.pop("scale", {})
    scale = given if given.get("type") == "log" else {"zero": zero, **given}
    return {"field": name, "type": "quantitative", "title": title, "scale": scale, **more}


def name_of(name: str, title: str | None = None, **more: Any) -> Spec:
    """A channel of a name."""
    return {"field": name, "type": "nominal", "title": title, **more}


def tips(*fields: str | tuple[str, str]) -> list[Spec]:
    """Channel of the tooltip: names of fields, each alone or with its title."""
    pairs = [(each, each) if isinstance(each, str) else each for each in fields]
    return [{"field": name, "type": "nominal", "title": title} for name, title in pairs]


def shown(value: object) -> str:
    """A value as people read it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def configuration(values: Mapping[str, Any]) -> str:
    """Values in one line."""
    return ", ".join(f"{name}={shown(value)}" for name, value in values.items())


def directed(name: str, direction: str) -> str:
    """A metric, and which way is better."""
    return f"{name} ({'higher' if direction == 'max' else 'lower'} is better)"


def sampled(rows: Sequence[Row], keep: Callable[[Row], bool], most: int = MOST_POINTS) -> list[Row]:
    """At most about so many rows in their order: those to keep, and of the others an even share."""
    if len(rows) <= most:
        return list(rows)
    kept = [place for place, row in enumerate(rows) if keep(row)][-most:]
    others = np.setdiff1d(np.arange(len(rows)), kept)
    count = max(0, most - len(kept))
    some = others[np.linspace(0, len(others) - 1, count).astype(int)] if count else []
    return [rows[place] for place in sorted({*kept, *map(int, some)})]


def left_out(drawn: int, of: int, what: str = "trials") -> str:
    """Says that a figure does not show everything; empty where it does."""
    return "" if drawn >= of else f" {drawn:,} of {of:,} {what} are drawn."
