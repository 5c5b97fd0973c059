"""Results as Arrow tables, read from real projects."""

import math
from datetime import UTC, datetime
from types import SimpleNamespace

import pyarrow as pa
import pytest

from storage import CorruptError
from tuner import BaseTuner, Objective
from tuner.errors import FailedTrialError
from tuner.journal.executions import measured_at
from tuner.journal.project import Project
from tuner.oracles import HyperbandOracle, RandomSearchOracle
from tuner.oracles.grid_search import GridSearchOracle
from tuner.results.tables import epochs_table, executions_table, spread, table_of, trials_table

FIXED = {
    "trial_id": pa.string(),
    "status": pa.string(),
    "score": pa.float64(),
    "best_step": pa.int64(),
    "spread": pa.float64(),
    "started": pa.timestamp("us", tz="UTC"),
    "ended": pa.timestamp("us", tz="UTC"),
    "seconds": pa.float64(),
    "host": pa.string(),
    "device": pa.string(),
    "slot": pa.string(),
    "seed": pa.int64(),
    "tries": pa.int64(),
    "epochs": pa.int64(),
    "initial_epoch": pa.int64(),
    "sweep": pa.int64(),
    "bracket": pa.int64(),
    "rung": pa.int64(),
    "parent": pa.string(),
    "message": pa.string(),
}


def curve_of(epochs, **metrics):
    """What counts as a Keras History."""
    return SimpleNamespace(epoch=list(epochs), history=metrics)


class Told(BaseTuner):
    """Runs a function."""

    run = None

    def run_trial(self, trial):
        return type(self).run(self, trial)


def searched(directory, run, oracle=None, **options):
    options = {"max_trials": 3, "max_consecutive_failed_trials": 100, **options}
    oracle = oracle or GridSearchOracle(Objective("loss", "min"), seed=0, **options)
    oracle.verbose = 0
    cls = type("Runs", (Told,), {"run": run})
    tuner = cls(oracle, directory=str(directory), project_name="p")
    tuner.search()
    return tuner.project, tuner.oracle.history


def types_of(table):
    return dict(zip(table.column_names, table.schema.types, strict=True))


def test_a_project_without_a_trial_gives_empty_tables_with_the_fixed_columns(tmp_path):
    history = RandomSearchOracle("val_loss").history
    project = Project(str(tmp_path), "p")
    tables = [table_of(level, project, history) for level in ("trials", "executions", "epochs")]
    assert [table.num_rows for table in tables] == [0, 0, 0]
    assert types_of(tables[0]) == FIXED
    assert types_of(tables[1]) == {
        "trial_id": pa.string(),
        "execution": pa.int64(),
        "best_step": pa.int64(),
        "host": pa.string(),
        "device": pa.string(),
        "seed": pa.int64(),
    }
    assert types_of(tables[2]) == {
        "trial_id": pa.string(),
        "execution": pa.int64(),
        "epoch": pa.int64(),
    }


def test_a_level_that_is_none_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"'trials', 'executions', 'epochs'.*level='trial'"):
        table_of("trial", Project(str(tmp_path), "p"), RandomSearchOracle("val_loss").history)


def test_a_trial_is_a_row_with_its_score_its_spread_and_its_times(tmp_path):
    before = datetime.now(UTC)

    def run(self, trial):
        x = trial.hyperparameters.Int("x", 1, 3)
        return [{"loss": float(x), "other": 1}, {"loss": x + 2.0, "other": 2}]

    table = trials_table(searched(tmp_path, run)[1])
    after = datetime.now(UTC)
    rows = table.to_pylist()
    assert [row["trial_id"] for row in rows] == ["0000", "0001", "0002"]
    assert [row["status"] for row in rows] == ["COMPLETED"] * 3
    assert [row["score"] for row in rows] == [2.0, 3.0, 4.0]
    assert [row["spread"] for row in rows] == [1.0] * 3
    assert [row["hp.x"] for row in rows] == [1, 2, 3]
    assert [row["metric.other"] for row in rows] == [1.5] * 3
    assert [row["metric.loss"] for row in rows] == [2.0, 3.0, 4.0]
    assert all(before <= row["started"] <= row["ended"] <= after for row in rows)
    assert all(row["seconds"] >= 0 and row["host"] and row["tries"] == 1 for row in rows)
    assert all(row["epochs"] is None and row["parent"] is None for row in rows)
    assert {name: types_of(table)[name] for name in FIXED} == FIXED


def test_hyperparameters_have_typed_columns_null_where_they_are_inactive(tmp_path):
    def run(self, trial):
        hp = trial.hyperparameters
        kind = hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["b"]):
            hp.Float("rate", 0.5, 1.0, step=0.5)
            hp.Int("width", 4, 4)
        with hp.conditional_scope("kind", ["a"]):
            hp.Choice("mixed", [1, 2])
        with hp.conditional_scope("kind", ["b"]):
            hp.Choice("mixed", ["none"])
        hp.Boolean("flag")
        hp.Fixed("large", 2**70)
        return 1.0 if kind == "a" else 2.0

    table = trials_table(searched(tmp_path, run, max_trials=None)[1])
    wanted = {
        "hp.kind": pa.string(),
        "hp.rate": pa.float64(),
        "hp.width": pa.int64(),
        "hp.mixed": pa.string(),
        "hp.flag": pa.bool_(),
        "hp.large": pa.string(),
    }
    found = {name: kind for name, kind in types_of(table).items() if name.startswith("hp.")}
    assert found == wanted
    rows = {tuple(row[name] for name in wanted) for row in table.to_pylist()}
    of_a = {("a", None, None, mixed, flag) for mixed in "12" for flag in (False, True)}
    of_b = {("b", rate, 4, "none", flag) for rate in (0.5, 1.0) for flag in (False, True)}
    assert rows == {(*row, str(2**70)) for row in of_a | of_b}


def test_whole_numbers_among_floats_are_floats(tmp_path):
    def run(self, trial):
        hp = trial.hyperparameters
        hp.Choice("kind", ["a", "b"])
        hp.Int("x", 1, 1, parent_name="kind", parent_values=["a"])
        hp.Float("x", 0.5, 0.5, parent_name="kind", parent_values=["b"])
        return 1.0

    table = trials_table(searched(tmp_path, run)[1])
    assert table["hp.x"].to_pylist() == [1.0, 0.5]


def test_a_failed_trial_says_why_and_has_no_score(tmp_path):
    def run(self, trial):
        if trial.hyperparameters.Int("x", 1, 2) == 1:
            raise FailedTrialError("too big")
        return 1.0

    project, history = searched(tmp_path, run)
    failed, completed = trials_table(history).to_pylist()
    assert (failed["status"], failed["score"], failed["best_step"]) == ("FAILED", None, None)
    assert "too big" in failed["message"]
    assert completed["message"] is None
    assert executions_table(project, history)["trial_id"].to_pylist() == ["0001"]


def test_a_running_trial_is_there_without_what_it_has_not_got_yet():
    oracle = RandomSearchOracle(Objective("loss", "min"), seed=0)
    oracle.create_trial("t")
    (row,) = trials_table(oracle.history).to_pylist()
    wanted = ["trial_id", "status", "score", "best_step", "started", "seconds", "tries"]
    assert [row[name] for name in wanted] == ["0000", "RUNNING", None, None, None, None, 1]


def test_a_budget_has_its_columns(tmp_path):
    oracle = HyperbandOracle(Objective("loss", "min"), max_epochs=3, seed=0)
    history = searched(tmp_path, lambda self, t: t.hyperparameters.Float("x", 0.0, 1.0), oracle)[1]
    rows = trials_table(history).to_pylist()
    (promoted,) = [row for row in rows if row["rung"] == 1]
    assert [promoted[name] for name in ("epochs", "initial_epoch", "sweep", "bracket")] == [
        3,
        1,
        0,
        1,
    ]
    assert promoted["parent"] in [row["trial_id"] for row in rows if row["rung"] == 0]
    assert not any(name.startswith("hp.tuner/") for name in rows[0])


def test_executions_and_epochs_are_read_from_the_results(tmp_path):
    def run(self, trial):
        trial.hyperparameters.Int("x", 1, 1)
        return [
            curve_of([0, 1, 2], loss=[3.0, 1.0, math.nan], accuracy=[0.1, 0.5, 0.9]),
            curve_of([0, 1], loss=[5.0, 4.0], accuracy=[0.2, 0.3]),
        ]

    project, history = searched(tmp_path, run)
    trial = history.trials["0000"]
    common = {
        "trial_id": "0000",
        "best_step": 1,
        "host": trial.record["host"],
        "device": trial.record["device"],
        **{f"hp.{name}": value for name, value in trial.values.items()},
    }
    seeds = [trial.seed, trial.seed + 1]
    assert executions_table(project, history).to_pylist() == [
        common | {"execution": 0, "seed": seeds[0], "metric.loss": 1.0, "metric.accuracy": 0.5},
        common | {"execution": 1, "seed": seeds[1], "metric.loss": 4.0, "metric.accuracy": 0.3},
    ]
    epochs = epochs_table(project, history)
    assert epochs["execution"].to_pylist() == [0, 0, 0, 1, 1]
    assert epochs["epoch"].to_pylist() == [0, 1, 2, 0, 1]
    assert epochs["metric.accuracy"].to_pylist() == [0.1, 0.5, 0.9, 0.2, 0.3]
    losses = epochs["metric.loss"].to_pylist()
    assert losses[:2] + losses[3:] == [3.0, 1.0, 5.0, 4.0]
    assert math.isnan(losses[2])


def test_the_seeds_of_a_trial_that_was_retried_are_those_of_its_last_try(tmp_path):
    used = []

    def run(self, trial):
        used.append([trial.seed_of(0), trial.seed_of(1)])
        return [math.nan, math.nan] if len(used) == 1 else [1.0, 2.0]

    found = searched(tmp_path, run, max_trials=1, max_retries_per_trial=1)
    assert executions_table(*found)["seed"].to_pylist() == used[1] != used[0]


def test_the_tables_of_a_search_that_was_stopped_are_those_of_its_project(tmp_path):
    def run(self, trial):
        x = trial.hyperparameters.Int("x", 1, 3)
        return [curve_of([0, 1], loss=[x + 1.0, float(x)]), curve_of([0], loss=[2.0 * x])]

    project, history = searched(tmp_path, run)
    again = GridSearchOracle(Objective("loss", "min"))
    again.attach(Project(str(tmp_path), "p"))
    for level in ("trials", "executions", "epochs"):
        assert table_of(level, project, again.history) == table_of(level, project, history)


def test_epochs_without_validation_have_nulls(tmp_path):
    def run(self, trial):
        trial.hyperparameters.Fixed("x", 1)
        return curve_of(range(6), loss=[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], val_loss=[9.0, 8.0, 7.0])

    table = epochs_table(*searched(tmp_path, run))
    assert table["metric.val_loss"].to_pylist() == [None, 9.0, None, 8.0, None, 7.0]
    assert table["metric.loss"].to_pylist() == [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("epochs", "count", "places"),
    [
        ([0, 1, 2], 3, [0, 1, 2]),
        (range(6), 2, [2, 5]),
        (range(5), 1, []),  # every third, fourth or fifth
        (range(4, 10), 3, [5, 7, 9]),
        (range(3), 0, []),
        ([], 0, []),
    ],
)
def test_a_shorter_metric_stands_where_it_was_measured_or_nowhere(epochs, count, places):
    assert list(measured_at(epochs, count)) == places


def test_what_a_trial_told_the_oracle_is_its_one_execution(tmp_path):
    def run(self, trial):
        trial.hyperparameters.Fixed("x", 1)
        for step, loss in enumerate([3.0, 1.0]):
            self.oracle.update_trial(trial.trial_id, {"loss": loss}, step=step)
        self.oracle.update_trial(trial.trial_id, {"loss": 2.0, "late": 5.0}, step=2)

    with pytest.warns(DeprecationWarning, match="return them"):
        project, history = searched(tmp_path, run)
    (row,) = executions_table(project, history).to_pylist()
    wanted = {"execution": 0, "best_step": 1, "metric.loss": 1.0, "metric.late": 5.0}
    assert wanted.items() <= row.items()
    epochs = epochs_table(project, history)
    assert epochs["metric.loss"].to_pylist() == [3.0, 1.0, 2.0]
    assert epochs["metric.late"].to_pylist() == [None, None, 5.0]


def test_a_damaged_result_is_named(tmp_path):
    project, history = searched(tmp_path, lambda self, t: float(t.hyperparameters.Int("x", 1, 2)))
    (tmp_path / "p/trials/0001/result.json").write_text("{")
    with pytest.raises(CorruptError, match=r"trials/0001/result\.json"):
        executions_table(project, history)


def test_the_spread_is_that_of_the_finite_scores_and_none_of_one():
    assert spread([1.0, 3.0]) == 1.0
    assert spread([1.0, math.inf, 3.0, None]) == 1.0
    assert spread([1.0]) is spread([]) is None
