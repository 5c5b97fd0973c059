"""Spaces: names, scopes, conditions, copies and merges."""

import copy
import json
import pickle
import timeit

import pytest
from hyperparameter_strategies import EVERY_KIND, PARAMETERS, PROBS, conditional_space
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.hyperparameters import Choice, Fixed, HyperParameters
from tuner.core.hyperparameters.conditions import Parent


def test_a_declaration_answers_with_the_value_and_the_first_one_counts():
    hp = HyperParameters()
    assert hp.Int("units", 32, 128, step=32) == 32
    hp.values["units"] = 64
    assert hp.Int("units", 1, 9) == 64
    assert len(hp.space) == 1
    assert hp.space[0].max_value == 128
    assert list(hp._hps) == ["units"]


def test_a_value_given_before_the_declaration_counts():
    hp = HyperParameters()
    hp.values = {"units": 64}
    assert hp.Int("units", 32, 128) == 64


def test_names_are_joined_by_scopes_and_looked_up_from_within():
    hp = HyperParameters()
    with hp.name_scope("block"), hp.name_scope("1"):
        hp.Int("units", 1, 9)
        assert hp.get("units") == 1
        assert "units" in hp
    assert "units" not in hp
    assert hp["block/1/units"] == 1


def test_missing_and_inactive_names_raise_as_in_keras_tuner():
    hp = conditional_space()
    with pytest.raises(KeyError, match="nothing does not exist"):
        hp.get("nothing")
    with pytest.raises(ValueError, match="extra is currently inactive"):
        hp.get("extra")
    assert "extra" not in hp


def test_a_child_is_none_while_its_parent_has_another_value():
    hp = HyperParameters()
    hp.Choice("kind", ["a", "b"])
    for _ in range(2):
        assert hp.Int("units", 1, 9, parent_name="kind", parent_values=["b"]) is None
    assert hp.values == {"kind": "a"}
    hp.values["kind"] = "b"
    assert hp.Int("units", 1, 9, parent_name="kind", parent_values=["b"]) == 1
    assert hp.values == {"kind": "b", "units": 1}


def test_one_name_under_different_conditions_is_several_parameters():
    hp = conditional_space()
    assert [p.name for p in hp.space] == ["kind", "units", "units", "extra"]
    assert len(hp._hps["units"]) == 2
    assert hp.values == {"kind": "a", "units": 8}
    assert [hp.is_active(p) for p in hp.space] == [True, True, False, False]
    assert hp.is_active("units")
    assert not hp.is_active("extra")
    assert not hp.is_active("nothing")


def test_a_scope_inside_a_closed_scope_is_not_active():
    hp = HyperParameters()
    hp.Choice("a", [1, 2])
    hp.Choice("b", [1, 2])
    with hp.conditional_scope("a", 2), hp.conditional_scope("b", [1]):
        assert hp.Int("c", 1, 9) is None
    assert hp.active_scopes == []
    assert hp.inactive_scopes == [[Parent("a", [2])], [Parent("a", [2]), Parent("b", [1])]]


def test_wrong_scopes_are_refused_and_leave_nothing_behind():
    hp = conditional_space()
    with pytest.raises(ValueError, match="parent_name='nothing'"):
        hp.Int("x", 1, 9, parent_name="nothing", parent_values=[1])
    with pytest.raises(ValueError, match="another name than its parent"):
        hp.Int("kind", 1, 9, parent_name="kind", parent_values=["a"])
    assert hp._conditions == []
    assert len(hp.space) == 4


def test_ensure_active_values_follows_a_parent_that_changed():
    hp = conditional_space()
    hp.values |= {"kind": "b", "units": 16, "tuner/epochs": 3}
    hp.ensure_active_values()
    assert hp.values == {"kind": "b", "units": 1, "extra": False, "tuner/epochs": 3}
    hp.values |= {"units": 4, "extra": True}
    hp.ensure_active_values()
    assert (hp.values["units"], hp.values["extra"]) == (4, True)
    hp.values["kind"] = "a"
    hp.ensure_active_values()
    assert hp.values == {"kind": "a", "units": 8, "tuner/epochs": 3}


def test_a_copy_is_independent_and_outside_of_any_scope():
    hp = conditional_space()
    before = copy.deepcopy(hp.get_config())
    with hp.conditional_scope("kind", ["b"]), hp.name_scope("block"):
        other = hp.copy()
    other.Float("new", 0, 1)
    other.Int("units", 1, 2, parent_name="kind", parent_values=["c"])
    other.values["kind"] = "b"
    assert hp.get_config() == before
    assert list(hp._hps) == ["kind", "units", "extra"]
    assert len(hp._hps["units"]) == 2
    assert "new" in other


def test_a_copy_shares_the_parameters_so_that_ten_thousand_trials_are_cheap():
    hp = HyperParameters()
    for parameter in EVERY_KIND:
        hp._register(parameter)
    other = hp.with_values({"kind": "a"})
    assert all(a is b for a, b in zip(hp.space, other.space, strict=True))
    assert other.values == {"kind": "a"}
    assert min(timeit.repeat(hp.copy, number=100, repeat=20)) / 100 < 1e-4


@given(st.lists(PARAMETERS, max_size=4), PROBS)
def test_a_space_survives_json_with_its_values(parameters, prob):
    hp = HyperParameters()
    for index, parameter in enumerate(parameters):
        config = {**parameter.get_config(), "name": f"p{index}"}
        hp._register(type(parameter).from_config(config))
        hp.values[f"p{index}"] = parameter.prob_to_value(prob)
    config = json.loads(json.dumps(hp.get_config(), allow_nan=False))
    again = HyperParameters.from_config(config)
    assert again.space == hp.space
    assert again.values == hp.values
    assert again.get_config() == config


def test_a_conditional_space_survives_json_and_pickle():
    hp = conditional_space()
    config = hp.get_config()
    before = copy.deepcopy(config)
    assert HyperParameters.from_config(config).get_config() == before == config
    assert pickle.loads(pickle.dumps(hp)).get_config() == before


def test_merging_replaces_in_place_or_only_adds():
    hp = conditional_space()
    hp.values["kind"] = "b"
    kept = hp.copy()
    kept.merge([Choice("kind", ["a", "b", "c"]), Fixed("f", 1)], overwrite=False)
    assert kept.space[:4] == hp.space
    assert kept.values["kind"] == "b"
    assert kept.values["f"] == 1
    replaced = hp.copy()
    replaced.merge([Choice("kind", ["a", "b", "c"])])
    assert [p.name for p in replaced.space] == [p.name for p in hp.space]
    assert replaced.space[0].values == ["a", "b", "c"]
    assert replaced._hps["kind"] == [replaced.space[0]]
    assert replaced.values["kind"] == "a"
    empty = HyperParameters()
    empty.merge(hp)
    assert empty.space == hp.space


def test_the_difference_is_what_the_other_does_not_know():
    hp = conditional_space()
    known = HyperParameters()
    known.Choice("kind", ["z"])
    assert hp.difference(known) == hp.space[1:]
    assert hp.difference(hp.copy()) == []


def test_an_empty_space_is_true_and_has_no_values():
    hp = HyperParameters()
    assert hp
    assert hp.get_config() == {"space": [], "values": {}}
