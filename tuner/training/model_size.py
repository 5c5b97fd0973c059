"""How large a model may be."""

from __future__ import annotations

import math
from typing import Any

from tuner.errors import OversizedModelError


def model_size(model: Any) -> int:
    """Number of trainable parameters; 0 of a model that is not built yet."""
    return sum(math.prod(variable.shape) for variable in model.trainable_weights)


def check_size(model: Any, limit: int | None) -> None:
    """Refuses a model with more trainable parameters than the limit; one not built yet has none.

    Raises:
        OversizedModelError: It has more.
    """
    size = model_size(model)
    if limit is not None and size > limit:
        raise OversizedModelError(
            f"Oversized model: {size} parameters. Skip model. (max_model_size={limit})"
        )
