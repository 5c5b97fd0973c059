"""What --objective and --direction do to a study's tuner, here and in a training process."""

import sys

import pytest
from support import STUDIES

from flows.opening import child_setup, open_tuner
from flows.parameters import ResumeParameters, SearchParameters
from tasks.process.child import assemble
from tuner import Objective

MEASURED = str(STUDIES / "measured.py")


@pytest.fixture
def opened(tmp_path):
    def opened(**told):
        return open_tuner(MEASURED, str(tmp_path / "results"), "measured", **told)

    return opened


def test_they_are_those_of_the_search_and_of_the_training_processes(opened):
    opened().search(verbose=0)
    told = {"objective": "size", "direction": "max"}
    tuner = opened(**told)
    setup = child_setup(MEASURED, tuner, None, own_objective=False)
    assert assemble(setup).tuner.oracle.objective == Objective("size", "max")
    assert assemble(child_setup(MEASURED, tuner, None)).tuner.oracle.objective.name == "loss"
    tuner.search(verbose=0)
    assert [t.score for t in tuner.oracle.trials.values()] == [
        pytest.approx(2.5 - t.values["x"]) for t in tuner.oracle.trials.values()
    ]
    # A run that is resumed is told the same.
    assert SearchParameters(study=MEASURED, **told).kept().items() >= told.items()
    again = ResumeParameters(project_url="p", **told).changes()
    assert again.items() >= told.items()


@pytest.mark.parametrize(
    ("told", "objective"),
    [
        ({}, ("loss", "min")),
        ({"direction": "max"}, ("loss", "max")),
        ({"objective": "loss"}, ("loss", "min")),
        ({"objective": "val_accuracy"}, ("val_accuracy", "max")),
        ({"objective": "size", "direction": "min"}, ("size", "min")),
    ],
)
def test_what_is_left_out_is_the_study_s_or_as_the_name_says(opened, told, objective):
    assert opened(**told).oracle.objective == Objective(*objective)


def test_a_direction_that_nobody_knows_is_asked_for_in_words_of_the_command_line(opened):
    before = set(sys.modules)
    with pytest.raises(ValueError, match=r"Expected --direction .* Received: --objective size"):
        opened(objective="size")
    # The process that searches does not load Keras for it, which takes long and is not silent.
    assert "keras" in before or "keras" not in sys.modules


def test_one_that_was_not_recorded_is_refused_before_anything_is_written(opened, tmp_path):
    opened().search(verbose=0)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    with pytest.raises(ValueError, match="one of loss, size; "):
        opened(objective="auc", direction="max")
    assert files == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
