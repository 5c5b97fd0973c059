"""The declaration of a study: space, training and data version, compared with its project's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.core.hyperparameters import HyperParameters


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a study declares at the start of a search."""

    space: HyperParameters
    """What it declares without a trial: `hyperparameters`, the model's build, the arguments of
    `search`. Empty where trials alone can tell."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """How long each trial trains, plain values by the name of the argument: `epochs`, ..."""
    data_version: str | None = None
    """Which data it trains on; None if not given."""

    def to_json(self) -> dict[str, Any]:
        """What goes to another process."""
        return {
            "space": self.space.get_config(),
            "training": dict(self.training),
            "data_version": self.data_version,
        }
