import copy

import pytest

from tuner.core.hypermodel import HyperModel, get_hypermodel
from tuner.core.hyperparameters import HyperParameters
from tuner.errors import FatalValueError


class Units(HyperModel):
    def build(self, hp):
        return hp.Int("units", 1, 9)


def test_what_build_declares_joins_the_search():
    hp = HyperParameters()
    assert Units(name="mine").build(hp) == 1
    assert [p.name for p in hp.space] == ["units"]
    assert Units("mine").name == "mine"


def test_a_model_that_is_not_tunable_leaves_the_space_alone():
    hp = HyperParameters()
    assert Units(tunable=False).build(hp) == 1
    assert hp.space == []
    assert hp.values == {}


def test_a_model_that_is_not_tunable_takes_values_declared_in_advance():
    hp = HyperParameters()
    hp.Int("units", 1, 9, default=5)
    assert Units(tunable=False).build(hp) == 5


def test_a_copied_model_builds_with_its_own_state():
    model = Units()
    other = copy.deepcopy(model)
    other.tunable = False
    hp = HyperParameters()
    other.build(hp)
    assert hp.space == []


def test_fit_passes_on_what_search_was_given():
    class Model:
        def fit(self, *args, **kwargs):
            return args, kwargs

    assert Units().fit(HyperParameters(), Model(), 1, epochs=2) == ((1,), {"epochs": 2})


def test_a_function_becomes_a_hypermodel_and_a_hypermodel_stays():
    model = Units()
    assert get_hypermodel(model) is model
    hp = HyperParameters()
    assert get_hypermodel(lambda hp: hp.Int("layers", 2, 9)).build(hp) == 2
    assert "layers" in hp
    model.declare_hyperparameters(hp)
    assert len(hp.space) == 1


def test_what_is_no_hypermodel_is_refused():
    with pytest.raises(FatalValueError, match="hypermodel=7"):
        get_hypermodel(7)
    with pytest.raises(FatalValueError, match=r"Pass an instance: Units\(\)"):
        get_hypermodel(Units)
    with pytest.raises(NotImplementedError, match="HyperModel to define `build"):
        HyperModel().build(HyperParameters())
