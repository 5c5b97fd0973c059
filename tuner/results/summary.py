"""Tables and summaries as text."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.hyperparameters import HyperParameters
from tuner.objective import Objective
from tuner.trial import Trial


def search_space(space: HyperParameters, extended: bool = False) -> str:
    """What `search_space_summary` prints."""
    if extended:
        space = space.copy()
        space.ensure_active_values()
    lines = ["Search space summary", f"Default search space size: {len(space.space)}"]
    for parameter in space.space:
        config = parameter.get_config()
        name = config.pop("name")
        lines += [f"{name} ({type(parameter).__name__})", str(config)]
    return "\n".join(lines)


def results(url: str, objective: Objective, best: Sequence[Trial], num_trials: int) -> str:
    """What `results_summary` prints."""
    head = ["Results summary", f"Results in {url}", f"Showing {num_trials} best trials"]
    return "\n".join([*head, str(objective), *("\n" + trial.describe() for trial in best)])
