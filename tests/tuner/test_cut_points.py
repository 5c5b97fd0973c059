"""Every oracle, killed before any write of its journal, asks what it would have asked."""

import pytest
from killing import KilledError, kill_at

from tuner import Objective, TrialStatus
from tuner.journal.project import Project
from tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)
from tuner.testing import mixed_space, score_of

LOSS = Objective("loss", "min")
ORACLES = {
    "random": lambda **o: RandomSearchOracle(LOSS, 9, **o),
    "grid": lambda **o: GridSearchOracle(LOSS, 9, **o),
    "bayesian": lambda **o: BayesianOptimizationOracle(LOSS, 9, num_initial_points=4, **o),
    "hyperband": lambda **o: HyperbandOracle(LOSS, max_epochs=4, factor=2, **o),
}


def make(name, project):
    # Some trials fail, and are tried again.
    oracle = ORACLES[name](seed=2, hyperparameters=mixed_space(), max_retries_per_trial=1)
    oracle.max_consecutive_failed_trials = 99
    oracle.attach(project)
    return oracle


def run(oracle):
    while True:
        trial = oracle.create_trial("tuner0")
        if trial.status != TrialStatus.RUNNING:
            return oracle.stop("done")
        score = score_of(trial)
        if score < 0.4:
            trial.status = TrialStatus.INVALID
        else:
            oracle.update_trial(trial.trial_id, {"loss": score})
            trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)


def fates(oracle):
    return [(t.values, t.budget, t.seed, t.status, t.score) for t in oracle.trials.values()]


@pytest.mark.story
@pytest.mark.parametrize("name", ORACLES)
def test_killed_anywhere_it_asks_what_it_would_have_asked(name, tmp_path):
    straight = make(name, Project(tmp_path, "straight"))
    run(straight)
    assert any(t.retries for t in straight.trials.values())
    entries = straight.session.ledger.project._journal.next_number
    assert entries > 18
    stride = 4 if name == "bayesian" else 1  # its questions take longest
    for cut in range(1, entries, stride):
        project = Project(tmp_path, f"cut-{cut}")
        kill_at(project, cut)
        killed = make(name, project)
        with pytest.raises(KilledError):
            run(killed)
        project.close()  # or the next would wait for the lease to run out
        again = make(name, Project(tmp_path, f"cut-{cut}"))
        run(again)
        assert fates(again) == fates(straight), cut
