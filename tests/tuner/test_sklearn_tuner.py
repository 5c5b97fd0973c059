"""Tuning scikit-learn models."""

import functools
import importlib.util
import pickle
import subprocess
import sys
from typing import ClassVar

import numpy as np
import pytest
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import accuracy_score, fbeta_score, make_scorer, recall_score
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from storage import CorruptError
from tasks.messages import Discover, Run
from tasks.process.local_slots import LocalSlots
from tuner import Objective, TrialStatus
from tuner.errors import FatalRuntimeError, FatalValueError
from tuner.journal.project import Project
from tuner.oracles import HyperbandOracle, RandomSearchOracle
from tuner.oracles.grid_search import GridSearchOracle
from tuner.tuners.sklearn_tuner import SklearnTuner

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X @ np.array([2.0, -1.0, 0.5, 0.0]) + RNG.normal(size=60) > 0).astype(int)


def build(hp):
    if hp.Choice("kind", ["ridge", "forest"]) == "forest":
        with hp.conditional_scope("kind", ["forest"]):
            depth = hp.Int("depth", 2, 3)
        return RandomForestClassifier(n_estimators=3, max_depth=depth)
    return RidgeClassifier(alpha=hp.Choice("alpha", [0.1, 10.0]))


def ridge(hp):
    return RidgeClassifier(alpha=hp.Choice("alpha", [0.1, 10.0]))


def make(directory, model=ridge, oracle=None, **options):
    oracle = oracle or GridSearchOracle(Objective("score", "max"), seed=0)
    oracle.verbose = 0
    return SklearnTuner(oracle, model, directory=str(directory), project_name="p", **options)


def messages(tuner):
    return [trial.message for trial in tuner.oracle.trials.values()]


def test_the_score_is_the_mean_of_five_folds_and_their_spread_is_kept(tmp_path):
    tuner = make(tmp_path)
    tuner.search(X, Y)
    for trial in tuner.oracle.trials.values():
        model = RidgeClassifier(alpha=trial.values["alpha"])
        scores = cross_val_score(model, X, Y, cv=KFold(5, shuffle=True, random_state=1))
        assert trial.score == pytest.approx(scores.mean())
        assert trial.record["scores"] == pytest.approx(list(scores))
        assert trial.record["spread"] == {"score": pytest.approx(scores.std())}
    table = tuner.results()
    assert table["spread"].to_pylist() == pytest.approx(
        [trial.record["spread"]["score"] for trial in tuner.oracle.trials.values()]
    )
    assert tuner.results("executions").num_rows == 10


def test_scoring_and_metrics_are_recorded(tmp_path):
    halved = functools.partial(fbeta_score, beta=0.5)
    metrics = [accuracy_score, recall_score, halved]
    tuner = make(tmp_path, scoring=make_scorer(recall_score), metrics=metrics, cv=KFold(3))
    tuner.search(X, Y)
    trial = tuner.oracle.get_best_trials()[0]
    assert set(trial.metrics.metrics) == {"score", "accuracy_score", "recall_score", "fbeta_score"}
    assert trial.score == pytest.approx(trial.metrics.get_last_value("recall_score"))
    assert len(trial.record["scores"]) == 3


def test_a_scorer_may_be_named_and_one_metric_needs_no_list(tmp_path):
    oracle = RandomSearchOracle(Objective("accuracy_score", "max"), max_trials=1, seed=0)
    tuner = make(tmp_path, oracle=oracle, scoring="recall", metrics=accuracy_score)
    tuner.search(X, Y)
    trial = tuner.oracle.get_best_trials()[0]
    scores = cross_val_score(
        RidgeClassifier(alpha=trial.values["alpha"]),
        X,
        Y,
        cv=KFold(5, shuffle=True, random_state=1),
    )
    assert trial.score == pytest.approx(scores.mean())


def test_a_scorer_that_knows_no_weights_is_called_without(tmp_path):
    tuner = make(tmp_path, scoring=lambda model, x, y: -float(np.mean(model.predict(x) != y)))
    tuner.search(X, Y)
    assert -1 <= tuner.oracle.get_best_trials()[0].score <= 0


def test_the_objective_must_be_something_that_is_measured(tmp_path):
    oracle = RandomSearchOracle("val_loss")
    with pytest.raises(ValueError, match=r'Objective\("score", "max"\).*val_loss.*accuracy_score'):
        make(tmp_path, oracle=oracle, metrics=accuracy_score)
    with pytest.raises(ValueError, match="score"):
        make(tmp_path, oracle=RandomSearchOracle())


class Recording(RidgeClassifier):
    """Keeps what it was fitted with."""

    fitted: list = []  # noqa: RUF012 - shared on purpose

    def fit(self, x, y, sample_weight=None):
        self.fitted.append((len(x), sample_weight))
        return super().fit(x, y, sample_weight)


def test_weights_go_to_fit_and_score_of_each_fold(tmp_path):
    Recording.fitted.clear()
    weights = np.arange(60.0)

    def scoring(model, x, y, sample_weight=None):
        assert np.array_equal(weights[[int(i) for i in x[:, 0]]], sample_weight)
        return 1.0

    numbered = np.column_stack([np.arange(60), X])
    tuner = make(tmp_path, lambda hp: Recording(hp.Fixed("alpha", 1.0)), scoring=scoring)
    tuner.search(numbered, Y, sample_weight=weights)
    assert messages(tuner) == [None]
    assert [count for count, _ in Recording.fitted] == [48] * 5
    total = sum(sample_weight.sum() for _, sample_weight in Recording.fitted)
    assert total == pytest.approx(4 * weights.sum())


@pytest.mark.parametrize(
    "model",
    [
        lambda hp: make_pipeline(StandardScaler(), Ridge(hp.Fixed("alpha", 1.0))),
        lambda hp: KNeighborsClassifier(hp.Fixed("n", 3)),
    ],
)
def test_models_that_take_no_weights_are_fitted_without(tmp_path, model):
    tuner = make(tmp_path, model)
    tuner.search(X, Y, sample_weight=np.ones(60))
    assert messages(tuner) == [None]


def test_groups_stay_together(tmp_path):
    groups = np.repeat(np.arange(6), 10)

    def scoring(model, x, y):
        return float(len(set(x[:, 0])))

    grouped = np.column_stack([groups, X])
    tuner = make(tmp_path, scoring=scoring, cv=GroupKFold(3))
    tuner.search(grouped, Y, groups=groups)
    assert tuner.oracle.trials["0000"].record["scores"] == [2.0] * 3


def test_sparse_matrices_are_split(tmp_path):
    tuner = make(tmp_path, lambda hp: LogisticRegression(C=hp.Choice("C", [0.1, 1.0])))
    tuner.search(sparse.csr_matrix(X), Y)
    assert messages(tuner) == [None, None]


@pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="pandas is not installed")
def test_data_frames_are_split_by_position(tmp_path):
    import pandas as pd

    index = np.arange(60)[::-1] + 1000
    frame, target = pd.DataFrame(X, index=index), pd.Series(Y, index=index)
    plain, framed = make(tmp_path / "plain"), make(tmp_path / "framed")
    plain.search(X, Y, sample_weight=np.arange(60.0))
    framed.search(frame, target, sample_weight=pd.Series(np.arange(60.0), index=index))
    scores = [[t.score for t in tuner.oracle.trials.values()] for tuner in (plain, framed)]
    assert scores[0] == scores[1]


class Frame:
    """Rows by position only, as of a DataFrame."""

    def __init__(self, rows):
        self.rows = rows
        self.shape = rows.shape

    @property
    def iloc(self):
        return self.rows

    def __len__(self):
        return len(self.rows)


def test_what_has_rows_by_position_is_split_by_position(tmp_path):
    tuner = make(tmp_path, cv=KFold(2))
    tuner.search(Frame(X), Frame(Y))
    assert messages(tuner) == [None, None]


def test_data_of_another_type_ends_the_search_and_says_what_to_pass(tmp_path):
    with pytest.raises(FatalRuntimeError, match=r"Expected the data to be numpy\.ndarray.*list"):
        make(tmp_path).search(X.tolist(), Y.tolist())


def test_a_splitter_without_a_fold_ends_the_search(tmp_path):
    class Nothing:
        def split(self, x, y):
            return []

    with pytest.raises(FatalValueError, match="at least one fold"):
        make(tmp_path, cv=Nothing()).search(X, Y)


def test_the_model_of_the_last_fold_is_kept_and_survives_the_process(tmp_path):
    make(tmp_path, build, cv=KFold(2)).search(X, Y)
    tuner = make(tmp_path, build)
    best = tuner.get_best_models()[0]
    trial = tuner.oracle.get_best_trials()[0]
    *_, (_, test) = KFold(2).split(X)
    assert best.score(X[test], Y[test]) == pytest.approx(trial.record["scores"][-1])
    assert len(tuner.get_best_models(num_models=3)) == 3
    assert (tmp_path / "p" / trial.record["model"]["key"]).is_file()


def test_a_search_of_random_models_can_be_repeated(tmp_path):
    scores = []
    for name in ("a", "b"):
        tuner = make(tmp_path / name, build, cv=KFold(2))
        tuner.search(X, Y)
        scores.append([trial.score for trial in tuner.oracle.trials.values()])
    assert scores[0] == scores[1]
    assert len(scores[0]) > 3


class Unlucky(DummyClassifier):
    """Has no score the first time."""

    drawn: ClassVar[list[float]] = []

    def score(self, X, y, sample_weight=None):  # noqa: N803 - scikit-learn's name
        self.drawn.append(np.random.random())  # noqa: NPY002 - seeded for each try
        return float("nan") if len(self.drawn) == 1 else super().score(X, y, sample_weight)


@pytest.mark.parametrize("retries", [0, 1])
def test_a_trial_without_a_finite_score_is_tried_again_with_other_numbers(tmp_path, retries):
    Unlucky.drawn.clear()
    oracle = GridSearchOracle(
        Objective("score", "max"), seed=0, max_trials=1, max_retries_per_trial=retries
    )
    make(tmp_path, lambda _: Unlucky(), oracle, cv=ShuffleSplit(1, random_state=0)).search(X, Y)
    trial = oracle.trials["0000"]
    if retries:
        assert trial.status == TrialStatus.COMPLETED
        assert Unlucky.drawn[0] != Unlucky.drawn[1]
    else:
        assert "not finite" in trial.message


def test_a_damaged_model_is_not_loaded(tmp_path):
    tuner = make(tmp_path)
    tuner.search(X, Y)
    trial = tuner.oracle.get_best_trials()[0]
    path = tmp_path / "p" / trial.record["model"]["key"]
    path.write_bytes(pickle.dumps("another"))
    with pytest.raises(CorruptError, match=trial.trial_id):
        tuner.load_model(trial)


def test_a_trial_without_a_model_says_so(tmp_path):
    def broken(hp):
        if hp.Choice("broken", [False, True]):
            raise ValueError("no such model")
        return Ridge()

    tuner = make(tmp_path, broken)
    tuner.search(X, Y)
    failed = tuner.oracle.trials["0001"]
    assert failed.status == TrialStatus.FAILED
    with pytest.raises(FileNotFoundError, match="0001"):
        tuner.load_model(failed)
    assert len(tuner.get_best_models(2)) == 1


def test_a_model_that_cannot_be_pickled_fails_its_trial_and_says_what_to_do(tmp_path):
    class Local(Ridge):
        pass

    tuner = make(tmp_path, lambda hp: Local(alpha=hp.Fixed("alpha", 1.0)))
    tuner.search(X, Y)
    assert "override `save_model`" in messages(tuner)[0]


def test_a_subclass_may_keep_models_its_own_way(tmp_path):
    kept = {}

    class Own(SklearnTuner):
        def save_model(self, trial_id, model, step=0):
            kept[trial_id] = model

        def load_model(self, trial):
            return kept[trial.trial_id]

    oracle = GridSearchOracle(Objective("score", "max"))
    oracle.verbose = 0
    tuner = Own(oracle, ridge, directory=str(tmp_path), project_name="p")
    tuner.search(X, y=Y)
    assert tuner.get_best_models()[0] in kept.values()


def test_hyperband_is_of_no_use_but_does_no_harm(tmp_path):
    oracle = HyperbandOracle(Objective("score", "max"), max_epochs=3, seed=0)
    tuner = make(tmp_path, lambda hp: Ridge(hp.Float("alpha", 0.1, 1.0)), oracle)
    tuner.search(X, Y)
    assert set(messages(tuner)) == {None}


STUDY = """
import numpy as np
from sklearn.linear_model import Ridge
from tuner import Objective
from tuner.oracles import RandomSearchOracle
from tuner.tuners.sklearn_tuner import SklearnTuner

def build_model(hp):
    return Ridge(alpha=hp.Float("alpha", 0.1, 1.0))

def load_data():
    x = np.random.default_rng(0).normal(size=(30, 2))
    return {"X": x, "y": x[:, 0]}

def build_tuner(**project):
    oracle = RandomSearchOracle(Objective("score", "max"), max_trials=2, seed=0)
    return SklearnTuner(oracle, build_model, **project)
"""


@pytest.mark.story
def test_a_training_child_discovers_the_space_runs_a_trial_and_leaves_its_model(tmp_path):
    study = tmp_path / "study.py"
    study.write_text(STUDY)
    project = {"directory": str(tmp_path), "project_name": "p"}
    trial = {
        "trial_id": "0000",
        "hyperparameters": {"space": [], "values": {}},
        "metrics": {"metrics": {}},
        "status": "RUNNING",
    }
    with LocalSlots(1, {"study": str(study), "project": project}) as slots, slots.lease() as slot:
        space = slot.ask(Discover(), lambda _: None, lambda _: None)
        answer = slot.ask(Run(trial), lambda _: None, lambda _: None)
    assert [parameter["config"]["name"] for parameter in space.space["space"]] == ["alpha"]
    assert answer.trial["status"] == "COMPLETED"
    kept = Project(str(tmp_path), "p").read_result("0000")["record"]
    assert len(kept["executions"]) == 5
    assert (tmp_path / "p" / kept["model"]["key"]).is_file()


def test_scikit_learn_is_imported_only_when_it_is_needed():
    script = "import sys, tuner.tuners.sklearn_tuner; print('sklearn' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "False"
