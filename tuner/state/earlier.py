"""A trial of an earlier search, from which a new one may learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EarlierTrial:
    """A completed trial of another search."""

    source: str
    """Path or URL of that search's project."""
    values: Mapping[str, Any]
    score: float
    metrics: Mapping[str, float]
