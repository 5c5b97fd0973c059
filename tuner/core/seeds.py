"""Randomness as a function of position: nothing random is ever stored."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def question_rng(seed: int, number: int) -> np.random.Generator:
    """The generator with which an oracle answers when there are this many trials already."""
    import numpy as np

    return np.random.default_rng([seed, number])


def trial_seed(seed: int, number: int) -> int:
    """The seed of the first execution of the trial with this number; execution `k` adds `k`."""
    import numpy as np

    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0] >> 1)


def execution_seed(seed: int, execution: int, retry: int = 0) -> int:
    """The seed of one execution of a trial.

    Args:
        seed: The trial's.
        execution: Number of the execution, from 0.
        retry: How often the trial was tried again because it was invalid. Each try has seeds of
            its own, or it would end as the one before.
    """
    if retry == 0:
        return seed + execution
    import numpy as np

    return int(np.random.SeedSequence([seed, execution, retry]).generate_state(1)[0] >> 1)


def seed_execution(seed: int, execution: int, retry: int = 0) -> None:
    """Seeds the initial weights and the dropout of an execution.

    Keras draws the seeds of its initializers and generators from `random`. The backend's own
    seed stays: with it `fit` would shuffle the data the same way in every epoch.
    """
    import numpy as np

    own = execution_seed(seed, execution, retry)
    random.seed(own)
    np.random.seed(own % 2**32)  # noqa: NPY002 - users draw from the global one
