import numpy as np
import pytest

from tuner.core.hyperparameters.conditions import Parent, deserialize_condition, serialize_condition


def test_a_child_is_active_while_its_parent_has_one_of_the_values():
    parent = Parent("kind", ["a", "b"])
    assert parent.is_active({"kind": "b"})
    assert not parent.is_active({"kind": "c"})
    assert not parent.is_active({})


@pytest.mark.parametrize("values", [1, [1], (1,), np.int64(1), np.array([1]), [np.int64(1)]])
def test_one_value_is_a_list_of_one(values):
    parent = Parent("n", values)
    assert parent.values == [1]
    assert type(parent.values[0]) is int


def test_equal_conditions_are_one_in_a_set():
    assert len({Parent("n", [1]), Parent("n", 1), Parent("n", [2]), Parent("m", [1])}) == 3
    assert Parent("n", [1]) != "n"


def test_a_condition_survives_json_and_does_not_share_its_config():
    parent = Parent("n", [True])
    state = serialize_condition(parent)
    assert state == {"class_name": "Parent", "config": {"name": "n", "values": [True]}}
    assert deserialize_condition(state) == parent
    assert deserialize_condition(parent) is parent
    state["config"]["values"].append(False)
    assert parent.values == [True]


def test_what_cannot_be_a_condition_is_refused():
    with pytest.raises(TypeError, match=r"values=\[None\]"):
        Parent("n", [None])
    with pytest.raises(ValueError, match="at least one"):
        Parent("n", [])
    with pytest.raises(ValueError, match="'Other'"):
        deserialize_condition({"class_name": "Other", "config": {}})
