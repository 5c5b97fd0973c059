"""Charts as files, drawn without a browser."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import vl_convert


def svgs(charts: Iterable[Any]) -> list[tuple[str, str]]:
    """The title and the SVG of each chart."""
    specs = [chart.to_dict() for chart in charts]
    return [(spec["title"]["text"], vl_convert.vegalite_to_svg(spec)) for spec in specs]
