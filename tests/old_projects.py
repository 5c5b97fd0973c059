"""Project directories of Keras Tuner, to be spoilt by tests."""

import json
import shutil

from support import ROOT

from tuner.journal.folding import replay
from tuner.journal.history import History
from tuner.journal.project import Project
from tuner.keras_tuner.importing import import_keras_tuner

PROJECTS = ROOT / "tests" / "fixtures" / "keras_tuner_projects"
OBJECTIVES = {"random_search": "val_loss", "hyperband": "val_accuracy"}


def copy_of(name, folder):
    """A copy that may be changed."""
    return shutil.copytree(PROJECTS / name, folder / f"old_{name}")


def edit(path, change):
    """Lets a function change what a JSON file says."""
    state = json.loads(path.read_text())
    change(state)
    path.write_text(json.dumps(state))


def old_trials(folder):
    """The states in all `trial.json`, in the order of their ids."""
    paths = sorted(folder.glob("trial_*/trial.json"))
    return [json.loads(path.read_text()) for path in paths]


def remove_trials(folder, ids):
    """Makes it as if the search had been stopped before these trials."""

    def forget(state):
        for name in ("start_order", "end_order"):
            state[name] = [trial_id for trial_id in state[name] if trial_id not in ids]
        state["run_times"] = {k: n for k, n in state["run_times"].items() if k not in ids}

    edit(folder / "oracle.json", forget)
    for trial_id in ids:
        shutil.rmtree(folder / f"trial_{trial_id}")


def rename_trial(folder, old_id, new_id):
    """Gives a trial another id wherever it is named."""
    path = folder / f"trial_{old_id}" / "trial.json"
    edit(path, lambda state: state.update(trial_id=new_id))
    path.parent.rename(folder / f"trial_{new_id}")
    for path in [folder / "oracle.json", *folder.glob("trial_*/trial.json")]:
        if path.exists():
            path.write_text(path.read_text().replace(f'"{old_id}"', f'"{new_id}"'))


def take(old, tmp_path, objective="val_loss"):
    """Imports an old project; answers the summary and the new history."""
    imported = import_keras_tuner(old, tmp_path, "new", objective)
    return imported, history_of(tmp_path)


def history_of(folder, name="new"):
    """The history as the journal of a project tells it."""
    project = Project(str(folder), name)
    info = project.info()
    history = History.of_project(info)
    replay(history, project.events())
    return history


def states_of(history):
    """The states of all trials, to compare."""
    return [trial.get_state() for trial in history.trials.values()]
