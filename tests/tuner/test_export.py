"""Tables as files, read by those who will read them."""

import logging
import os
import subprocess
import sys

import duckdb
import fsspec
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from flows.cli import app
from storage.local import temporary
from tuner import BaseTuner, Objective
from tuner.journal.reading import read_project
from tuner.oracles import RandomSearchOracle
from tuner.results.tables import export


class Curve:
    """What counts as a Keras History."""

    def __init__(self, *losses):
        self.epoch = list(range(len(losses)))
        self.history = {"loss": list(losses)}


class Curves(BaseTuner):
    def run_trial(self, trial):
        hp = trial.hyperparameters
        x = hp.Float("x", 0.0, 1.0)
        hp.Int("width", 1, 64)
        hp.Choice("kind", ["a", "b"])
        return [Curve(x + 2, x), Curve(x + 3, x + 1)]


def search(directory):
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=3, seed=0)
    oracle.verbose = 0
    tuner = Curves(oracle, directory=str(directory), project_name="p")
    tuner.search()
    return tuner


def read_all(files, options):
    """Each table as pandas, Polars and DuckDB see it, straight from where it lies."""
    duck = duckdb.connect()
    if options is not None:
        duck.register_filesystem(fsspec.filesystem("s3"))
    for file in files:
        from_duck = duck.sql(f"select * from read_parquet('{file}')")
        yield pd.read_parquet(file), pl.read_parquet(file, storage_options=options), from_duck


def check(files, options=None):
    tables = list(read_all(files, options))
    assert [[len(pandas), polars.height, len(duck)] for pandas, polars, duck in tables] == [
        [3] * 3,
        [6] * 3,
        [12] * 3,
    ]
    for pandas, polars, duck in tables:
        assert list(pandas.columns) == polars.columns == duck.columns
        types = dict(zip(polars.columns, polars.dtypes, strict=True))
        assert (types["hp.x"], types["hp.width"]) == (pl.Float64, pl.Int64)
        assert types["hp.kind"] == pl.String
    trials = tables[0][1]
    assert {"seconds", "host", "device", "seed", "metric.loss"} <= set(trials.columns)
    best = tables[0][2].order("score").limit(1).fetchall()[0][0]
    assert best == trials.sort("score")["trial_id"][0]


def test_a_search_leaves_its_tables_which_everybody_can_read(tmp_path):
    search(tmp_path)
    files = [
        tmp_path / "p/export" / f"{name}.parquet" for name in ("trials", "executions", "epochs")
    ]
    check([str(file) for file in files])
    assert pq.ParquetFile(files[0]).metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.story
def test_tables_on_an_object_store_are_read_where_they_lie(s3_url, s3_server):
    tuner = search(s3_url.removesuffix("/project"))
    url = tuner.search_project.url
    files = [f"{url}/export/{name}.parquet" for name in ("trials", "executions", "epochs")]
    env = s3_server.environment
    options = {
        "aws_access_key_id": env["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
        "aws_region": env["AWS_DEFAULT_REGION"],
        "aws_endpoint_url": env["AWS_ENDPOINT_URL"],
        "aws_allow_http": "true",
    }
    check(files, options)


def test_an_export_goes_anywhere_and_overwrites_the_last_one(tmp_path):
    search(tmp_path)
    words = ["export", str(tmp_path / "p"), "--format", "csv", "--to", str(tmp_path / "out")]
    for _ in range(2):
        done = CliRunner().invoke(app, words)
        assert (done.exit_code, len(done.stdout.splitlines())) == (0, 3)
    assert len(pd.read_csv(tmp_path / "out/epochs.csv")) == 12
    refused = CliRunner().invoke(app, ["export", str(tmp_path / "nowhere")])
    assert (refused.exit_code, "no project.json" in refused.stderr) == (1, True)


def test_tables_that_cannot_be_written_cost_a_line_and_no_search(tmp_path, caplog):
    (tmp_path / "p").mkdir()
    (tmp_path / "p/export").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        tuner = search(tmp_path)
    assert len(tuner.oracle.end_order) == 3
    assert "could not be written" in caplog.text


def test_an_unknown_format_is_refused(tmp_path):
    search(tmp_path)
    with pytest.raises(ValueError, match="format='xml'"):
        export(*read_project(tmp_path / "p"), file_format="xml")


def test_whoever_searches_does_not_import_pyarrow_before_the_end():
    script = "import sys, tuner, tuner.results.tables; print('pyarrow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "False"


def test_no_text_in_a_csv_is_a_formula_and_numbers_stay(tmp_path):
    class Formulas(BaseTuner):
        def run_trial(self, trial):
            trial.hyperparameters.Choice("=name", ["=1+1", "@x", "+1.5", "-a", "plain"])
            return {"loss": 1.0}

    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=5, seed=0)
    tuner = Formulas(oracle, directory=str(tmp_path), project_name="p")
    tuner.search(search_verbose=0)
    export(*read_project(tmp_path / "p"), to=str(tmp_path / "out"), file_format="csv")
    found = pd.read_csv(tmp_path / "out/trials.csv", dtype=str)
    (column,) = [name for name in found.columns if "=name" in name]
    assert not column.startswith("=")
    assert set(found[column]) == {"'=1+1", "'@x", "+1.5", "'-a", "plain"}


def test_tables_of_a_search_that_was_killed_while_it_wrote_them_are_written_by_the_next(tmp_path):
    tuner = search(tmp_path)
    tables = tmp_path / "p/export"
    before = tables.joinpath("trials.parquet").stat().st_mtime_ns
    search(tmp_path)  # has ended, and needs nothing
    assert tables.joinpath("trials.parquet").stat().st_mtime_ns == before
    last = max((tmp_path / "p/journal/000000").iterdir())
    entry_of_start = max(name for name in (tmp_path / "p/journal/000000").iterdir() if name != last)
    for path in (last, entry_of_start):  # the second search: its start, and its end
        path.unlink()
    max((tmp_path / "p/journal/000000").iterdir()).unlink()  # the end of the first
    (tmp_path / "p/journal/tail.json").unlink()
    tables.joinpath("trials.parquet").unlink()
    partial = temporary(tables).with_name(
        temporary(tables).name.replace(str(os.getpid()), "4194999")
    )
    partial.touch()
    search(tmp_path)
    assert len(pd.read_parquet(tables / "trials.parquet")) == len(tuner.oracle.end_order)
    assert not partial.exists()
