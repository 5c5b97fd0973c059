"""Each kind of damage to an old project is named with its file, and nothing is written."""

import json

import pytest
from old_projects import OBJECTIVES, PROJECTS, copy_of, edit

from storage import CorruptError
from tuner.keras_tuner.importing import import_keras_tuner


def truncate(path):
    path.write_bytes(path.read_bytes()[:-20])


def without(name, *path):
    """Drops an entry, found along a path of keys."""

    def change(state):
        for key in path:
            state = state[key]
        del state[name]

    return lambda file: edit(file, change)


def with_entry(value, name, *path):
    def change(state):
        for key in path:
            state = state[key]
        state[name] = value

    return lambda file: edit(file, change)


def empty(path):
    path.write_bytes(b"")


def binary(path):
    path.write_bytes(b"\x00\xff\xfe")


def a_list(path):
    path.write_text("[]")


HP = "hyperparameters"
PARAMETER = (HP, "space", 0)
METRIC = ("metrics", "metrics", "loss")
TRIAL, ORACLE = "trial_2/trial.json", "oracle.json"
DAMAGE = [
    *((file, spoil, "JSON") for file in (TRIAL, ORACLE) for spoil in (truncate, empty, binary)),
    *((file, a_list, "a JSON object") for file in (TRIAL, ORACLE)),
    *((TRIAL, without(name), f"entry `{name}`") for name in ("trial_id", HP, "metrics", "score")),
    (TRIAL, without("status"), "entry `status`"),
    (TRIAL, without("space", HP), "entry `space`"),
    (TRIAL, without("values", HP), "entry `values`"),
    (TRIAL, without("class_name", *PARAMETER), "no 'class_name'"),
    (TRIAL, with_entry("Circle", "class_name", *PARAMETER), "class_name='Circle'"),
    (TRIAL, without("values", *PARAMETER, "config"), "values"),
    (TRIAL, with_entry("x", "oddity", *PARAMETER, "config"), "oddity"),
    (TRIAL, without("observations", *METRIC), "no 'observations'"),
    (TRIAL, with_entry(["much"], "value", *METRIC, "observations", 0), "`metrics`"),
    (TRIAL, with_entry("7", "trial_id"), "trial_id='7'"),
    (TRIAL, with_entry("HAPPY", "status"), "status='HAPPY'"),
    (TRIAL, with_entry("low", "score"), "score='low'"),
    (TRIAL, with_entry(float("nan"), "opt/lr", HP, "values"), "opt/lr=nan"),
    ("trial_2/build_config.json", truncate, "JSON"),
    (ORACLE, without("ongoing_trials"), "entry `ongoing_trials`"),
    (ORACLE, without(HP), f"entry `{HP}`"),
    (ORACLE, without("space", HP), "entry `space`"),
    (ORACLE, with_entry("0", "start_order"), "`start_order` to be list"),
    *((ORACLE, with_entry(["9"], name), "'9'") for name in ("start_order", "end_order")),
    (ORACLE, with_entry({"tuner0": "9"}, "ongoing_trials"), "'9'"),
    (ORACLE, with_entry({"0": "often"}, "run_times"), "`run_times`"),
]
VALUES = (HP, "values")
TRIAL, ORACLE = "trial_0006/trial.json", "oracle.json"
LADDER_DAMAGE = [
    (ORACLE, without("max_epochs"), "entry `max_epochs`"),
    (ORACLE, with_entry(1, "factor"), "`factor`"),
    (TRIAL, with_entry("4", "tuner/epochs", *VALUES), "tuner/epochs='4'"),
    (TRIAL, with_entry(3, "tuner/epochs", *VALUES), "tuner/epochs=3"),
    (TRIAL, with_entry(1, "tuner/initial_epoch", *VALUES), "from epoch 2 on"),
    (TRIAL, with_entry(1, "tuner/round", *VALUES), "round 2"),
    (TRIAL, with_entry("0099", "tuner/trial_id", *VALUES), "tuner/trial_id='0099'"),
    (TRIAL, with_entry("0006", "tuner/trial_id", *VALUES), "tuner/trial_id='0006'"),
    ("trial_0007/trial.json", with_entry(3, "tuner/bracket", *VALUES), "bracket=3"),
    ("trial_0007/trial.json", with_entry(0, "tuner/bracket", *VALUES), "bracket 0"),
]


def check(name, file, spoil, says, tmp_path):
    old = copy_of(name, tmp_path)
    spoil(old / file)
    with pytest.raises(CorruptError) as caught:
        import_keras_tuner(old, tmp_path, "new", OBJECTIVES[name])
    message = str(caught.value)
    assert str(old / file) in message
    assert says in message
    assert "nothing was imported" in message
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("file", "spoil", "says"), DAMAGE)
def test_damage_is_named_with_its_file_and_nothing_is_written(file, spoil, says, tmp_path):
    check("random_search", file, spoil, says, tmp_path)


@pytest.mark.parametrize(("file", "spoil", "says"), LADDER_DAMAGE)
def test_promotions_that_do_not_fit_are_damage(file, spoil, says, tmp_path):
    check("hyperband", file, spoil, says, tmp_path)


def test_epochs_that_are_in_no_table_are_damage(tmp_path):
    old = copy_of("hyperband", tmp_path)
    with_entry(9, "max_epochs")(old / "oracle.json")
    with pytest.raises(CorruptError, match=r"Ladder\(max_epochs=9, factor=2\).*trial_0000"):
        import_keras_tuner(old, tmp_path, "new", "val_accuracy")


def test_a_trial_without_its_folder_is_damage(tmp_path):
    old = copy_of("random_search", tmp_path)
    (old / "trial_1").rename(tmp_path / "elsewhere")
    with pytest.raises(CorruptError, match=r"oracle\.json.*no trial_1/trial\.json"):
        import_keras_tuner(old, tmp_path, "new", "val_loss")


@pytest.mark.parametrize("made", [False, True])
def test_what_is_no_project_of_keras_tuner_is_not_found(made, tmp_path):
    if made:
        (tmp_path / "old").mkdir()
        (tmp_path / "old" / "notes.txt").write_text("mine")
    with pytest.raises(FileNotFoundError, match="notes.txt" if made else "nothing"):
        import_keras_tuner(tmp_path / "old", tmp_path, "new", "val_loss")


# Lenient where older versions wrote less, or something else.


def test_what_older_versions_left_out_is_not_missed(tmp_path):
    old = copy_of("random_search", tmp_path)
    kept = ("ongoing_trials", HP, "tried_so_far", "seed_state")

    def age(state):
        for name in state.keys() - set(kept):
            del state[name]

    edit(old / "oracle.json", age)
    for path in old.glob("trial_*/trial.json"):
        without("best_step")(path)
        without("message")(path)
    imported = import_keras_tuner(old, tmp_path, "new", "val_loss")
    assert (imported.completed, imported.failed, imported.notes) == (2, 1, ())


def test_the_step_that_log_sampling_took_no_notice_of_is_dropped(tmp_path):
    old = copy_of("random_search", tmp_path)
    for path in [old / "oracle.json", *old.glob("trial_*/trial.json")]:

        def age(state):
            space = state[HP]["space"]
            units = next(p["config"] for p in space if p["config"]["name"] == "units_b")
            units.update(step=1, sampling="log")
            rate = next(p["config"] for p in space if p["config"]["name"] == "opt/lr")
            rate.update(sampling="LOG")

        edit(path, age)
    assert import_keras_tuner(old, tmp_path, "new", "val_loss").trials == 3


def test_unknown_entries_and_folders_do_no_harm(tmp_path):
    old = copy_of("random_search", tmp_path)
    edit(old / "oracle.json", lambda state: state.update(my_queue=[1]))
    edit(old / "trial_0" / "trial.json", lambda state: state.update(my_note="good"))
    (old / "trial_77").mkdir()
    (old / "trial_77" / "log.txt").write_text("never began")
    imported = import_keras_tuner(old, tmp_path, "new", "val_loss")
    assert imported.trials == 3
    assert any("my_queue" in note for note in imported.notes)
    assert any("trial_77" in note for note in imported.notes)


def test_infinite_settings_are_read(tmp_path):
    old = copy_of("hyperband", tmp_path)
    edit(old / "oracle.json", lambda state: state.update(hyperband_iterations=float("inf")))
    assert "Infinity" in (old / "oracle.json").read_text()
    imported = import_keras_tuner(old, tmp_path, "new", "val_accuracy")
    assert 'hyperband_iterations=float("inf")' in imported.oracle


def test_the_fixtures_are_what_keras_tuner_wrote():
    """So that what is spoilt above is the real thing."""
    for name in OBJECTIVES:
        oracle = json.loads((PROJECTS / name / "oracle.json").read_text())
        assert set(oracle["start_order"]) == {
            path.name.removeprefix("trial_") for path in (PROJECTS / name).glob("trial_*")
        }
