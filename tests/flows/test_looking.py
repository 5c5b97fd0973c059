"""The commands that look at a project, in one process: they start nothing."""

import json

import pytest
from searches import searched
from typer.testing import CliRunner

from flows.cli import app


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("p"), trials=9)


@pytest.fixture
def say(tuner):
    def run(command, *words, code=0):
        result = CliRunner().invoke(app, [command, tuner.project_dir, *words])
        assert result.exit_code == code, result.output
        return result.output

    return run


def test_trials_are_listed_by_number_or_by_score_within_80_columns(tuner, say):
    lines = say("trials").splitlines()
    assert [line[:4] for line in lines if line[:1].isdigit()] == [f"{n:04d}" for n in range(9)]
    assert all(len(line) <= 80 for line in lines)
    assert "0007   failed" in say("trials")
    best = [trial.trial_id for trial in tuner.oracle.get_best_trials(3)]
    lines = say("trials", "--sort", "score", "--limit", "3").splitlines()
    assert [line[:4] for line in lines if line[:1].isdigit()] == best


def test_trials_of_one_state_can_be_had_as_json(say):
    found = json.loads(say("trials", "--status", "failed", "--json"))
    assert [trial["trial_id"] for trial in found["trials"]] == ["0007"]


def test_a_trial_is_shown_with_each_training(tuner, say):
    text = say("show", "2")
    trial = tuner.oracle.trials["0002"]
    assert text.startswith(f"Trial 0002 of {tuner.project_dir}: completed\n")
    assert f"  rate = {trial.values['rate']:.5g}\n" in text
    assert f"accuracy {trial.score:.5g}, epoch 5" in text
    found = json.loads(say("show", "0002", "--json"))
    scores = [each["metrics"]["accuracy"] for each in found["executions"]]
    assert sum(scores) / 2 == pytest.approx(trial.score)


def test_a_failed_trial_says_why(say):
    assert say("show", "7").rstrip().endswith("ValueError: it became <NaN>")


def test_a_trial_that_is_not_there_is_said_so(say):
    assert "the last of which is 0008. Received: trial='77'" in say("show", "77", code=1)


def test_a_search_without_models_has_none_to_save(say, tmp_path):
    output = say("best", "--save", str(tmp_path / "m.keras"), code=1)
    assert output.startswith("Error: Expected weights of trial")
    assert not (tmp_path / "m.keras").exists()


def test_a_refitted_model_must_be_saved_somewhere(say):
    assert "Expected --save FILE with --refit" in say("best", "--refit", code=1)
