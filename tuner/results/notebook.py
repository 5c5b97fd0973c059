"""A figure as a picture, drawn without a browser and without a network."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.core.text import clean

TIMEOUT = 120.0
"""Seconds for the pictures that are drawn together."""

# In a process of its own: the library that draws aborts at some characters.
DRAW = """
import json, sys, vl_convert
for spec in json.load(sys.stdin):
    print(json.dumps(vl_convert.vegalite_to_svg(spec)), flush=True)
"""


def svg_of(spec: Mapping[str, Any]) -> str:
    """The SVG of a Vega-Lite description.

    Raises:
        ImportError: The library that draws outside of a browser is not installed.
        RuntimeError: It could not draw this.
    """
    (drawn,) = svgs_of([spec])
    if drawn is None:
        title = spec.get("title")
        raise RuntimeError(f"Expected a figure that can be drawn. Received: title={title!r}.")
    return drawn


def svgs_of(specs: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """The same of several, None for each that could not be drawn.

    Raises:
        ImportError: The library that draws outside of a browser is not installed.
    """
    if sys.modules.get("vl_convert", ...) is None or not importlib.util.find_spec("vl_convert"):
        msg = "Expected the library that draws pictures. Install it: pip install"
        raise ImportError(f"{msg} 'trialflow[report]'. Received: no module named 'vl_convert'.")
    drawn: list[str | None] = []
    while len(drawn) < len(specs):
        drawn += _draw([_cleaned(spec) for spec in specs[len(drawn) :]])
        drawn += [None] if len(drawn) < len(specs) else []  # the process has ended at this one
    return drawn


def _draw(specs: Sequence[Any]) -> list[str]:
    """Those that the process drew before it ended, however it did."""
    try:
        ended = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-P", "-c", DRAW],
            input=json.dumps(specs).encode(),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        output = ended.stdout
    except subprocess.TimeoutExpired as late:
        output = late.stdout or b""
    lines = output.splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def mime_bundle(words: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Output of a notebook: the picture, or words where nothing can draw it."""
    try:
        return {"image/svg+xml": svg_of(spec), "text/plain": words}
    except (ImportError, RuntimeError) as error:
        return {"text/plain": f"{words}\n{error}"}


def _cleaned(value: Any) -> Any:
    """The same, without characters that no SVG takes."""
    match value:
        case str():
            return clean(value)
        case Mapping():
            return {clean(str(key)): _cleaned(item) for key, item in value.items()}
        case list() | tuple():
            return [_cleaned(item) for item in value]
        case _:
            return value
