"""Requests that search and agents make of the store: docs/agents.md says how many, at most."""

import re
import threading
import time
from collections import Counter

import pytest
from pool_threads import Threads, ended, run
from support import ROOT

from tasks.prefect.slots import PoolSlots
from tuner.journal.project import Project


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """A project, and the requests for keys of its agents by kind and key."""
    project, requests = Project(tmp_path, "p"), Counter()
    for method, kind in [("read", "GET"), ("replace", "PUT"), ("list", "LIST")]:
        original = getattr(type(project.store), method)

        def counting(self, key, *rest, original=original, kind=kind):
            if key.startswith("agents"):
                requests[kind, key.rpartition("/")[2]] += 1
            return original(self, key, *rest)

        monkeypatch.setattr(type(project.store), method, counting)
    return project, requests


def table():
    """The bounds that the document names: for each row the search's and the agent's."""
    text = (ROOT / "docs" / "agents.md").read_text()
    rows = {}
    for name in ("while it runs a trial", "while it waits", "beside those"):
        line = next(line for line in text.splitlines() if line.startswith(f"| {name}"))
        cells = line.strip("|").split("|")[1:]
        rows[name] = [
            {kind: int(number) for number, kind in re.findall(r"(\d+) (GET|PUT)", cell)}
            for cell in cells
        ]
    return rows


@pytest.mark.story
def test_a_trial_makes_no_more_requests_than_the_document_says(counted):
    project, requests = counted
    seconds = 25  # by then both sides look as rarely as they ever do

    def play(slot, request, news):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            news.line("still here")
            time.sleep(0.05)
        return ended(slot, request, news)

    runs = Threads(project, play)
    with PoolSlots({"study": __file__}, project, runs, 1) as slots:
        while slots.count == 0:
            time.sleep(0.01)
        before = Counter(requests)
        run(slots, 0)
        made = requests - before
    rows = table()
    search, agent = rows["while it runs a trial"]
    search_more, agent_more = rows["beside those"]
    share = seconds / 60
    assert made["GET", "state.json"] <= search["GET"] * share + search_more["GET"]
    assert made["PUT", "order.json"] <= search_more["PUT"]
    assert made["GET", "order.json"] <= agent["GET"] * share + agent_more["GET"]
    assert made["PUT", "state.json"] <= agent["PUT"] * share + agent_more["PUT"]
    assert made["LIST", "agents"] <= 2
    print(dict(made))


@pytest.mark.story
def test_an_agent_that_waits_makes_few_requests(counted):
    project, requests = counted
    runs = Threads(project)
    with PoolSlots({"study": __file__}, project, runs, 1) as slots:
        while slots.count == 0:
            time.sleep(0.01)
        threading.Event().wait(55)  # from then on they look as rarely as they ever do
        before = Counter(requests)
        time.sleep(20)
        made = requests - before
    search, agent = table()["while it waits"]
    assert made["GET", "state.json"] <= search["GET"] / 3 + 1
    assert made["GET", "order.json"] <= agent["GET"] / 3 + 1
    assert made["PUT", "state.json"] <= agent["PUT"] / 3 + 1
