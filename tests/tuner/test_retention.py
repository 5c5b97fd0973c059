import pytest

from tuner import BaseTuner, Objective
from tuner.journal.retention import checked_number_kept
from tuner.oracles import HyperbandOracle, RandomSearchOracle


class Weighty(BaseTuner):
    def run_trial(self, trial):
        key = f"{self.project.paths.trial(trial.trial_id).folder}/checkpoint-0.weights.h5"
        self.project.store.replace(key, b"weights")
        trial.record["checkpoint"] = {"key": key}
        parent = trial.hyperparameters.values.get("tuner/trial_id")
        if parent is not None:
            before = self.project.paths.trial(parent).folder
            assert self.project.store.exists(f"{before}/checkpoint-0.weights.h5")
        return trial.hyperparameters.Float("x", 0.0, 1.0)


def left(oracle, tmp_path, keep):
    oracle.verbose = 0
    Weighty(oracle, directory=tmp_path, project_name="p", keep_checkpoints=keep).search()
    return {path.parent.name for path in tmp_path.rglob("checkpoint-*")}


@pytest.mark.parametrize(("keep", "count"), [("best", 1), (3, 3), ("all", 6)])
def test_the_weights_of_the_best_are_kept(tmp_path, keep, count):
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=6, seed=0)
    found = left(oracle, tmp_path, keep)
    assert found == {trial.trial_id for trial in oracle.search_history.ranked()[:count]}


def test_what_hyperband_may_promote_is_kept_as_long_as_it_may(tmp_path):
    oracle = HyperbandOracle(Objective("loss", "min"), max_epochs=9, factor=3, seed=0)
    assert left(oracle, tmp_path, "best") == {oracle.search_history.ranked()[0].trial_id}
    assert any(trial.budget.parent for trial in oracle.trials.values())


@pytest.mark.parametrize("keep", [0, -1, True, "some", None, 1.5])
def test_anything_else_is_refused(keep):
    with pytest.raises(ValueError, match="keep_checkpoints="):
        checked_number_kept(keep)
