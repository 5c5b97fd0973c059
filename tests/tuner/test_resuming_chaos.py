"""Any model, any arguments of `fit`, killed anywhere: it ends as if nothing had happened.

`make chaos-resume` runs more of it, from a seed that nobody knows.
"""

import os

import numpy as np
import pytest
from resuming import assert_same

pytestmark = [pytest.mark.story, pytest.mark.timeout(3600)]

CASES = int(os.environ.get("CHAOS_CASES", "2"))
SEED = int(os.environ.get("CHAOS_SEED", "0"))


def random_values(rng):
    """A training, and at most three kills in it."""

    def maybe(chance=0.5):
        return bool(rng.random() < chance)

    epochs = int(rng.integers(3, 8))
    batch = int(rng.integers(5, 20))
    fit = {"epochs": epochs, "batch_size": batch, "shuffle": maybe(0.8)}
    fit["validation_split"] = float(rng.choice([0.15, 0.3]))
    if maybe(0.2):
        fit["validation_freq"] = 2
    weighting = rng.choice(["none", "class", "sample"])
    if weighting == "class":
        fit["class_weight"] = {"0": 1.0, "1": 2.5}
    names = ["stop", "plateau", "csv", "counts", "schedule"]
    values = {
        "fit": fit,
        "weights": bool(weighting == "sample"),
        "callbacks": [name for name in names if maybe(0.4)],
        "optimizer": str(rng.choice(["Adam", "SGD", "RMSprop", "AdamW", "Nadam", "Lion"])),
        "executions": int(rng.integers(1, 3)),
        "steps_per_execution": int(rng.choice([1, 1, 2, 3])),
        "every": [1, 2, 3, "auto"][rng.integers(4)],
        "units": int(rng.integers(3, 20)),
        **{name: maybe(0.3) for name in ("noise", "ema", "decay", "lazy", "reports")},
        "norm": maybe(),
    }
    # These set the rate themselves, which a schedule forbids.
    if not {"plateau", "counts", "schedule"} & set(values["callbacks"]):
        values["schedule"] = maybe()
    return values


def random_kill(rng, values):
    execution = int(rng.integers(values["executions"]))
    if rng.random() < 0.3:
        when = str(rng.choice(["epoch-", "best-", "manifest"]))
        return {"save": int(rng.integers(1, 4)), "when": when}
    epoch = int(rng.integers(values["fit"]["epochs"]))
    return {"epoch": epoch, "batch": int(rng.integers(3)), "execution": execution}


@pytest.mark.parametrize("case", range(CASES))
def test_whatever_is_trained_and_wherever_it_is_killed(local, case):
    rng = np.random.default_rng([SEED, case])
    values = random_values(rng)
    kills = [random_kill(rng, values) for _ in range(rng.integers(1, 4))]
    print(f"CHAOS_SEED={SEED}, case {case}: {values}, kills={kills}")
    straight = local.run(**values)
    killed = local.run(lives=len(kills) + 1, at_most=True, kills=kills, **values)
    assert_same(local, straight, killed)
    assert not [line for line in local.lines if "starts over" in line]
