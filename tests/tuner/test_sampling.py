import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import NESTED_POINTS, nested_space, space_of

from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.sampling import (
    count_values,
    is_finite,
    iterate_values,
    random_values,
    untried_values,
    values_key,
)


def rng(seed=0):
    return np.random.default_rng(seed)


class Everything:
    def __contains__(self, key):
        return True


@st.composite
def finite_spaces(draw):
    """Up to five small parameters, each perhaps under one that was declared before it."""
    hp = HyperParameters()
    names = draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=5))
    for number, name in enumerate(names):
        parent, allowed = None, None
        known = [p for p in hp.space if p.name != name]
        if known and draw(st.booleans()):
            parent = draw(st.sampled_from(known))
            listed = list(parent.values)
            allowed = draw(st.lists(st.sampled_from(listed), min_size=1, unique=True))
        scope = {"parent_name": parent and parent.name, "parent_values": allowed}
        low = number * 10
        match draw(st.sampled_from(["int", "log", "choice", "boolean", "fixed", "float"])):
            case "int":
                hp.Int(name, low, low + 4, step=2, default=low + draw(st.integers(0, 4)), **scope)
            case "log":
                hp.Int(name, low + 1, low + 3, sampling="log", **scope)
            case "choice":
                hp.Choice(name, ["x", "y", "x"], default="y", **scope)
            case "boolean":
                hp.Boolean(name, **scope)
            case "fixed":
                hp.Fixed(name, low, **scope)
            case "float":
                hp.Float(name, low, low + 0.3, step=0.1, **scope)
    return hp


def check_legal(space, values):
    """Exactly the active parameters have values, and each is one of its own."""
    point = space.with_values(values)
    active = [p for p in space.space if point.is_active(p)]
    assert set(values) == {p.name for p in active}
    for name, value in values.items():
        owner = next(p for p in active if p.name == name)
        assert owner.allows(value)


@given(finite_spaces(), st.integers(0, 99))
def test_random_values_are_legal_and_depend_on_the_generator_alone(space, seed):
    space.values["a"] = "not looked at"
    values = random_values(space, rng(seed))
    check_legal(space, values)
    assert random_values(space, rng(seed)) == values


def test_random_values_meet_every_point_of_a_nested_space():
    generator = rng()
    met = {values_key(random_values(nested_space(), generator)) for _ in range(500)}
    assert met == {values_key(point) for point in NESTED_POINTS}


def test_random_values_of_a_continuous_space_follow_its_scale():
    space = space_of(lambda hp: hp.Float("x", 1e-4, 1, sampling="log"))
    generator = rng()
    drawn = [random_values(space, generator)["x"] for _ in range(2000)]
    assert np.mean(np.array(drawn) < 1e-2) == pytest.approx(0.5, abs=0.05)


def test_the_grid_is_keras_tuners():
    space = space_of(lambda hp: hp.Choice("a", [1, 2, 3]), lambda hp: hp.Choice("b", ["x", "y"]))
    found = [f"{v['a']}{v['b']}" for v in iterate_values(space)]
    assert found == ["1x", "1y", "2x", "2y", "3x", "3y"]


def test_the_grid_begins_with_the_defaults():
    space = space_of(
        lambda hp: hp.Int("a", 0, 6, step=3, default=3),
        lambda hp: hp.Choice("b", ["x", "y"], default="y"),
    )
    found = [(v["a"], v["b"]) for v in iterate_values(space)]
    assert found == list(itertools.product([3, 0, 6], ["y", "x"]))


def test_a_default_beside_the_steps_is_a_point_too():
    space = space_of(lambda hp: hp.Int("a", 0, 6, step=3, default=5))
    assert [v["a"] for v in iterate_values(space)] == [5, 0, 3, 6]
    assert count_values(space) == 4


def test_a_default_that_a_step_misses_by_rounding_is_no_second_point():
    hp = HyperParameters()
    hp.Float("x", 0.1, 0.5, step=0.1, default=0.3)  # 0.1 + 2 * 0.1 is 0.30000000000000004
    assert [values["x"] for values in iterate_values(hp)] == pytest.approx(
        [0.3, 0.1, 0.2, 0.4, 0.5]
    )
    assert count_values(hp) == 5


def test_the_grid_of_a_conditional_space_has_active_parameters_only():
    assert list(iterate_values(nested_space())) == NESTED_POINTS
    assert count_values(nested_space()) == 9


@given(finite_spaces())
def test_the_grid_is_legal_without_repeats_and_as_long_as_its_count(space):
    points = list(iterate_values(space))
    for values in points:
        check_legal(space, values)
    assert len({values_key(values) for values in points}) == len(points)
    assert count_values(space) == len(points)
    assert count_values(space, limit=len(points)) == len(points)
    assert count_values(space, limit=len(points) - 1) is None
    defaults = space.with_values({})
    defaults.ensure_active_values()
    assert points[0] == defaults.values


@given(finite_spaces(), st.integers(0, 9))
@settings(max_examples=50)
def test_a_finite_space_is_exhausted_exactly(space, seed):
    generator, tried = rng(seed), []
    while (values := untried_values(space, {values_key(v) for v in tried}, generator)) is not None:
        check_legal(space, values)
        tried.append(values)
    key = values_key
    assert sorted(map(key, tried)) == sorted(map(key, iterate_values(space)))


def test_what_is_left_is_drawn_uniformly():
    space = space_of(lambda hp: hp.Int("a", 0, 9))
    tried = {values_key({"a": a}) for a in range(7)}
    drawn = [untried_values(space, tried, rng(seed), tries=0)["a"] for seed in range(300)]
    assert {a: drawn.count(a) > 60 for a in set(drawn)} == {7: True, 8: True, 9: True}


@pytest.mark.parametrize("declare", [lambda _: None, lambda hp: hp.Fixed("f", 1)])
def test_a_space_without_a_choice_has_one_point(declare):
    space = space_of(declare)
    (point,) = iterate_values(space)
    assert point == space.values
    assert count_values(space) == 1
    assert untried_values(space, set(), rng()) == point
    assert untried_values(space, {values_key(point)}, rng()) is None


@pytest.mark.parametrize(
    "declare",
    [
        lambda hp: hp.Float("x", 0, 1),
        lambda hp: hp.Int("x", 1, 10**9, sampling="log"),
        lambda hp: hp.Int("x", 1, 10**9, parent_name="b", parent_values=[False], sampling="log"),
    ],
)
def test_what_cannot_be_listed_is_not_finite_and_says_to_give_a_step(declare):
    space = space_of(lambda hp: hp.Boolean("b"), declare)
    assert not is_finite(space)
    assert count_values(space) is None
    with pytest.raises(ValueError, match=r"'x'.*Give it a `step`"):
        iterate_values(space)
    assert untried_values(space, set(), rng()) is not None
    assert untried_values(space, Everything(), rng()) is None


def test_a_huge_finite_space_is_counted_without_walking_through_it():
    space = space_of(
        lambda hp: hp.Int("a", 0, 2**40),
        lambda hp: hp.Int("b", 0, 2**40, parent_name="a", parent_values=[1]),
    )
    assert is_finite(space)
    assert count_values(space) is None
    assert next(iterate_values(space)) == {"a": 0}
    assert untried_values(space, Everything(), rng()) is None
    many = space_of(*[lambda hp, i=i: hp.Int(f"p{i}", 1, 10) for i in range(40)])
    assert count_values(many, limit=10**40) == 10**40


def test_the_key_of_values_is_keras_tuners():
    assert values_key({"b": 1, "a": 0.5}) == "368e62a948b74640043e3b91bb0e6afc"
    assert values_key({"a": 0.5, "b": 1}) == values_key({"b": 1, "a": 0.5})
