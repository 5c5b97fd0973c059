"""The best model at an address of its own: whole, and replaced by better ones only."""

import json
import threading

import numpy as np
import pytest
from searches import Curves

from storage import NewerFormatError, open_store
from tuner import BaseTuner, Objective, RandomSearch, Tuner
from tuner.core.hyperparameters import HyperParameters
from tuner.core.trial import Trial
from tuner.oracles import RandomSearchOracle
from tuner.results.models import load_best_models
from tuner.results.publishing import (
    ALREADY,
    Candidate,
    Lineage,
    Publication,
    Publisher,
    read_publication,
    why_it_stays,
)

LOSS = Objective("loss", "min")


class Given(BaseTuner):
    """Its trials score what the test says, by the value of `x`."""

    def run_trial(self, trial):
        return {"loss": self.scores[trial.hyperparameters.Int("x", 0, 9)]}


def searched(directory, name, scores, objective=LOSS):
    """A search that tries the values, and scores each as given."""
    oracle = RandomSearchOracle(objective, max_trials=len(scores), seed=0)
    oracle.verbose = 0
    tuner = Given(oracle, directory=str(directory), project_name=name)
    tuner.scores = scores
    for x in scores:
        oracle.enqueue({"x": x})
    tuner.search()
    return tuner


def publish(tuner, url, version=None, *, ended=True, now=1.0):
    project = tuner.search_project
    candidate = Candidate.of(tuner.oracle.search_history)
    run = Lineage(project.url, study="churn.py", study_digest="abc", data_version=version)
    return Publisher.at(str(url)).publish(project, candidate, run, now, ended=ended)


def published(url):
    found = read_publication(str(url))
    return found.lineage.project.rpartition("/")[2], found.values["x"], found.score


def test_what_is_published_says_what_it_is_and_where_it_comes_from(tmp_path):
    assert publish(searched(tmp_path, "a", {3: 0.5, 4: 0.25}), tmp_path / "out", "v1") is None
    state = json.loads((tmp_path / "out" / "best.json").read_text())
    assert state["score"] == 0.25
    assert state["values"] == {"x": 4}
    assert state["objective"] == {"name": "loss", "direction": "min"}
    assert state["model"] is None
    assert state["lineage"] == {
        "project": str(tmp_path / "a"),
        "trial": "0001",
        "study": "churn.py",
        "study_digest": "abc",
        "data_version": "v1",
        "flow_run": None,
    }


def test_on_the_same_data_only_a_better_one_replaces_it(tmp_path):
    out = tmp_path / "out"
    publish(searched(tmp_path, "a", {3: 0.5}), out, "v1")
    assert "0.5 is not better than 0.5" in publish(searched(tmp_path, "b", {5: 0.5}), out, "v1")
    assert published(out) == ("a", 3, 0.5)
    assert publish(searched(tmp_path, "c", {5: 0.4}), out, "v1") is None
    assert published(out) == ("c", 5, 0.4)
    assert publish(searched(tmp_path, "c", {5: 0.4}), out, "v1") == ALREADY


def test_on_other_data_its_values_count_with_the_score_they_have_there(tmp_path):
    out = tmp_path / "out"
    publish(searched(tmp_path, "monday", {3: 0.5}), out, "v1")
    # On Tuesday's data all is worse: what is published stays until its values are beaten.
    worse = searched(tmp_path, "tuesday", {3: 0.8, 4: 0.9})
    assert "0.8 is not better than 0.8" in publish(worse, out, "v2")
    assert published(out) == ("monday", 3, 0.5)
    assert publish(searched(tmp_path, "wednesday", {3: 0.8, 4: 0.7}), out, "v3") is None
    assert published(out) == ("wednesday", 4, 0.7)


def test_a_search_that_never_tries_its_values_replaces_it_when_it_has_ended(tmp_path):
    out = tmp_path / "out"
    publish(searched(tmp_path, "a", {3: 0.5}), out, "v1")
    other = searched(tmp_path, "b", {4: 0.9})
    assert "once the search has ended" in publish(other, out, "v2", ended=False)
    assert published(out) == ("a", 3, 0.5)
    assert publish(other, out, "v2", ended=True) is None
    assert published(out) == ("b", 4, 0.9)


def test_another_objective_is_not_compared(tmp_path):
    out = tmp_path / "out"
    publish(searched(tmp_path, "a", {3: 0.5}), out)
    other = searched(tmp_path, "b", {3: 0.1}, Objective("loss", "max"))
    assert publish(other, out, ended=False) is not None
    assert publish(other, out, ended=True) is None


def test_nothing_is_published_of_a_search_without_a_score(tmp_path):
    tuner = searched(tmp_path, "a", {3: float("nan")})
    assert publish(tuner, tmp_path / "out") == "no trial has completed yet"
    with pytest.raises(FileNotFoundError, match="Expected a search to have published"):
        read_publication(str(tmp_path / "out"))


def test_a_project_begun_anew_is_not_taken_for_the_one_that_is_published(tmp_path):
    out = tmp_path / "out"
    old = searched(tmp_path, "a", {3: 0.5})
    publish(old, out)
    old.search_project.erase()
    assert publish(searched(tmp_path, "a", {4: 0.25}), out) is None
    assert published(out) == ("a", 4, 0.25)


def test_names_that_the_space_has_lost_are_left_out_when_values_are_compared(tmp_path):
    tuner = searched(tmp_path, "a", {3: 0.5})
    candidate = Candidate.of(tuner.oracle.search_history)
    assert candidate.score_of({"x": 3, "gone": 1}) == 0.5
    assert candidate.score_of({"x": 4}) is None


def test_of_many_that_publish_at_once_the_best_one_remains(tmp_path):
    out = tmp_path / "out"
    tuners = [searched(tmp_path, f"p{k}", {k: 1 - k / 10}) for k in range(6)]
    barrier = threading.Barrier(len(tuners))

    def go(tuner):
        barrier.wait()
        publish(tuner, out)

    threads = [threading.Thread(target=go, args=(tuner,)) for tuner in tuners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert published(out) == ("p5", 5, 0.5)
    store = open_store(str(out))
    records = [
        json.loads(store.read(f"publications/{name}")) for name in store.list("publications")
    ]
    assert [record["number"] for record in records] == list(range(len(records)))
    scores = [record["score"] for record in records]
    assert scores == sorted(scores, reverse=True)


def test_one_that_was_killed_before_the_last_write_is_mended_by_the_next(tmp_path):
    out = tmp_path / "out"
    publish(searched(tmp_path, "a", {3: 0.5}), out)
    before = (out / "best.json").read_bytes()
    better = searched(tmp_path, "b", {4: 0.25})
    publish(better, out)
    (out / "best.json").write_bytes(before)
    assert publish(better, out) == ALREADY
    assert published(out) == ("b", 4, 0.25)


def test_a_newer_publication_is_refused_by_name(tmp_path):
    out = tmp_path / "out"
    publish(searched(tmp_path, "a", {3: 0.5}), out)
    record = out / "publications" / "000000.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "format": 2}))
    with pytest.raises(NewerFormatError, match="format=2"):
        publish(searched(tmp_path, "b", {4: 0.25}), out)


@pytest.mark.parametrize(
    ("direction", "score", "stays"), [("max", 0.9, False), ("max", 0.7, True), ("min", 0.9, True)]
)
def test_the_verdict_takes_the_direction_of_the_objective(direction, score, stays):
    objective = Objective("accuracy", direction)
    trial = Trial(HyperParameters(), "0001")
    trial.score = score
    candidate = Candidate(trial, objective, frozenset(), (({}, score),))
    there = Publication(0, objective.to_json(), 0.8, {}, Lineage("other", "0000"), None, 0.0)
    verdict = why_it_stays(there, candidate, Lineage("p", "0001"), ended=False)
    assert (verdict is not None) is stays


def build_model(hp):
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(hp.Int("units", 2, 8))])
    model.add(keras.layers.BatchNormalization())
    model.add(keras.layers.Dense(1))
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


DATA = np.random.default_rng(0).normal(size=(32, 4))


@pytest.mark.story
def test_the_published_file_is_the_best_model_as_keras_saves_it(tmp_path):
    import keras

    out = tmp_path / "out"
    tuner = RandomSearch(
        build_model, "val_loss", 2, seed=0, directory=str(tmp_path), project_name="p"
    )
    tuner.search(DATA, DATA.sum(1), validation_split=0.5, epochs=2, verbose=0)
    publish(tuner, out)
    model = keras.saving.load_model(out / read_publication(str(out)).model)
    expected = load_best_models(tmp_path / "p")[0]
    assert np.array_equal(model.predict(DATA, verbose=0), expected.predict(DATA, verbose=0))
    assert [v.numpy().tolist() for v in model.optimizer.variables] == [
        v.numpy().tolist() for v in expected.optimizer.variables
    ]
    model.fit(DATA, DATA.sum(1), verbose=0)  # compiled, and its optimizer goes on


@pytest.mark.story
def test_a_model_that_only_its_code_can_build_leaves_its_weights(tmp_path):
    import keras

    class Odd(keras.Model):
        def __init__(self, units):
            super().__init__()
            self.layer = keras.layers.Dense(units)
            self.last = keras.layers.Dense(1)

        def call(self, x):
            return self.last(self.layer(x))

        def get_config(self):
            raise NotImplementedError

    def build(hp):
        model = Odd(hp.Int("units", 2, 4))
        model.compile("sgd", "mse")
        return model

    tuner = Tuner(
        RandomSearchOracle("val_loss", 1, seed=0), build, directory=str(tmp_path), project_name="p"
    )
    tuner.search(DATA, DATA.sum(1), validation_split=0.5, verbose=0)
    publish(tuner, tmp_path / "out")
    key = read_publication(str(tmp_path / "out")).model
    assert key.endswith(".weights.h5")
    model = Odd(tuner.oracle.get_best_trials()[0].values["units"])
    model(DATA)
    model.load_weights(tmp_path / "out" / key)


def test_only_the_newest_models_stay(tmp_path, monkeypatch):
    from tuner.results import publishing

    def a_file(project, trial, folder):
        path = folder / "model.keras"
        path.write_bytes(trial.trial_id.encode() + project.name.encode())
        return path

    monkeypatch.setattr(publishing, "model_file", a_file)
    out = tmp_path / "out"
    for k in range(4):
        publish(searched(tmp_path, f"p{k}", {k: 1 - k / 10}), out)
    names = sorted(path.name.partition("-")[0] for path in (out / "models").iterdir())
    assert names == ["000002", "000003"]
    assert (out / read_publication(str(out)).model).read_bytes() == b"0000p3"


def test_a_search_of_curves_publishes_no_model(tmp_path):
    oracle = RandomSearchOracle(Objective("accuracy", "max"), max_trials=2, seed=0)
    oracle.verbose = 0
    tuner = Curves(oracle, directory=str(tmp_path), project_name="curves")
    tuner.search()
    publish(tuner, tmp_path / "out")
    found = read_publication(str(tmp_path / "out"))
    assert found.model is None
    assert found.metrics["accuracy"] == found.score
