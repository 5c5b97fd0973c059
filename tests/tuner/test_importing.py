"""What an import takes over of a Keras Tuner project: trials, ids, fates, objectives."""

import json
import math

import pytest
from old_projects import (
    OBJECTIVES,
    PROJECTS,
    copy_of,
    edit,
    history_of,
    old_trials,
    rename_trial,
    states_of,
    take,
)

from storage import open_store
from tuner import Objective
from tuner.core.objective import MultiObjective
from tuner.core.trial import TrialStatus
from tuner.journal.project import Project
from tuner.keras_tuner.importing import import_keras_tuner
from tuner.oracles import RandomSearchOracle


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_field_of_every_trial_is_taken_over(name, tmp_path):
    imported, history = take(PROJECTS / name, tmp_path, OBJECTIVES[name])
    old = old_trials(PROJECTS / name)
    assert imported.trials == len(history.trials) == len(old)
    for number, (trial, before) in enumerate(zip(history.trials.values(), old, strict=True)):
        state = trial.get_state()
        for field in ("hyperparameters", "metrics", "score", "best_step", "status", "message"):
            assert state[field] == before[field], (trial.trial_id, field)
        assert trial.trial_id == f"{number:04d}"
        source = {"trial_id": before["trial_id"], "from": str(PROJECTS / name)}
        assert trial.record["imported"] == source
        assert Project(str(tmp_path), "new").read_result(trial.trial_id) == state
    assert history.end_order == list(history.trials)


def test_the_summary_counts_what_was_taken(tmp_path):
    imported, history = take(PROJECTS / "random_search", tmp_path)
    assert (imported.completed, imported.failed, imported.running) == (2, 1, 0)
    assert (imported.best_trial_id, imported.checkpoints, imported.notes) == ("0000", 2, ())
    assert imported.best_score == history.best.score == 0.6674767136573792
    json.dumps(imported.to_json(), allow_nan=False)


def test_the_old_directory_is_not_changed(tmp_path):
    old = copy_of("random_search", tmp_path)
    before = {p: (p.stat().st_mtime_ns, p.is_dir() or p.read_bytes()) for p in old.rglob("*")}
    take(old, tmp_path)
    after = {p: (p.stat().st_mtime_ns, p.is_dir() or p.read_bytes()) for p in old.rglob("*")}
    assert before == after


def test_the_journal_has_one_entry_for_some_hundred_events(tmp_path):
    take(PROJECTS / "hyperband", tmp_path, "val_accuracy")
    entries = list((tmp_path / "new" / "journal" / "000000").iterdir())
    assert len(entries) == 1


def test_both_projects_may_lie_on_any_store(tmp_path):
    for path in (PROJECTS / "random_search").rglob("*.*"):
        key = path.relative_to(PROJECTS).as_posix()
        open_store("memory://old-projects").replace(key, path.read_bytes())
    url = "memory://old-projects/random_search"
    imported = import_keras_tuner(url, "memory://new-projects", "p", "val_loss")
    assert (imported.trials, imported.checkpoints) == (3, 2)
    import_keras_tuner(PROJECTS / "random_search", tmp_path, "new", "val_loss")
    remote = history_of("memory://new-projects", "p")
    for one, other in zip(states_of(remote), states_of(history_of(tmp_path)), strict=True):
        assert (
            one["record"].pop("imported")["trial_id"] == other["record"].pop("imported")["trial_id"]
        )
        assert one == other


# Ids.


@pytest.mark.parametrize("with_oracle", [True, False])
def test_ids_of_any_width_and_of_letters_become_numbers_in_order(with_oracle, tmp_path):
    old = copy_of("random_search", tmp_path)
    letters = "f" * 32
    rename_trial(old, "0", "09")
    rename_trial(old, "1", "0010")
    rename_trial(old, "2", letters)
    if not with_oracle:
        (old / "oracle.json").unlink()
    imported, history = take(old, tmp_path)
    ids = {t.trial_id: t.record["imported"]["trial_id"] for t in history.trials.values()}
    assert ids == {"0000": "09", "0001": "0010", "0002": letters}
    assert with_oracle == (not any("oracle.json" in note for note in imported.notes))


def test_the_start_order_counts_and_not_the_names(tmp_path):
    old = copy_of("random_search", tmp_path)
    edit(old / "oracle.json", lambda s: s.update(start_order=["2", "0"], end_order=["0", "2"]))
    history = take(old, tmp_path)[1]
    ids = [t.record["imported"]["trial_id"] for t in history.trials.values()]
    assert ids == ["2", "0", "1"]  # the one it knows nothing of comes last
    assert history.end_order == ["0001", "0000", "0002"]


# Fates.


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, None])
def test_a_trial_without_a_finite_score_has_failed(score, tmp_path):
    old = copy_of("random_search", tmp_path)

    def spoil(state):
        state["score"] = score
        state["metrics"]["metrics"]["val_loss"]["observations"][0]["value"] = [score or 0.0]

    edit(old / "trial_0" / "trial.json", spoil)
    imported, history = take(old, tmp_path)
    trial = history.trials["0000"]
    assert (imported.completed, imported.failed) == (1, 2)
    assert (trial.status, trial.score) == (TrialStatus.FAILED, None)
    assert "val_loss" in trial.message
    assert "not finite" in trial.message


@pytest.mark.parametrize(
    ("status", "waits", "becomes"),
    [
        ("RUNNING", "ongoing_trials", "RUNNING"),
        ("RUNNING", None, "RUNNING"),
        ("INVALID", "retry_queue", "RUNNING"),
        ("INVALID", "ongoing_trials", "RUNNING"),
        ("INVALID", None, "FAILED"),  # until 1.2 that was the end of it
        ("COMPLETED", "ongoing_trials", "COMPLETED"),  # killed before oracle.json was written
    ],
)
def test_a_trial_that_had_not_ended_runs_again(status, waits, becomes, tmp_path):
    old = copy_of("random_search", tmp_path)
    edit(old / "trial_2" / "trial.json", lambda state: state.update(status=status))

    def wait(state):
        state["end_order"] = ["0", "1"]
        state["run_times"]["2"] = 2
        if waits is not None:
            state[waits] = {"tuner0": "2"} if waits == "ongoing_trials" else ["2"]

    edit(old / "oracle.json", wait)
    imported, history = take(old, tmp_path)
    trial = history.trials["0002"]
    assert trial.status == becomes
    assert imported.running == len(history.running) == (becomes == "RUNNING")
    assert trial.values == old_trials(old)[2]["hyperparameters"]["values"]
    if becomes == "RUNNING":
        assert trial.retries == 2  # tries count towards the limit
        assert trial.metrics.metrics == {}
        assert trial.seed is not None
        assert Project(str(tmp_path), "new").read_result("0002") is None


def test_a_running_trial_is_the_first_to_run(tmp_path):
    old = copy_of("random_search", tmp_path)
    edit(old / "trial_1" / "trial.json", lambda state: state.update(status="RUNNING"))
    take(old, tmp_path)
    oracle = RandomSearchOracle("val_loss", max_trials=3, seed=0)
    oracle.attach(Project(str(tmp_path), "new"))
    trial = oracle.create_trial("t")
    assert trial.trial_id == "0001"
    assert trial.values == old_trials(old)[1]["hyperparameters"]["values"]
    oracle.update_trial("0001", {"val_loss": 0.25})
    trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)
    assert oracle.create_trial("t").status == TrialStatus.STOPPED
    oracle.stop()
    assert history_of(tmp_path).best.trial_id == "0001"


# Objectives.


def test_a_direction_is_taken_from_the_trials(tmp_path):
    old = copy_of("random_search", tmp_path)
    for path in old.glob("trial_*/trial.json"):
        text = path.read_text().replace(
            '"val_loss": {"direction": "min"', '"mine": {"direction": "max"'
        )
        path.write_text(text)
    _, history = take(old, tmp_path, "mine")
    assert history.objective == Objective("mine", "max")
    assert history.best.trial_id == "0002"


@pytest.mark.parametrize(
    ("objective", "says"),
    [
        (Objective("val_loss", "max"), r"'min', as in .*trial_0/trial\.json.*direction='max'"),
        ("val_accuracy", r"scores that fit Objective\(name=\"val_loss\", direction=\"min\"\)"),
        ("val_los", r"\['accuracy', 'loss', 'val_accuracy', 'val_loss'\].*objective='val_los'"),
        (None, "default_objective"),
        ([], "one or more"),
    ],
)
def test_an_objective_the_trials_contradict_is_refused(objective, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        take(PROJECTS / "random_search", tmp_path, objective)
    assert not (tmp_path / "new").exists()


def of_several(old, directions):
    """Makes it the search of a MultiObjective."""
    for path in old.glob("trial_*/trial.json"):

        def add(state):
            metrics = state["metrics"]["metrics"]
            if not metrics:
                return
            terms = [
                metrics[name]["observations"][0]["value"][0] * (1 if way == "min" else -1)
                for name, way in directions.items()
            ]
            state["score"] = sum(terms)
            observation = {"value": [sum(terms)], "step": 1}
            metrics["multi_objective"] = {"direction": "min", "observations": [observation]}

        edit(path, add)
    return old


def test_several_objectives_are_one_sum(tmp_path):
    directions = {"val_loss": "min", "val_accuracy": "max"}
    old = of_several(copy_of("random_search", tmp_path), directions)
    _, history = take(old, tmp_path, ["val_accuracy", Objective("val_loss", "min")])
    assert isinstance(history.objective, MultiObjective)
    assert history.objective.name_to_direction == directions
    assert history.best.score == pytest.approx(0.6674767136573792 - 0.5625)


def test_directions_that_do_not_give_the_scores_are_refused(tmp_path):
    old = of_several(copy_of("random_search", tmp_path), {"val_loss": "min", "val_accuracy": "max"})
    with pytest.raises(ValueError, match=r'"val_accuracy", direction="max"'):
        take(old, tmp_path, ["val_loss", Objective("val_accuracy", "min")])


def test_scores_nobody_can_explain_stay_as_they_are(tmp_path):
    old = copy_of("random_search", tmp_path)
    edit(old / "trial_0" / "trial.json", lambda state: state.update(score=0.125))
    imported, history = take(old, tmp_path)
    assert history.best.score == 0.125
    assert any("Scores were taken as they stand" in note for note in imported.notes)
