"""Oracles find what chance does not: a short, seeded form of `make quality`, with loose bounds."""

import sys
from functools import partial

import numpy as np
import pytest
from support import ROOT

from tuner.oracles import AsyncHyperbandOracle, BayesianOptimizationOracle, RandomSearchOracle

SEEDS = 3
MODULES = (
    "problems",
    "runners",
    "report",
    "standings",
    "duels",
    "tables",
    "samplers",
    "digits_table",
    "parallel",
)


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # what they set is taken back
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def median_regret(create, name, cost, slots=1):
    from problems import CURVES, PROBLEMS
    from runners import run_epochs, run_trials

    if name in CURVES:
        runs = [run_epochs(create, CURVES[name], seed, cost, slots) for seed in range(SEEDS)]
    else:
        runs = [run_trials(create, PROBLEMS[name], seed, cost, slots) for seed in range(SEEDS)]
    return np.median([run.at(cost) for run in runs])


@pytest.mark.story
@pytest.mark.parametrize(
    ("problem", "trials", "bound"),
    [("branin", 35, 5e-3), ("rosenbrock4", 35, 12.0), ("mixed", 35, 0.09), ("ackley5", 35, 3.0)],
)
def test_a_model_finds_what_peers_need_more_trials_for(problem, trials, bound):
    assert median_regret(BayesianOptimizationOracle, problem, trials) < bound
    assert median_regret(RandomSearchOracle, problem, trials) > bound


@pytest.mark.story
def test_four_slots_at_once_lose_little():
    assert median_regret(BayesianOptimizationOracle, "branin", 42, slots=4) < 5e-3


@pytest.mark.story
def test_a_model_of_all_budgets_beats_asha_at_equal_epochs():
    asha = partial(AsyncHyperbandOracle, max_trials=10**6)
    model = median_regret(asha, "crossing_curves", 270)
    chance = median_regret(partial(asha, sampler="random"), "crossing_curves", 270)
    assert model < 0.03 < chance


def test_the_report_says_who_is_best(tmp_path):
    import json

    from report import tables, write
    from runners import Run

    for oracle, regret in (("bayesian", 0.5), ("optuna", 2.0)):
        for seed in range(3):
            run = Run(list(range(1, 101)), [regret + seed] * 100, cpu=0.25)
            path = tmp_path / "cache" / "branin" / f"{oracle}-{seed}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(run.to_json()))
    from report import read

    text = tables(read(tmp_path / "cache"))
    assert "| **bayesian** | **1.5** [1, 2] (3) |" in text
    assert "| optuna | 3 [2.5, 3.5] (3) |" in text
    assert "| optuna | 2 | 2 |" in text
    assert "| optuna | 250.0 |" in text
    page = tmp_path / "docs" / "quality.md"
    page.parent.mkdir()
    page.write_text("a\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nb\n")
    write(tmp_path / "cache", page.parent)
    assert page.read_text().startswith("a\n")
    assert page.read_text().endswith("b\n")
    assert "old" not in page.read_text()
    assert text in page.read_text()


def test_a_run_knows_what_looked_best_at_each_cost():
    from runners import Run

    run = Run()
    for cost, seen, regret in [(1, 5.0, 4.0), (4, 3.0, 9.0), (9, 4.0, 1.0), (10, 2.0, 0.5)]:
        run.add(cost, seen, regret)
    assert [run.at(cost) for cost in (0, 1, 3, 4, 9, 10)] == [float("inf"), 4, 4, 9, 9, 0.5]


def test_slots_are_compared_by_the_evaluations_they_need():
    from parallel import first_below, of_means, of_medians

    one = np.array([[9.0, 4, 4, 1, 1, 1], [9, 9, 4, 1, 1, 1], [9, 9, 9, 9, 1, 1]])
    several = np.array([[9.0, 9, 9, 4, 1, 1], [9, 9, 9, 9, 4, 4], [9, 4, 4, 4, 4, 4]])
    assert list(first_below(several, 4.0)) == [4, 5, 2]
    assert of_medians(one, several, after=3) == 4 / 3  # the level is 4
    assert of_medians(one, several, after=4) == np.inf
    assert of_means(one, several, after=3) == 4 / 3  # (4 * 4 * 9) ** (1 / 3)
    assert of_means(one, several, after=5) == np.inf


def run_of(*regrets):
    from runners import Run

    return Run(list(range(1, 1 + len(regrets))), list(regrets))


def test_a_pair_is_won_by_the_lower_regret_and_halved_when_level():
    from duels import pairs_won, share

    ours = [{0: run_of(1.0, 0.5), 1: run_of(1.0, 0.2), 2: run_of(9.0)}, {0: run_of(0.1, 0.1)}]
    theirs = [{0: run_of(1.0, 0.5), 1: run_of(1.0, 0.3)}, {0: run_of(0.0, 0.0)}]
    pairs = pairs_won(ours, theirs, cost=2)
    assert [list(won) for won in pairs] == [[0.5, 1.0], [0.0]]
    found = share(pairs)
    assert found.mean == (0.75 + 0.0) / 2  # each table counts once
    assert found.pairs == 3
    assert found.low == 0.0
    assert 0.75 <= found.high <= 1.0


def test_the_interval_of_a_share_is_that_of_seeds_where_tables_agree():
    from duels import share

    rng = np.random.default_rng(0)
    found = share([rng.integers(2, size=100).astype(float) for _ in range(15)])
    deviation = 0.5 / np.sqrt(1500)
    assert 3 * deviation < found.high - found.low < 6 * deviation


def test_the_standings_say_how_many_pairs_are_won():
    from standings import sections

    ours, other = run_of(*[0.1] * 100), run_of(*[0.3] * 100)
    found = {
        "kc1": {"bayesian": {0: ours, 1: ours}, "optuna": {0: other, 1: run_of(*[0.05] * 100)}},
        "cifar10": {"bayesian": {0: ours}, "optuna": {0: other}},
    }
    text = sections(found)
    assert "| optuna | 0.237 | 0.237 | 0.237 | 2.0 | 1 | 0.75 [" in text
    assert "| optuna | 0.300 | 0.300 | 0.300 | 2.0 | 1 | 1.00 [1.00, 1.00]" in text  # held out
    assert "| cifar10 | **0.100** | 0.300 |" in text
    assert sections({}) == ""


def test_a_table_gives_one_recorded_loss_and_judges_by_the_mean():
    from tables import Table

    losses = np.array([[1.0, 3.0], [0.0, np.nan], [8.0, 8.0], [4.0, 4.0]])
    means = np.nanmean(losses, axis=1)
    choices = {"kind": ["a", "b"], "level": [0.1, 0.2]}
    table = Table(lambda _: None, lambda v: means[table.index(v)], 0.0, 0.0, 2.0, choices, losses)
    row = {"kind": "a", "level": 0}
    assert table.index({"kind": "b", "level": 1}) == 3
    assert table.regret(table.loss(row)) == 1.0
    seen = {table.observer(seed)(row, 2.0) for seed in range(20)}
    assert seen == {1.0, 3.0}
    assert len({table.observer(3)(row, 2.0) for _ in range(5)}) == 1
    assert table.observer(0)({"kind": "a", "level": 1}, 0.0) == 0.0
