"""Small pictures for pages that show images and nothing else: lines, drawn as SVG."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.search.progress import number

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 560, 168, 64, 28, 28
"""Pixels: of the picture, and of the margins for labels, in which nothing is drawn."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MOST = 300
"""Points of a line that are drawn."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or the points alone."""

    points: Points
    colour: str
    dots: bool = False


def svg(lines: Sequence[Line], x: str, y: str) -> str:
    """A picture of lines over one pair of axes, whose ends are labelled.

    Args:
        lines: With at least one point together.
        x: What lies along.
        y: What lies upright.
    """
    points = [point for line in lines for point in line.points]
    low_x, high_x = min(p[0] for p in points), max(p[0] for p in points)
    low, high = min(p[1] for p in points), max(p[1] for p in points)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        across = (point[0] - low_x) / (high_x - low_x or 1)
        up = (point[1] - low) / (high - low or 1)
        right = LEFT + across * (WIDTH - LEFT - 8)
        return round(right, 1), round(HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP), 1)

    drawn = "".join(_line(line, [place(p) for p in _thinned(line.points)]) for line in lines)
    labels = [
        _text(LEFT - 6, TOP + 4, number(high), "end"),
        _text(LEFT - 6, HEIGHT - BOTTOM + 4, number(low), "end"),
        _text(LEFT, HEIGHT - 5, number(low_x), "start"),
        _text(WIDTH - 8, HEIGHT - 5, number(high_x), "end"),
        _text((WIDTH + LEFT) / 2, HEIGHT - 5, x, "middle"),
        _text(LEFT, 14, y, "start"),
    ]
    frame = (
        f'<path d="M{LEFT} {TOP - 6}V{HEIGHT - BOTTOM + 6}H{WIDTH - 8}" fill="none" stroke="#bbb"/>'
    )
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    open_tag = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">'
    return f"{open_tag}{ground}{frame}{drawn}{''.join(labels)}</svg>"


def image(title: str, picture: str) -> str:
    """A picture as Markdown that carries its own data; inline SVG is not shown by Prefect."""
    data = base64.b64encode(picture.encode()).decode()
    return f"![{title}](data:image/svg+xml;base64,{data})"


def _line(line: Line, places: Sequence[tuple[float, float]]) -> str:
    if line.dots or len(places) == 1:
        dots = (f'<circle cx="{x}" cy="{y}" r="2.2"/>' for x, y in places)
        return f'<g fill="{line.colour}" opacity="0.6">{"".join(dots)}</g>'
    path = " ".join(f"{x},{y}" for x, y in places)
    return f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="1.8"/>'


def _thinned(points: Points) -> Points:
    if len(points) <= MOST:
        return points
    step = (len(points) - 1) / (MOST - 1)
    return [points[round(k * step)] for k in range(MOST)]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    where = f'x="{x}" y="{y}" text-anchor="{anchor}"'
    return f'<text {where} font-size="11" fill="#444">{html.escape(text)}</text>'
