"""A Prefect server whose database is PostgreSQL."""

import subprocess

import pytest
from servers import postgresql
from support import STUDIES, finish


@pytest.mark.story
def test_a_search_is_recorded_in_postgresql(command_line, tmp_path):
    programs = postgresql.find()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with postgresql.running(programs) as address:
        search = command_line(
            *["search", STUDIES / "naps.py", "--slots", 2],
            NAP_SECONDS="0",
            PREFECT_HOME=str(tmp_path / "home"),
            PREFECT_SERVER_DATABASE_CONNECTION_URL=f"postgresql+asyncpg://{address}",
        )
        assert "8 completed, 0 failed" in finish(search)

        def rows(query):
            words = ["--no-align", "--tuples-only", "--command", query]
            command = [programs / "psql", f"postgresql://{address}", *words]
            return subprocess.check_output(command, text=True).split()

        assert rows("select name || '=' || state_type from flow_run") == ["naps=COMPLETED"]
        assert rows("select name || '=' || state_type from task_run order by name") == [
            f"trial-{n:04d}=COMPLETED" for n in range(8)
        ]
        keys = rows("select key from artifact where key is not null order by key")
        assert keys == ["leaderboard-naps", "report-naps", "summary-naps"]
    assert not (tmp_path / "home" / "prefect.db").exists()
