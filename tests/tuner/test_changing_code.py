"""Failed trials are tried again once the code of their study has changed, or when asked for."""

import sys

import pytest

from tuner import TrialStatus
from tuner.journal.project import Project
from tuner.oracles.taking_over import reopen_trials
from tuner.tuners.code_digest import digest_of, digest_of_files
from tuner.tuners.study import load_study

STUDY = """
from tuner import BaseTuner, Objective
from tuner.oracles import RandomSearchOracle
from helper_of_the_study import broken

class T(BaseTuner):
    def run_trial(self, trial):
        x = trial.hyperparameters.Float("x", 0.0, 1.0)
        if trial.trial_id in broken():
            raise ValueError("it is broken")
        return x

def build_tuner(**project):
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=5, seed=0,
                                max_consecutive_failed_trials=4)
    oracle.verbose = 0
    return T(oracle, **project)
"""


@pytest.fixture
def study(tmp_path):
    """Writes the study and what it imports, searches, and tells the tuner and what was said."""
    path, beside = tmp_path / "study.py", tmp_path / "helper_of_the_study.py"

    def search(broken, text=STUDY, **arguments):
        path.write_text(text)
        beside.write_text(broken)
        for name in [n for n in sys.modules if n.startswith(("_trialflow_study", beside.stem))]:
            del sys.modules[name]
        found = load_study(str(path))
        tuner = found.build_tuner(_role(), directory=str(tmp_path / "results"), project_name="p")
        tuner.oracle.study = digest_of_files([path])
        said = []
        declare = tuner.oracle.session.declare
        tuner.oracle.session.declare = lambda told: said.extend(declare(told)) or said
        tuner.search(**arguments)
        return tuner, said

    yield search
    sys.path.remove(str(tmp_path))


def _role():
    from tuner.core.runtime import Role

    return Role.SCRIPT


BROKEN = "def broken(): return ['0001', '0003']"
MENDED = "def broken(): return []"
COMMENTED = "# Twice.\ndef broken():\n    return ['0001', '0003']\n"


def statuses(tuner):
    return [trial.status for trial in tuner.oracle.trials.values()]


def test_failed_trials_are_tried_again_when_the_code_of_their_study_has_changed(study):
    first, _ = study(BROKEN)
    assert statuses(first).count(TrialStatus.FAILED) == 2
    values = [trial.values for trial in first.oracle.trials.values()]
    again, said = study(MENDED)
    why = "the study's code has changed since they failed"
    assert said == [f"Tried again, {why}: trials 0001, 0003."]
    assert statuses(again) == [TrialStatus.COMPLETED] * 5
    assert [trial.values for trial in again.oracle.trials.values()] == values
    assert again.oracle.search_history.failed == 0
    assert sorted(again.oracle.end_order) == ["0000", "0001", "0002", "0003", "0004"]


@pytest.mark.parametrize("code", [BROKEN, COMMENTED], ids=["the same", "a comment more"])
def test_they_are_not_tried_again_under_the_same_code(study, code):
    first, _ = study(BROKEN)
    again, said = study(code)
    assert said == []
    assert again.oracle.end_order == first.oracle.end_order


def test_once_for_each_change(study):
    study(BROKEN)
    worse = "def broken(): return ['0003', '0001'][:1]"
    again, _ = study(worse)
    assert statuses(again)[3] == TrialStatus.FAILED
    assert study(worse)[1] == []
    assert "0003." in study(MENDED)[1][0]


def test_they_are_tried_again_when_asked_for(study):
    study(BROKEN)
    again, said = study(BROKEN, retry_failed=True)
    assert said == ["Tried again, as asked for: trials 0001, 0003."]
    assert statuses(again).count(TrialStatus.FAILED) == 2
    assert study(BROKEN)[1] == []


def test_a_trial_that_is_tried_again_has_seeds_and_retries_of_its_own(study):
    retrying = STUDY.replace("seed=0,", "seed=0, max_retries_per_trial=1,")
    before = study(BROKEN, retrying)[0].oracle.trials["0003"]
    assert before.tries == 2
    after = study(BROKEN, retrying, retry_failed=True)[0].oracle.trials["0003"]
    assert after.tries == 4
    assert after.seed == before.seed
    assert after.seed_of(0) != before.seed_of(0)


def test_what_a_refused_trial_left_is_not_taken_for_its_next_attempt(study):
    refusing = STUDY.replace("raise ValueError(", "raise FailedTrialError(").replace(
        "import BaseTuner", "import BaseTuner, errors"
    )
    refusing = refusing.replace("FailedTrialError", "errors.FailedTrialError")
    first, _ = study(BROKEN, refusing)
    assert first.search_project.read_result("0001")["status"] == "FAILED"
    again, _ = study(MENDED, refusing)
    assert again.search_project.read_result("0001")["status"] == "COMPLETED"
    assert statuses(again) == [TrialStatus.COMPLETED] * 5


def test_failures_of_earlier_runs_do_not_end_a_run(study):
    all_of_them = "def broken(): return [f'{n:04d}' for n in range(4)]"
    with pytest.raises(RuntimeError, match="consecutive"):
        study(all_of_them)
    worse = "def broken(): return ['0001']"
    again, _ = study(worse)
    assert statuses(again).count(TrialStatus.COMPLETED) == 4


def test_chosen_trials_are_opened_again_while_nobody_searches(study, tmp_path):
    study(BROKEN)
    project = Project(str(tmp_path / "results"), "p")
    assert reopen_trials(project.anew(), ["3"], 0.0) == ["0003"]
    again, said = study(MENDED.replace("[]", "['0001']"))
    assert "0001" in said[0]
    assert [s == TrialStatus.COMPLETED for s in statuses(again)] == [True, False, True, True, True]
    with pytest.raises(ValueError, match="trial 0000, completed"):
        reopen_trials(project.anew(), ["0000"], 0.0)
    with pytest.raises(ValueError, match="Received: '77'"):
        reopen_trials(project.anew(), ["77"], 0.0)
    assert reopen_trials(project.anew(), [], 0.0) == ["0001"]
    assert reopen_trials(project.anew(), [], 0.0) == []


def test_the_digest_is_of_what_the_study_imports_from_its_folder_too(tmp_path):
    (tmp_path / "study.py").write_text("import os, models.cnn\ndef f():\n    from late import x\n")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("")
    (tmp_path / "models" / "cnn.py").write_text("from models.blocks import block\n")
    for name in ("models/blocks.py", "late.py", "another.py"):
        (tmp_path / name).write_text("x = 1\n")
    study = [tmp_path / "study.py"]
    before = digest_of_files(study)
    (tmp_path / "another.py").write_text("x = 2\n")
    assert digest_of_files(study) == before
    for name in ("models/blocks.py", "late.py", "models/__init__.py"):
        (tmp_path / name).write_text("x = 2\n")
        assert digest_of_files(study) != before
        before = digest_of_files(study)
    (tmp_path / "late.py").write_text("x = (")
    assert digest_of_files(study) is None


def test_of_code_that_nobody_can_read_there_is_no_digest():
    made = eval("lambda hp: hp")
    made.__module__ = "__typed__"
    assert digest_of([made]) is None
    assert digest_of([_role]) is not None
    assert digest_of([object()]) is None  # not the user's
