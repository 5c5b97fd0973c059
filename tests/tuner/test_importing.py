import json
import math
import subprocess
import sys

import numpy as np
import pytest
from old_projects import (
    OBJECTIVES,
    PROJECTS,
    copy_of,
    edit,
    old_trials,
    remove_trials,
    rename_trial,
)

from storage import LeaseHeldError, StorageError, open_store
from tuner import BaseTuner, Hyperband, Objective, RandomSearch
from tuner.hyperparameters.sampling import values_key
from tuner.importing import import_keras_tuner
from tuner.objective import MultiObjective, objective_from_json
from tuner.oracles import RandomSearchOracle
from tuner.oracles.hyperband import HyperbandOracle
from tuner.state.history import History
from tuner.state.project import Project, ProjectInfo
from tuner.trial import TrialStatus


def take(old, tmp_path, objective="val_loss"):
    imported = import_keras_tuner(old, tmp_path, "new", objective)
    return imported, history_of(tmp_path)


def history_of(folder, name="new"):
    project = Project(str(folder), name)
    info = project.info()
    history = History(objective_from_json(info.objective), info.seed)
    history.replay(project.events())
    return history


def states_of(history):
    return [trial.get_state() for trial in history.trials.values()]


def hyperband(project_directory, **options):
    oracle = HyperbandOracle(
        Objective("val_accuracy", "max"), max_epochs=4, factor=2, seed=3, **options
    )
    oracle.attach(Project(str(project_directory), "new"))
    return oracle


# What is taken over.


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
    entries = list((tmp_path / "new" / "journal").rglob("*.json"))
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


# Weights.


def build_model(hp):
    import keras

    kind = hp.Choice("kind", ["a", "b"])
    with hp.name_scope("opt"):
        rate = hp.Float("lr", 1e-4, 1e-1, sampling="log")
    hp.Fixed("fx", 7)
    hp.Boolean("bo")
    layers = [keras.Input((4,))]
    with hp.conditional_scope("kind", ["b"]):
        units = hp.Int("units_b", 4, 8, step=2)
        if kind == "b":
            layers.append(keras.layers.Dense(units, activation="relu"))
    model = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    model.compile(
        keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"], run_eagerly=True
    )
    return model


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 4))
    y = (x.sum(axis=1) > 0).astype("float32")
    return {"x": x, "y": y, "validation_split": 0.25, "epochs": 1, "verbose": 0}


@pytest.mark.slow
def test_the_best_models_have_the_old_weights_and_the_search_goes_on(tmp_path):
    import h5py

    take(PROJECTS / "random_search", tmp_path)

    def tuner():
        return RandomSearch(
            build_model, "val_loss", 6, seed=0, directory=str(tmp_path), project_name="new"
        )

    models = tuner().get_best_models(2)
    for model, old_id in zip(models, ["0", "2"], strict=True):
        path = PROJECTS / "random_search" / f"trial_{old_id}" / "checkpoint.weights.h5"
        with h5py.File(path) as file:
            stored = [
                np.array(file["layers"][layer]["vars"][number])
                for layer in file["layers"]
                for number in sorted(file["layers"][layer]["vars"])
            ]
        weights = [np.array(w) for layer in model.layers for w in layer.weights]
        assert len(weights) == len(stored)
        for ours, theirs in zip(weights, stored, strict=True):
            np.testing.assert_array_equal(ours, theirs)

    before = states_of(history_of(tmp_path))
    going_on = tuner()
    going_on.search(**data())
    trials = list(going_on.oracle.trials.values())
    assert [t.trial_id for t in trials] == [f"{n:04d}" for n in range(6)]
    assert states_of(history_of(tmp_path))[:3] == before
    assert len({values_key(t.values) for t in trials}) == 6
    assert all("imported" not in t.record for t in trials[3:])


@pytest.mark.slow
def test_a_promoted_trial_starts_from_imported_weights(tmp_path):
    old = copy_of("hyperband", tmp_path)
    remove_trials(old, ["0010", "0011", "0012", "0013", "0014"])
    take(old, tmp_path, "val_accuracy")
    tuner = Hyperband(
        build_model, "val_accuracy", 4, 2, seed=0, directory=str(tmp_path), project_name="new"
    )
    tuner.search(**data())
    trials = list(tuner.oracle.trials.values())
    assert len(trials) == 15
    assert all(trial.status == TrialStatus.COMPLETED for trial in trials)
    assert [trial.budget.parent for trial in trials[9:12]] == [None, "0008", "0009"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([], "left no weights"),
        (["checkpoint", "checkpoint.index", "checkpoint.data-00000-of-00001"], "TensorFlow"),
        (["model.pickle"], r"model\.pickle"),
        (["checkpoint.weights.h5"], "damaged"),
    ],
)
def test_weights_that_cannot_be_taken_are_reported_and_the_trial_is_kept(files, says, tmp_path):
    old = copy_of("random_search", tmp_path)
    whole = (old / "trial_0" / "checkpoint.weights.h5").read_bytes()
    (old / "trial_0" / "checkpoint.weights.h5").unlink()
    for name in files:
        (old / "trial_0" / name).write_bytes(whole[: len(whole) // 2])
    imported, history = take(old, tmp_path)
    assert "checkpoint" not in history.trials["0000"].record
    assert history.trials["0000"].score == 0.6674767136573792
    assert (imported.checkpoints, imported.completed) == (1, 2)
    (note,) = imported.notes
    assert says.replace("\\", "") in note
    assert "0000" in note


# Hyperband.


def test_a_complete_hyperband_search_is_complete_here(tmp_path):
    take(PROJECTS / "hyperband", tmp_path, "val_accuracy")
    oracle = hyperband(tmp_path)
    assert oracle.create_trial("t").status == TrialStatus.STOPPED
    oracle.stop()


@pytest.mark.parametrize("left", range(15))
def test_a_hyperband_search_asks_for_exactly_what_remains(left, tmp_path):
    old = copy_of("hyperband", tmp_path)
    remove_trials(old, [f"{n:04d}" for n in range(left, 15)])
    whole = take(PROJECTS / "hyperband", tmp_path / "whole", "val_accuracy")[1]
    take(old, tmp_path, "val_accuracy")
    oracle = hyperband(tmp_path)
    wanted = list(whole.trials.values())[left:]
    while (trial := oracle.create_trial("t")).status == TrialStatus.RUNNING:
        expected = wanted.pop(0)
        assert (trial.trial_id, trial.budget) == (expected.trial_id, expected.budget)
        oracle.update_trial(trial.trial_id, {"val_accuracy": expected.score})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    oracle.stop()
    assert wanted == []


def test_the_bracket_of_a_promoted_trial_is_that_of_its_ancestor(tmp_path):
    old = copy_of("hyperband", tmp_path)
    for trial_id in ("0004", "0005", "0006"):
        path = old / f"trial_{trial_id}" / "trial.json"
        edit(path, lambda s: s["hyperparameters"]["values"].update({"tuner/bracket": 0}))
    history = take(old, tmp_path, "val_accuracy")[1]
    whole = take(PROJECTS / "hyperband", tmp_path / "whole", "val_accuracy")[1]
    ours, theirs = ([t.budget for t in h.trials.values()] for h in (history, whole))
    assert ours == theirs
    assert ours[6].bracket == 2


def test_ancestors_may_come_after_their_descendants_and_ids_are_translated(tmp_path):
    old = copy_of("hyperband", tmp_path)
    order = [f"{n:04d}" for n in reversed(range(15))]
    edit(old / "oracle.json", lambda s: s.update(start_order=order))
    history = take(old, tmp_path, "val_accuracy")[1]
    budget = history.trials["0008"].budget
    assert history.trials["0008"].record["imported"]["trial_id"] == "0006"
    assert (budget.bracket, budget.rung, budget.parent) == (2, 2, "0010")


def test_iterations_of_hyperband_are_told_apart(tmp_path):
    old = copy_of("hyperband", tmp_path)
    again = {f"{n:04d}": f"{n + 15:04d}" for n in range(15)}
    for first, second in again.items():
        text = (old / f"trial_{first}" / "trial.json").read_text()
        (old / f"trial_{second}").mkdir()
        for old_id, new_id in reversed(again.items()):
            text = text.replace(f'"{old_id}"', f'"{new_id}"')
        (old / f"trial_{second}" / "trial.json").write_text(text)

    def twice(state):
        state["hyperband_iterations"] = math.inf
        state["start_order"] += again.values()

    edit(old / "oracle.json", twice)
    history = take(old, tmp_path, "val_accuracy")[1]
    assert [t.budget.sweep for t in history.trials.values()] == [0] * 15 + [1] * 15
    oracle = hyperband(tmp_path, hyperband_iterations=2)
    assert oracle.create_trial("t").status == TrialStatus.STOPPED
    oracle.stop()


# All or nothing.

KILLED_AT = """
import os, sys
from storage import LocalStore
from tuner.importing import import_keras_tuner
left, old, new = int(sys.argv[1]), sys.argv[2], sys.argv[3]
place, delete = LocalStore._publish, LocalStore._delete
def counted(what):
    def write(self, *args):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return what(self, *args)
    return write
LocalStore._publish, LocalStore._delete = counted(place), counted(delete)
import_keras_tuner(old, new, "new", "val_loss")
"""


@pytest.mark.slow
def test_an_import_that_is_killed_anywhere_and_run_again_is_as_one_that_was_not(tmp_path):
    old = PROJECTS / "random_search"
    straight = take(old, tmp_path / "straight")[1]
    names = sorted(p.relative_to(tmp_path / "straight") for p in (tmp_path / "straight").rglob("*"))
    for writes in range(100):
        folder = tmp_path / str(writes)
        run = subprocess.run(
            [sys.executable, "-c", KILLED_AT, str(writes), str(old), str(folder)],
            capture_output=True,
            check=False,
        )
        killed = run.returncode == -9
        assert killed or run.returncode == 0, run.stderr
        info = Project(str(folder), "new").info()
        if info is None or not Project(str(folder), "new").events():
            assert killed
            import_keras_tuner(old, folder, "new", "val_loss")
        assert states_of(history_of(folder)) == states_of(straight)
        assert sorted(p.relative_to(folder) for p in _shown(folder)) == names
        if not killed:
            break
    assert writes > 8


def _shown(folder):
    """What a store shows: not what a killed process left unfinished, nor its lease."""
    hidden = (".tmp-", ".probe-", "lease.json")
    return [p for p in folder.rglob("*") if not p.name.startswith(hidden)]


class Square(BaseTuner):
    def run_trial(self, trial):
        return {"val_loss": trial.hyperparameters.Float("x", -1.0, 1.0) ** 2}


def test_a_search_on_what_a_killed_import_left_begins_anew(tmp_path):
    new = tmp_path / "new"
    script = [sys.executable, "-c", KILLED_AT, "8", str(PROJECTS / "random_search"), str(tmp_path)]
    assert subprocess.run(script, check=False).returncode == -9
    assert (new / "erasing.json").exists()
    oracle = RandomSearchOracle("val_loss", max_trials=1, seed=0)
    oracle.verbose = 0
    Square(oracle, directory=str(tmp_path), project_name="new").search()
    assert [t.record.get("imported") for t in oracle.trials.values()] == [None]


def test_an_import_that_fails_leaves_nothing(tmp_path):
    old = copy_of("random_search", tmp_path)
    (old / "trial_2" / "checkpoint.weights.h5").unlink()
    (old / "trial_2" / "checkpoint.weights.h5").mkdir()  # nothing that can be downloaded
    with pytest.raises(StorageError, match=r"trial_2/checkpoint\.weights\.h5"):
        take(old, tmp_path)
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("again", ["the same", "another"])
def test_a_project_that_exists_is_refused_and_stays(again, tmp_path):
    before = states_of(take(PROJECTS / "random_search", tmp_path)[1])
    old, objective = {
        "the same": (PROJECTS / "random_search", "val_loss"),
        "another": (PROJECTS / "hyperband", "val_accuracy"),
    }[again]
    with pytest.raises(FileExistsError, match="there is one"):
        take(old, tmp_path, objective)
    assert states_of(history_of(tmp_path)) == before


def test_a_folder_with_other_things_in_it_is_refused_and_stays(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "thesis.tex").write_text("all I have")
    with pytest.raises(FileExistsError, match=r"thesis\.tex"):
        take(PROJECTS / "random_search", tmp_path)
    assert (tmp_path / "new" / "thesis.tex").read_text() == "all I have"


@pytest.mark.parametrize("inside", ["", "new"])
def test_a_project_in_the_old_directory_is_refused(inside, tmp_path):
    old = copy_of("random_search", tmp_path)
    target = old / inside
    with pytest.raises(ValueError, match="outside of the old one"):
        import_keras_tuner(old, target.parent, target.name, "val_loss")


def test_a_project_somebody_is_writing_is_refused(tmp_path):
    other = Project(str(tmp_path), "new")
    other.open(ProjectInfo(Objective("val_loss", "min").to_json(), 0, "Oracle"))
    with pytest.raises(LeaseHeldError):
        take(PROJECTS / "random_search", tmp_path)
    other.close()
    take(PROJECTS / "random_search", tmp_path)
