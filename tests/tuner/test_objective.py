import json
import math

import pytest

from tuner import errors
from tuner.core.objective import (
    DefaultObjective,
    MultiObjective,
    Objective,
    create_objective,
    objective_from_json,
)

ACCURACY = Objective("val_accuracy", "max")
SIZE = Objective("size", "min")
BOTH = MultiObjective([ACCURACY, SIZE])


def test_an_objective_reads_its_metric():
    logs = {"val_accuracy": 0.5}
    assert ACCURACY.has_value(logs)
    assert ACCURACY.get_value(logs) == 0.5
    assert not SIZE.has_value(logs)
    with pytest.raises(KeyError, match=r"'size' among the metrics. Received: \['val_accuracy'\]"):
        SIZE.get_value(logs)


def test_better_is_more_or_less_and_never_nan_or_equal():
    assert ACCURACY.better_than(2, 1)
    assert SIZE.better_than(1, 2)
    assert not ACCURACY.better_than(1, 1)
    assert not SIZE.better_than(math.nan, 1)
    assert not SIZE.better_than(1, math.nan)


def test_several_objectives_are_one_to_minimise():
    logs = {"val_accuracy": 0.75, "size": 3.0, "loss": 99.0}
    assert BOTH.has_value(logs)
    assert BOTH.get_value(logs) == 2.25
    assert BOTH.direction == "min"
    assert BOTH.name_to_direction == {"val_accuracy": "max", "size": "min"}


def test_several_objectives_keep_a_value_that_was_summed_before():
    assert BOTH.has_value({"multi_objective": 7})
    assert BOTH.get_value({"multi_objective": 7, "size": 1}) == 7


def test_several_objectives_need_every_metric():
    assert not BOTH.has_value({"size": 3.0})
    with pytest.raises(KeyError, match="'val_accuracy' among the metrics"):
        BOTH.get_value({"size": 3.0})


def test_objectives_are_equal_by_name_and_direction_in_any_order():
    alike = {
        ACCURACY,
        Objective("val_accuracy", "max"),
        SIZE,
        BOTH,
        MultiObjective([SIZE, ACCURACY]),
        Objective("multi_objective", "min"),
    }
    assert len(alike) == 4
    assert Objective("size", "max") != SIZE
    assert SIZE != "size"


def test_an_objective_is_named_as_in_keras_tuner():
    assert str(SIZE) == 'Objective(name="size", direction="min")'
    assert str(BOTH) == (
        'MultiObjective(name="multi_objective", direction="min"): '
        '[Objective(name="val_accuracy", direction="max"), '
        'Objective(name="size", direction="min")]'
    )


def test_a_user_gives_nothing_a_name_an_objective_or_a_list():
    assert isinstance(create_objective(None), DefaultObjective)
    assert create_objective("val_loss") == Objective("val_loss", "min")
    assert create_objective("val_accuracy") == ACCURACY
    assert create_objective(SIZE) is SIZE
    assert create_objective(["val_accuracy", SIZE]) == BOTH
    assert create_objective(("val_accuracy", SIZE)) == BOTH


@pytest.mark.parametrize(
    ("objective", "error", "message"),
    [
        (7, TypeError, "objective=7"),
        ([["loss"]], TypeError, r"objective=\['loss'\]"),
        ([], ValueError, "one or more"),
    ],
)
def test_what_is_no_objective_is_refused(objective, error, message):
    with pytest.raises(error, match=message):
        create_objective(objective)


@pytest.mark.story
def test_an_unknown_name_says_how_to_give_its_direction():
    with pytest.raises(ValueError, match=r'Could not infer.*`Objective\("my_score", "min"\)`'):
        create_objective("my_score")


@pytest.mark.parametrize("direction", ["up", None, "MAX"])
def test_a_direction_is_min_or_max(direction):
    with pytest.raises(ValueError, match=f"'size'.*direction={direction!r}"):
        Objective("size", direction)


@pytest.mark.parametrize("objective", [ACCURACY, BOTH, DefaultObjective()], ids=str)
def test_an_objective_survives_json(objective):
    again = objective_from_json(json.loads(json.dumps(objective.to_json())))
    assert again == objective
    assert type(again) is type(objective)


def test_fatal_errors_are_the_builtins_they_specialise():
    for error, builtin in [
        (errors.FatalValueError, ValueError),
        (errors.FatalTypeError, TypeError),
        (errors.FatalRuntimeError, RuntimeError),
    ]:
        assert issubclass(error, errors.FatalError)
        assert issubclass(error, builtin)
    assert not issubclass(errors.FailedTrialError, errors.FatalError)
