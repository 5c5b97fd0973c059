"""Spaces as unit cubes: what comes back is legal, and only what matters tells points apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.sampling import random_values
from tuner.oracles.bayesian.encoding import Encoder

NUMBERS = {
    "plain": lambda hp, name: hp.Float(name, -2.0, 3.0),
    "log": lambda hp, name: hp.Float(name, 1e-4, 1.0, sampling="log"),
    "reverse": lambda hp, name: hp.Float(name, 1.0, 9.0, sampling="reverse_log"),
    "stepped": lambda hp, name: hp.Float(name, 0.0, 1.0, step=0.3),
    "off the grid": lambda hp, name: hp.Float(name, 0.0, 1.0, step=0.25, default=0.6),
    "whole": lambda hp, name: hp.Int(name, -3, 4),
    "many": lambda hp, name: hp.Int(name, 1, 100_000),
    "whole log": lambda hp, name: hp.Int(name, 1, 64, sampling="log"),
    "doubled": lambda hp, name: hp.Int(name, 8, 64, step=2, sampling="log"),
    "outside": lambda hp, name: hp.Int(name, 3, 5, default=9),
}
CATEGORIES = {
    "choice": lambda hp, name: hp.Choice(name, ["a", "b", "c"]),
    "unordered": lambda hp, name: hp.Choice(name, [3, 1, 2], ordered=False),
    "ordered": lambda hp, name: hp.Choice(name, [3, 1, 2]),
    "boolean": lambda hp, name: hp.Boolean(name),
    "booleans": lambda hp, name: hp.Choice(name, [True, False]),
    "single": lambda hp, name: hp.Choice(name, ["only"]),
    "fixed": lambda hp, name: hp.Fixed(name, 7),
}
KINDS = NUMBERS | CATEGORIES


@st.composite
def spaces(draw):
    """A few parameters of any kind; some under conditions, some sharing a name."""
    hp = HyperParameters()
    for k, kind in enumerate(
        draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6))
    ):
        parents = [p for p in hp.space if len(list(p.values)) < 10]
        if not parents or draw(st.booleans()):
            KINDS[kind](hp, f"p{k}")
            continue
        parent = draw(st.sampled_from(parents))
        opening = draw(st.lists(st.sampled_from(list(parent.values)), min_size=1, max_size=2))
        shared = "shared" if parent.name != "shared" and draw(st.booleans()) else f"p{k}"
        with hp.conditional_scope(parent.name, opening):
            if not any(c.name == "shared" for p in parents for c in p.conditions):
                KINDS[kind](hp, shared)
            else:
                KINDS[kind](hp, f"p{k}")
    return hp


def is_legal(space, values):
    hp = space.with_values(values)
    hp.ensure_active_values()
    return hp.values == values and list(map(type, hp.values.values())) == list(
        map(type, (values[name] for name in hp.values))
    )


@pytest.mark.story
@settings(max_examples=150, deadline=None)
@given(space=spaces(), seed=st.integers(0, 99))
def test_every_point_decodes_to_legal_values_and_they_encode_to_where_they_were_found(space, seed):
    encoder = Encoder(space)
    if not len(encoder):
        return
    quantiles = np.random.default_rng(seed).random((8, len(encoder)))
    points = encoder.spread(quantiles)
    assert (encoder.snap(points) == points).all()
    for point in points:
        values = encoder.decode(point)
        assert is_legal(space, values)
        again = encoder.encode(values)
        # A whole number out of very many is rounded.
        assert again == pytest.approx(point, abs=1e-3)
        assert encoder.decode(again) == pytest.approx(values)


@pytest.mark.story
@settings(max_examples=100, deadline=None)
@given(space=spaces(), seed=st.integers(0, 99))
def test_values_come_back_as_they_were(space, seed):
    encoder = Encoder(space)
    values = random_values(space, np.random.default_rng(seed))
    point = encoder.encode(values)
    assert encoder.decode(point) == pytest.approx(values)
    assert encoder.active(point[None, :]).shape == (1, len(encoder))
    assert (encoder.settle(point[None, :]) == point).all()


def test_the_values_of_a_parameter_have_equal_shares():
    hp = HyperParameters()
    hp.Int("n", 1, 3)
    hp.Choice("c", ["a", "b"])
    encoder = Encoder(hp)
    points = encoder.spread(np.random.default_rng(0).random((6000, 2)))
    for column, values in enumerate((3, 2)):
        _, counts = np.unique(points[:, column], return_counts=True)
        assert counts == pytest.approx([6000 / values] * values, rel=0.1)


def test_numbers_reach_from_0_to_1_and_ordered_choices_go_by_their_size():
    hp = HyperParameters()
    hp.Choice("ordered", [32, 128, 64])
    hp.Int("n", 1, 2)
    hp.Choice("unordered", ["x", "y", "z"])
    encoder = Encoder(hp)
    ends = [{"ordered": 32, "n": 1}, {"ordered": 64, "n": 2}, {"ordered": 128, "n": 2}]
    coordinates = [encoder.encode(end)[:2].tolist() for end in ends]
    assert coordinates == [[0.0, 0.0], [0.5, 1.0], [1.0, 1.0]]
    assert encoder.categorical.tolist() == [False, False, True]


def test_an_inactive_parameter_does_not_tell_two_points_apart():
    hp = HyperParameters()
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["b"]):
        hp.Float("depth", 0.0, 1.0)
        hp.Boolean("wide")
    encoder = Encoder(hp)
    # A stray value of an inactive parameter is not looked at.
    one = encoder.encode({"kind": "a"})
    other = encoder.encode({"kind": "a", "depth": 0.9, "wide": True})
    assert (one == other).all()
    moved = one.copy()
    moved[1:] = [0.2, 1.0]
    assert (encoder.settle(moved[None, :]) == one).all()
    assert (encoder.encode({"kind": "b", "depth": 0.9}) != one).any()


def test_a_parameter_that_a_trial_did_not_know_has_its_default():
    hp = HyperParameters()
    hp.Float("old", 0.0, 1.0)
    hp.Float("new", 0.0, 1.0, default=0.25)
    hp.Boolean("gate", default=True)
    with hp.conditional_scope("gate", [True]):
        hp.Int("inner", 0, 4, default=1)
    known = Encoder(hp).encode({"old": 0.5})[[0, 1, 3]]
    assert known == pytest.approx([0.5, 0.25, 0.25])


def test_what_cannot_be_chosen_has_no_dimension():
    hp = HyperParameters()
    hp.Fixed("f", 3)
    hp.Choice("c", ["only"])
    hp.Int("n", 4, 4)
    hp.Float("x", 0.5, 0.5)
    encoder = Encoder(hp)
    assert len(encoder) == 0
    assert encoder.decode(np.zeros(0)) == {"f": 3, "c": "only", "n": 4, "x": 0.5}


def test_values_that_do_not_exist_any_more_do_no_harm():
    hp = HyperParameters()
    hp.Choice("c", ["a", "b"])
    hp.Int("n", 1, 4)
    hp.Choice("o", [1, 2])
    point = Encoder(hp).encode({"c": "gone", "n": 99, "o": 17})
    assert point.tolist() == [-1.0, 1.0, 0.5]
