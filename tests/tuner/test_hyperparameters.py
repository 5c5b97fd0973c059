"""Single hyperparameters: their values, their unit interval, their JSON."""

import copy
import json

import numpy as np
import pytest
from hyperparameter_strategies import EVERY_KIND, PARAMETERS, PROBS
from hypothesis import given

from tuner.core.hyperparameters import (
    Boolean,
    Choice,
    Fixed,
    Float,
    HyperParameters,
    Int,
    deserialize,
    serialize,
)


@pytest.mark.parametrize(
    ("parameter", "samples"),
    [
        (Float("x", 0, 1), [0.1343642, 0.9560343, 0.2379646]),
        (Float("x", 1e-4, 1, sampling="log"), [0.00034471, 0.66701727, 0.00089507]),
        (Int("x", 1, 100), [14, 96, 24]),
        (Int("x", 1, 64, sampling="reverse_log"), [28, 64, 41]),
        (Int("x", 2, 32, step=2, sampling="log"), [2, 32, 4]),
        (Choice("x", ["a", "b", "c"]), ["a", "c", "a"]),
    ],
    ids=repr,
)
def test_a_seed_samples_what_it_samples_in_keras_tuner(parameter, samples):
    found = [parameter.random_sample(seed) for seed in (1, 2, 3)]
    if isinstance(parameter, Float):
        samples = pytest.approx(samples, rel=1e-4)
    assert found == samples


@given(PARAMETERS, PROBS)
def test_a_value_comes_back_from_its_point_of_the_unit_interval(parameter, prob):
    value = parameter.prob_to_value(prob)
    point = parameter.value_to_prob(value)
    assert 0 <= point <= 1
    again = parameter.prob_to_value(point)
    assert again == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value)


@given(PARAMETERS, PROBS)
def test_every_sampled_value_is_allowed_and_of_the_declared_type(parameter, prob):
    value = parameter.prob_to_value(prob)
    assert parameter.allows(value)
    assert type(value) is type(parameter.default)


@given(PARAMETERS)
def test_the_listed_values_are_allowed_and_always_the_same(parameter):
    assert all(parameter.allows(value) for value in parameter.values)
    assert list(parameter.values) == list(parameter.values)


@given(PARAMETERS)
def test_a_parameter_survives_json_and_stays_equal(parameter):
    again = deserialize(json.loads(json.dumps(serialize(parameter), allow_nan=False)))
    assert again == parameter
    assert hash(again) == hash(parameter)


@pytest.mark.parametrize("parameter", EVERY_KIND, ids=repr)
def test_the_config_it_is_given_is_not_changed(parameter):
    config = parameter.get_config()
    before = copy.deepcopy(config)
    assert type(parameter).from_config(config) == parameter
    assert config == before


def test_the_json_is_keras_tuners():
    assert [serialize(parameter) for parameter in EVERY_KIND] == [
        {
            "class_name": "Choice",
            "config": {
                "name": "kind",
                "default": "b",
                "conditions": [],
                "values": ["a", "b"],
                "ordered": False,
            },
        },
        {
            "class_name": "Float",
            "config": {
                "name": "lr",
                "default": 0.0001,
                "conditions": [],
                "min_value": 0.0001,
                "max_value": 0.1,
                "step": None,
                "sampling": "log",
            },
        },
        {"class_name": "Fixed", "config": {"name": "fx", "conditions": [], "value": 7}},
        {"class_name": "Boolean", "config": {"name": "bo", "default": False, "conditions": []}},
        {
            "class_name": "Int",
            "config": {
                "name": "units",
                "default": None,
                "conditions": [
                    {"class_name": "Parent", "config": {"name": "kind", "values": ["b"]}}
                ],
                "min_value": 4,
                "max_value": 8,
                "step": 2,
                "sampling": "linear",
            },
        },
    ]


def test_equality_tells_true_from_one_and_one_from_one_point_nought():
    alike = {Choice("x", [True, False]), Choice("x", [1, 0]), Choice("x", [1.0, 0.0])}
    assert len(alike) == 3
    assert len({Int("x", 1, 2), Int("x", 1, 2), Int("x", 1, 3)}) == 2


def test_a_choice_of_booleans_stays_one():
    hp = HyperParameters()
    assert hp.Choice("x", [True, False]) is True
    assert hp.get_config()["space"][0]["config"]["values"] == [True, False]


def test_what_a_choice_gives_away_does_not_change_it():
    parameter = Choice("x", [1, 2])
    parameter.values.append(3)
    parameter.get_config()["values"].append(3)
    assert parameter.values == [1, 2]


def test_a_default_takes_the_type_of_the_choices():
    assert type(Choice("x", [1, 2], default=2.0).default) is int
    assert Choice("x", ["1", "2"], default=2).default == "2"
    assert type(Int("x", 1, 9, default=3.0).default) is int


@pytest.mark.parametrize("values", [[None, "a"], [None], [1, "a"], [1, 2.0], [[1], [2]]])
def test_choices_of_no_one_type_are_refused_with_what_to_do(values):
    with pytest.raises(TypeError, match=r"all bool.*'none' for None"):
        Choice("x", values)


def test_numpy_scalars_become_python_ones_everywhere():
    hp = HyperParameters()
    hp.Choice("a", np.array([2, 4]), default=np.int64(4))
    hp.Choice("b", [np.str_("x"), np.str_("y")])
    hp.Choice("c", [np.bool_(True), np.bool_(False)])
    hp.Float("d", np.float32(0.5), np.float64(1), default=np.float32(0.75))
    hp.Int("e", np.int64(1), np.int32(9), step=np.int8(2))
    hp.Fixed("f", np.float32(0.5))
    hp.Boolean("g", np.bool_(True))
    hp.values["a"] = np.int64(2)
    space = hp.with_values({**hp.values, "e": np.int64(3)})
    assert json.loads(json.dumps(hp.get_config())) == hp.get_config()
    assert [type(value) for value in space.values.values()] == [
        int,
        str,
        bool,
        float,
        int,
        float,
        bool,
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Int("x", 1.5, 3), "whole number: it must be an int. Received: min_value=1.5"),
        (lambda: Int("x", 1, None), "max_value=None"),
        (lambda: Int("x", 3, 1), "min_value=3, max_value=1"),
        (lambda: Float("x", 0, 1, sampling="log"), "min_value=0.0"),
        (lambda: Float("x", 1, 2, sampling="square"), "sampling='square'"),
        (
            lambda: Float("x", 1, 2, step=0),
            "expected step > 0, or none. Received: sampling='linear', step=0",
        ),
        (
            lambda: Float("x", 1, 2, step=1, sampling="log"),
            r"For HyperParameters.Float\(name='x'\), expected step > 1, or none",
        ),
        (lambda: Float("x", 0, float("inf")), "max_value=inf"),
        (lambda: Float("x", 0, float("nan")), "max_value=nan"),
        (lambda: Choice("x", []), r"values=\[\]"),
        (lambda: Choice("x", [1.0, float("inf")]), "finite"),
        (lambda: Choice("x", [1, 2], default=3), "default=3"),
        (lambda: Choice("x", ["a"], ordered=True), "ordered=True"),
        (lambda: Choice("x", [1, 2]).value_to_prob(3), "value=3"),
        (lambda: Boolean("x", default="yes"), "default='yes'"),
        (lambda: Fixed("x", None), "value=None"),
        (lambda: deserialize({"class_name": "Complex", "config": {}}), "class_name='Complex'"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_value(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_step_reaches_the_upper_bound_in_spite_of_rounding():
    assert Float("x", 0, 1, step=0.2).values == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert max(Float("x", 0, 0.3, step=0.1).values) == 0.3
    assert Float("x", 0.001, 10, step=10, sampling="log").values == pytest.approx(
        [0.001, 0.01, 0.1, 1, 10]
    )


def test_a_step_of_an_int_counts_as_in_keras_tuner():
    assert list(Int("x", 6, 13, step=3).values) == [6, 9, 12]
    assert list(Int("x", 2, 32, step=2, sampling="log").values) == [2, 4, 8, 16, 32]
    assert list(Int("x", 1, 16, 2, "reverse_log").values) == [16, 15, 13, 9, 1]
    assert {type(value) for value in Int("x", 2, 32, 2, "log").values} == {int}


def test_a_step_of_an_int_is_exact_for_large_numbers():
    parameter = Int("x", 0, 2**60 + 1)
    assert parameter._get_n_values() == len(parameter.values) == 2**60 + 2
    assert parameter._get_value_by_index(2**60 + 1) == 2**60 + 1
    assert parameter.value_to_prob(2**60 + 1) == 1


def test_without_a_step_ten_values_are_listed_in_order():
    assert Float("x", 0, 1).values == pytest.approx([i / 10 + 0.05 for i in range(10)])
    assert Int("x", 1, 5, sampling="log").values == [1, 2, 3, 4, 5]
    assert Float("x", 2, 2).values == [2.0]


def test_the_unit_points_of_discrete_values_are_middles():
    assert [Choice("x", [1, 2]).value_to_prob(v) for v in (1, 2)] == [0.25, 0.75]
    assert [Boolean("x").value_to_prob(v) for v in (False, True)] == [0.25, 0.75]
    assert Fixed("x", 3).value_to_prob(3) == 0.5
    assert Int("x", 0, 9).value_to_prob(0) == 0.05
    assert Float("x", 1, 1).value_to_prob(1.0) == 0.5


def test_a_value_beyond_the_bounds_counts_as_the_nearest():
    assert Float("x", 1, 10, sampling="log").value_to_prob(-5) == 0
    assert Float("x", 1, 10, sampling="reverse_log").value_to_prob(99) == 1
    assert Int("x", 1, 10).value_to_prob(99) == 0.95
