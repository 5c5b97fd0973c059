"""ASHA keeps the laws of oracles and those of its paper."""

import random

import numpy as np
import pytest

from tuner import AsyncHyperband, BaseTuner, Objective, TrialStatus
from tuner.core.hyperparameters import HyperParameters
from tuner.oracles import AsyncHyperbandOracle, HyperbandOracle
from tuner.oracles.async_hyperband import epochs_of_rungs
from tuner.testing import OracleTests, Search, mixed_space, score_of, small_space

OBJECTIVE = Objective("score", "min")


class TestAsyncHyperband(OracleTests):
    def make(self, space, seed=0):
        return asha(space=space, seed=seed, max_epochs=27)


@pytest.mark.story
class TestModelledAsyncHyperband(OracleTests):
    def make(self, space, seed=0):
        return asha(space=space, seed=seed, max_epochs=27, sampler="bayesian")


@pytest.mark.story
class TestModelledHyperband(OracleTests):
    def make(self, space, seed=0):
        return HyperbandOracle(
            OBJECTIVE, 9, 3, 1, seed, space, max_consecutive_failed_trials=1000, sampler="bayesian"
        )


def asha(space=None, max_epochs=9, factor=3, max_trials=1000, sampler="random", **options):
    return AsyncHyperbandOracle(
        options.pop("objective", OBJECTIVE),
        max_epochs,
        factor,
        max_trials=max_trials,
        sampler=sampler,
        hyperparameters=mixed_space() if space is None else space,
        max_consecutive_failed_trials=1000,
        **{"seed": 0, **options},
    )


def promotions(created):
    return [t for t in created if t.budget.parent is not None]


def test_rungs_are_those_of_the_paper():
    assert epochs_of_rungs(1, 27, 3) == [1, 3, 9, 27]
    assert epochs_of_rungs(4, 64, 4) == [4, 16, 64]
    assert epochs_of_rungs(1, 100, 3) == [2, 4, 12, 34, 100]
    assert epochs_of_rungs(5, 5, 3) == [5]
    assert epochs_of_rungs(1, 1, 2) == [1]


@pytest.mark.parametrize("slots", [1, 8])
def test_no_slot_ever_waits(slots):
    oracle = asha()
    search = Search(oracle, slots, order=slots)
    ask = oracle.create_trial

    def create(tuner_id):
        trial = ask(tuner_id)
        assert trial.status != TrialStatus.IDLE
        return trial

    oracle.create_trial = create
    assert len(search.run(100)) == 100


@pytest.mark.parametrize("direction", ["min", "max"])
def test_one_in_three_is_promoted_the_moment_it_is_due_and_it_is_the_best(direction):
    """With one slot each promotion can be told in advance, trial by trial."""
    oracle = asha(objective=Objective("score", direction))
    better = 1 if direction == "min" else -1
    ended = {0: [], 1: [], 2: []}
    promoted = {0: set(), 1: set()}
    for trial in Search(oracle, order=None).run(120):
        due = None
        for rung in (1, 0):
            ranked = sorted(ended[rung], key=lambda t: better * score_of(t))
            first = [t for t in ranked[: len(ranked) // 3] if t.trial_id not in promoted[rung]]
            if first:
                due = first[0]
                promoted[rung].add(due.trial_id)
                break
        assert trial.budget.parent == (due and due.trial_id)
        if due is not None:
            assert trial.values == due.values
            assert trial.budget.initial_epoch == due.budget.epochs
            assert trial.budget.rung == due.budget.rung + 1
        assert trial.budget.epochs == (1, 3, 9)[trial.budget.rung]
        ended[trial.budget.rung].append(trial)
    assert min(len(trials) for trials in ended.values()) > 5


@pytest.mark.parametrize(("kind", "complete"), [("asha", 1), ("hyperband", 2)])
def test_no_model_proposes_before_trials_have_gone_all_the_way(kind, complete):
    """Until then the proposals are those of a Sobol sequence, and after that they are not."""

    def create(sampler):
        if kind == "asha":
            return asha(sampler=sampler, min_epochs=1)
        return HyperbandOracle(OBJECTIVE, 9, 3, 2, 0, mixed_space(), sampler=sampler)

    modelled, even = (Search(create(s)).run(30) for s in ("bayesian", "sobol"))
    begun = [(a.values == b.values, a) for a, b in zip(modelled, even, strict=True)]
    full = [n for n, trial in enumerate(modelled) if trial.budget.epochs == 9]
    known = full[complete - 1]
    assert all(same for same, _ in begun[1:known])  # the first are the defaults
    fresh = [same for same, trial in begun[known:] if trial.budget.parent is None]
    assert not fresh[0]


def test_failed_trials_count_as_the_worst_and_are_never_promoted():
    fates = random.Random(0)
    created = Search(asha(), 3, lambda t: None if fates.random() < 0.5 else score_of(t)).run(120)
    lowest = [t for t in created if t.budget.rung == 0]
    failed = {t.trial_id for t in lowest if t.status == TrialStatus.FAILED}
    up = [t for t in created if t.budget.rung == 1]
    assert failed
    assert not failed & {t.budget.parent for t in up}
    # A third of all that ended, those that failed among them; more, as the ranking changes.
    ended_well = len(lowest) - len(failed)
    assert ended_well // 3 + 5 < len(lowest) // 3 - 3 <= len(up)


def test_running_trials_are_not_counted_among_the_ended():
    """Six that run beside two that ended: nobody is due yet."""
    oracle = asha()
    trials = [oracle.create_trial(f"slot-{k}") for k in range(8)]
    search = Search(oracle)
    for trial in trials[:2]:
        search.end(trial)
    assert oracle.create_trial("next").budget.parent is None
    search.end(trials[2])
    assert oracle.create_trial("one more").budget.parent is not None


def test_of_two_promotions_that_are_due_the_higher_comes_first():
    oracle = asha()
    search = Search(oracle, outcome=lambda trial: -float(trial.trial_id))

    def begin(count):
        return [oracle.create_trial(f"slot-{len(oracle.trials)}") for _ in range(count)]

    lowest = begin(9)
    for trial in lowest:
        search.end(trial)
    middle, more = begin(3), begin(3)
    assert [t.budget.rung for t in middle + more] == [1, 1, 1, 0, 0, 0]
    for trial in middle + more:
        search.end(trial)
    assert [t.budget.rung for t in begin(2)] == [2, 1]


def test_a_small_space_still_reaches_the_last_rung():
    created = Search(asha(space=small_space()), slots=2).run()
    assert sum(t.budget.rung == 0 for t in created) == 5
    assert [t.budget.epochs for t in created][-1] == 9


def test_what_violates_a_constraint_is_not_promoted():
    """One in six keeps it: fewer than are due."""
    oracle = asha(constraints=[("size", "<=", 1.0)])
    search = Search(oracle)
    for _ in range(60):
        trial = oracle.create_trial("slot")
        small = trial.values["layers"] == 1 and trial.values["kind"] == "a"
        oracle.update_trial(trial.trial_id, {"score": 1.0, "size": 1.0 if small else 1.5})
        search.end(trial)
    promoted = promotions(oracle.trials.values())
    assert promoted
    assert {(t.values["layers"], t.values["kind"]) for t in promoted} == {(1, "a")}


def test_it_has_as_many_trials_as_hyperband_unless_somebody_says():
    oracle = AsyncHyperbandOracle(OBJECTIVE, max_epochs=27)
    assert oracle.max_trials == HyperbandOracle(OBJECTIVE, max_epochs=27).planned_trials


def test_a_model_starts_from_the_third_rung():
    assert asha(max_epochs=27).min_epochs == 1
    assert asha(max_epochs=27, sampler="bayesian").min_epochs == 3
    assert asha(max_epochs=27, sampler="bayesian", min_epochs=1).min_epochs == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"factor": 1}, "factor=1"),
        ({"max_epochs": 0}, "max_epochs=0"),
        ({"min_epochs": 10}, "min_epochs=10"),
        ({"sampler": "tpe"}, "sampler='tpe'"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        asha(**wrong)


def test_a_tuner_trains_each_promotion_from_where_its_parent_ended(tmp_path):
    seen = {}

    class Counting(AsyncHyperband):
        def run_trial(self, trial, **kwargs):
            budget = trial.budget
            before = seen[budget.parent] if budget.parent else 0
            assert budget.initial_epoch == before
            seen[trial.trial_id] = budget.epochs
            return trial.hyperparameters.Float("x", 0.0, 1.0) + 1 / budget.epochs

    tuner = Counting(max_epochs=9, max_trials=20, seed=0, directory=tmp_path)
    tuner.search(verbose=0)
    assert len(seen) == 20
    assert 9 in seen.values()


def curve(values, epochs):
    """The larger the rate, the sooner it is low; the smaller, the lower in the end."""
    rate = np.log10(values["rate"])
    return 0.1 * (rate + 3) ** 2 + 0.5 * epochs ** -(0.3 + 0.2 * (rate + 5))


@pytest.mark.story
def test_a_model_of_all_budgets_finds_better_configurations_with_the_same_epochs():
    """Simple regret of a random search is 0.05 here, and ASHA's 0.01."""

    def best(sampler, seed):
        space = HyperParameters()
        space.Float("rate", 1e-5, 1.0, sampling="log")
        space.Float("unused", 0.0, 1.0)
        oracle = asha(space, 27, sampler=sampler, seed=seed, max_total_epochs=200)

        def outcome(trial):
            return curve(trial.values, trial.budget.epochs)

        created = Search(oracle, outcome=outcome).run()
        return min(curve(trial.values, 27) for trial in created if trial.budget.rung >= 2)

    least = min(curve({"rate": 10**r}, 27) for r in np.linspace(-5, 0, 1001))
    regrets = [best("bayesian", seed) - least for seed in range(3)]
    assert np.median(regrets) < 2e-3


def test_the_class_is_a_tuner():
    assert issubclass(AsyncHyperband, BaseTuner)
