"""Tables as files, read by those who will read them."""

import logging
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
from tuner import BaseTuner, Objective
from tuner.oracles import RandomSearchOracle
from tuner.results.export import export
from tuner.results.loading import read_project


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


@pytest.mark.slow
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
    script = "import sys, tuner, tuner.results.export; print('pyarrow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "False"
