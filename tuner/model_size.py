"""How large a model may be."""

from __future__ import annotations

import math
from typing import Any

from tuner.errors import OversizedModelError


def check_size(model: Any, limit: int | None) -> None:
    """Refuses a model with more trainable parameters than the limit; one not built yet has none.

    Raises:
        OversizedModelError: It has more.
    """
    size = sum(math.prod(variable.shape) for variable in model.trainable_weights)
    if limit is not None and size > limit:
        raise OversizedModelError(
            f"Oversized model: {size} parameters. Skip model. (max_model_size={limit})"
        )
