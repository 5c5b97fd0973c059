"""Whatever a space changes to, however often, the laws of oracles hold; a journal says it all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner import Objective
from tuner.core.hyperparameters import Boolean, Choice, Fixed, Float, HyperParameters, Int
from tuner.core.hyperparameters.comparing import point_of
from tuner.core.hyperparameters.conditions import Parent
from tuner.core.hyperparameters.sampling import count_values, values_key
from tuner.journal.folding import replay
from tuner.journal.history import History
from tuner.oracles import (
    AsyncHyperbandOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)
from tuner.testing import Search

OBJECTIVE = Objective("score", "min")
MORE = 4
"""Trials between two changes."""


def numbers(name, conditions):
    low, high = st.integers(1, 3), st.integers(4, 7)
    ints = st.builds(
        lambda a, b, step: Int(name, a, b, step=step, conditions=conditions),
        *(low, high, st.sampled_from([None, 2])),
    )
    floats = st.builds(lambda a, b: Float(name, a, b, conditions=conditions), low, high)
    return ints | floats


def parameters(name, conditions=()):
    choices = st.lists(st.sampled_from([1, 2, 3, 4]), min_size=1, unique=True)
    others = st.sampled_from(
        [Boolean(name, conditions=conditions), Fixed(name, 2, conditions=conditions)]
    )
    return st.one_of(
        numbers(name, conditions),
        choices.map(lambda values: Choice(name, values, conditions=conditions)),
        others,
    )


@st.composite
def spaces(draw):
    """Few names, so that two of them have most in common."""
    hp = HyperParameters()
    kinds = draw(st.lists(st.sampled_from(["u", "v", "w"]), min_size=1, unique=True))
    declared = [Choice("kind", kinds)]
    for name in draw(st.lists(st.sampled_from(["a", "b", "c"]), unique=True)):
        under = draw(st.none() | st.sampled_from(kinds))
        conditions = () if under is None else [Parent("kind", [under])]
        declared.append(draw(parameters(name, conditions)))
    for parameter in declared:
        hp._retrieve(parameter)
    return hp


def random_search(space):
    return RandomSearchOracle(OBJECTIVE, 1000, 0, space, max_consecutive_failed_trials=1000)


def grid_search(space):
    return GridSearchOracle(OBJECTIVE, None, 0, space, max_consecutive_failed_trials=1000)


def hyperband(space):
    return HyperbandOracle(OBJECTIVE, 9, 3, 2, 0, space, max_consecutive_failed_trials=1000)


def asha(space):
    options = {"max_trials": 1000, "seed": 0, "max_consecutive_failed_trials": 1000}
    return AsyncHyperbandOracle(OBJECTIVE, 9, 3, hyperparameters=space, **options)


def fresh(trials):
    return [t for t in trials if t.budget is None or t.budget.parent is None]


def points_of(history, trials):
    """Keys of the points of the space as it is now that trials have had."""
    return [values_key(history.counting.values_of(t)) for t in trials if history.counts(t)]


def listening(oracle):
    """All events of a search."""
    recorded, record = [], oracle.session.ledger.record

    def listen(*events):
        recorded.extend(events)
        record(*events)

    oracle.session.ledger.record = listen
    return recorded


@pytest.mark.parametrize("make", [random_search, grid_search, hyperband, asha])
@given(chain=st.lists(spaces(), min_size=2, max_size=4), slots=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_a_search_keeps_the_laws_through_a_chain_of_spaces(make, chain, slots):
    oracle = make(chain[0])
    recorded = listening(oracle)
    search = Search(oracle, slots)
    for number, space in enumerate(chain):
        before = len(search.created)
        if number:
            search.change(space)
        history = oracle.search_history
        search.run(before + MORE)
        for trial in search.created[before:]:
            assert history.counts(trial)
            assert point_of(space, trial.hyperparameters) == trial.values
        points = points_of(history, fresh(search.created))
        begun = points[len(points) - len(fresh(search.created[before:])) :]
        assert len(begun) == len(set(begun))
        assert not set(begun) & set(points[: len(points) - len(begun)])
        # A promoted trial is another point than its parent where a default has changed since.
        assert history.tried == set(points_of(history, search.created))
        assert_folded(history, recorded)
    assert_exhausts(search, chain[-1])


def assert_folded(history, recorded):
    """The events say all that the search knows."""
    folded = History(history.objective, history.seed)
    replay(folded, recorded)
    assert folded.space.space == history.space.space
    assert folded.tried == history.tried
    assert folded.counting.aside == history.counting.aside
    assert (folded.best and folded.best.trial_id) == (history.best and history.best.trial_id)
    assert folded.end_order == history.end_order


def assert_exhausts(search, space):
    """All points of a finite space have had a trial in the end, those of before included."""
    points = count_values(space, 60)
    if points is None:
        return
    created = search.run()
    history = search.oracle.search_history
    if isinstance(search.oracle, HyperbandOracle):
        return  # its brackets take no more than they take
    assert len(set(points_of(history, created))) == points
