"""Search and agents talk over a store; the flow runs are threads here, and trials take no time."""

import itertools
import threading
import time

import pytest
from pool_threads import Slot, Threads, ended, run

from tasks.messages import Declared, Discover, EpochReport
from tasks.prefect import crew
from tasks.prefect.agent import Agent, Farewell
from tasks.prefect.mailbox import Mailbox
from tasks.prefect.runs import ServerBusyError
from tasks.prefect.slots import TTL_VARIABLE, PoolSlots
from tasks.slots import ChildLostError, SearchStoppedError
from tuner.core.outcome import Outcome
from tuner.journal.project import Project


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, "p")


@pytest.fixture
def pool(project, monkeypatch):
    """Makes slots on a pool of threads."""
    monkeypatch.setenv(TTL_VARIABLE, "3")

    def make(wanted, play=ended, **options):
        runs = Threads(project, play, **options)
        slots = PoolSlots({"study": __file__}, project, runs, wanted)
        slots.note = notes.append
        return slots, runs

    notes = []
    make.notes = notes
    return make


def test_requests_are_answered_by_agents_which_are_gone_afterwards(pool, project):
    slots, runs = pool(2)
    lines = []
    with slots:
        with slots.lease() as slot:
            assert slot.ask(Discover(), lambda report: None, lines.append) == Declared(
                {"space": []}, {}, None
            )
        for number in range(5):
            answer = run(slots, number, emit=lines.append)
            assert answer.trial["trial_id"] == f"{number:04d}"
        assert slots.count == 2
    runs.join()
    ran = [line for line in lines if line.startswith("running")]
    assert ran == [f"running {number:04d}" for number in range(5)]
    assert project.store.list("agents") == []


def test_what_a_trial_reports_is_heard_once_and_in_order_and_may_end_it(pool):
    def play(slot, request, news):
        for epoch in itertools.count():
            news.message(EpochReport(epoch, {"loss": 1.0}))
            time.sleep(0.1)
            if slot.stop_reason:
                news.line(slot.stop_reason)
                break
        return ended(slot, request, news)

    slots, runs = pool(1, play)
    heard, lines = [], []

    def on_report(report):
        heard.append(report.epoch)
        return "enough" if report.epoch >= 5 else None

    with slots:
        run(slots, 0, on_report, lines.append)
    runs.join()
    assert heard == list(range(len(heard)))
    assert lines == ["enough", "running 0000"]


def test_a_search_that_stops_interrupts_its_trials_and_agents_leave(pool):
    def play(slot, request, news):
        assert slot.interrupted.wait(20)
        return {"stopped": True}

    slots, runs = pool(1, play)
    with slots:
        timer = threading.Timer(0.5, slots.stop)
        timer.start()
        with pytest.raises(SearchStoppedError):
            run(slots, 0)
    runs.join()


def test_runs_that_have_not_begun_are_taken_back(pool):
    slots, runs = pool(3, hold=True)
    with slots:
        runs.begin("run-2")
        run(slots, 0)
        assert slots.count == 1
    runs.join()
    assert runs.cancelled == ["run-1", "run-3"]


@pytest.mark.parametrize("sign", ["silence", "the server"])
def test_the_trial_of_an_agent_that_is_lost_goes_on_elsewhere_and_counts_once(pool, sign):
    asleep = threading.Event()
    woken = threading.Event()

    def play(slot, request, news):
        if not asleep.is_set():
            asleep.set()
            if sign == "silence":  # the whole process is frozen
                for agent, _ in runs.agents.values():
                    if agent._slot is slot:
                        agent._posting.acquire()
            else:
                runs.end("run-1")
            assert woken.wait(30)
            if sign == "silence":
                for agent, _ in runs.agents.values():
                    if agent._slot is slot:
                        agent._posting.release()
            assert slot.interrupted.wait(20)
            return {"stopped": True}
        return ended(slot, request, news)

    slots, runs = pool(1, play)
    lines = []
    with slots:
        answer = run(slots, 7, emit=lines.append)
        assert answer.trial["trial_id"] == "0007"
        assert len(runs.agents) == 2
        woken.set()
    runs.join()
    assert "p agent 1 is lost; the trial goes on elsewhere." in lines


def test_a_trial_that_takes_every_agent_with_it_is_lost(pool):
    def play(slot, request, news):
        for agent_id, (agent, _) in runs.agents.items():
            if agent._slot is slot:
                runs.end(agent_id)
        slot.interrupted.wait(20)
        return {"stopped": True}

    slots, runs = pool(1, play)
    with slots, pytest.raises(ChildLostError, match="one after the other") as caught:
        run(slots, 0)
    assert caught.value.outcome == Outcome.LOST


def test_a_resumed_search_adopts_agents_and_their_trials(pool, project):
    go_on = threading.Event()
    ran = []

    def play(slot, request, news):
        ran.append(request.trial_id)
        assert go_on.wait(30)
        return ended(slot, request, news)

    first, runs = pool(1, play)
    first.__enter__()
    thread = threading.Thread(target=lambda: run(first, 3), daemon=True)
    thread.start()
    while not ran:
        time.sleep(0.01)
    # The process is killed: nothing of it is heard any more.
    first.crew._is_closing.set()
    second = PoolSlots({"study": __file__}, project, runs, 1)
    lines = []
    with second:
        go_on.set()
        answer = run(second, 3, emit=lines.append)
        assert answer.trial["trial_id"] == "0003"
        assert list(runs.agents) == ["run-1"]
        run(second, 4)
    runs.join()
    assert ran == ["0003", "0004"]
    assert "Trial 0003 goes on where it was, on p agent 1." in lines


def test_an_agent_that_is_refused_is_named_and_others_are_asked_for_later(pool, monkeypatch):
    monkeypatch.setattr(crew, "SOON", 0.1)
    slots, runs = pool(1)
    runs.refusal = "its study is another"

    def mend():
        while len(runs.runs) < 3:
            time.sleep(0.01)
        runs.refusal = None

    mending = threading.Thread(target=mend)
    mending.start()
    with slots:
        for number in range(3):
            run(slots, number)
    mending.join()
    refusals = [note for note in pool.notes if "its study is another" in note]
    assert len(refusals) == 1
    assert "Agent p agent 1 gets no trial" in refusals[0]


def test_an_agent_that_is_mended_where_it_runs_takes_trials(pool, monkeypatch):
    monkeypatch.setattr(crew, "SOON", 1e6)  # no other is asked for
    slots, runs = pool(1)
    runs.refusal = "its study is another"

    def mend():
        while not pool.notes:
            time.sleep(0.01)
        assert slots.count == 1  # another would be asked for in its place
        runs.refusal = None

    mending = threading.Thread(target=mend)
    mending.start()
    with slots:
        run(slots, 0)
        assert slots.count == 1
    mending.join()
    runs.join()
    assert list(runs.runs) == ["run-1"]


def test_a_refused_agent_leaves_in_the_end_and_says_why(project):
    mailbox = Mailbox(project.store)
    mailbox.write_job({"ttl": 3.0})
    refusing = [lambda job: "its study is another", lambda: False, 0.2]
    farewell = Agent(mailbox, "a", "p agent 1", Slot(ended), 60.0, print, *refusing).run()
    assert farewell == Farewell("It gets no trial: its study is another", is_failure=True)
    assert mailbox.read_states(["a"])["a"].ended


def test_a_server_that_is_busy_is_asked_again(pool, monkeypatch):
    monkeypatch.setattr(crew, "SOON", 0.01)
    slots, runs = pool(1)
    start, busy = runs.start, [ServerBusyError("its database is locked")] * 3

    def busy_start(number):
        if busy:
            raise busy.pop()
        return start(number)

    runs.start = busy_start
    with slots:
        run(slots, 0)
    assert not busy


def test_agents_that_have_gone_for_lack_of_trials_are_asked_for_again(pool):
    slots, runs = pool(1, idle=0.3)
    with slots:
        run(slots, 0)
        runs.join()
        assert slots.count == 1
        run(slots, 1)
    assert list(runs.agents) == ["run-1", "run-2"]


def test_an_agent_that_is_terminated_gives_its_trial_back(pool):
    first = []

    def play(slot, request, news):
        if not first:
            first.append(request)
            runs.agents["run-1"][0].terminated = True
            assert slot.interrupted.wait(20)
            return {"stopped": True}
        return ended(slot, request, news)

    slots, runs = pool(1, play)
    lines = []
    with slots:
        run(slots, 0, emit=lines.append)
    runs.join()
    assert list(runs.agents) == ["run-1", "run-2"]
    assert not [line for line in lines if "lost" in line]


def test_a_server_that_is_away_keeps_nobody_from_hearing_the_agents(pool):
    asked = threading.Event()
    slots, runs = pool(1)
    with slots:
        run(slots, 0)
        runs.is_there.clear()
        known = runs.known
        runs.known = lambda: asked.set() or known()
        assert asked.wait(20)  # from now on the thread that asks is held up
        for number in range(1, 5):
            assert run(slots, number).trial["trial_id"] == f"{number:04d}"
        assert not runs.is_there.is_set()
        runs.is_there.set()
    runs.join()


@pytest.mark.parametrize("by", ["itself", "the server"])
def test_there_is_none_in_the_place_of_an_agent_that_was_cancelled(by, pool):
    def play(slot, request, news):
        agent, _ = runs.agents["run-1"]
        if agent._slot is slot:
            agent.terminated = True
            if by == "itself":
                agent._is_dismissed = lambda: True
            else:
                runs.end("run-1", cancelled=True)
            assert slot.interrupted.wait(20)
            return {"stopped": True}
        return ended(slot, request, news)

    slots, runs = pool(2, play, hold=True)
    with slots:
        runs.begin("run-1")
        threading.Timer(7, lambda: runs.begin("run-2")).start()  # the server is asked by then
        for number in range(3):
            run(slots, number)
        assert slots.count == 1
    assert list(runs.runs) == ["run-1", "run-2"]
    assert pool.notes == ["Agent p agent 1 was cancelled; there is none in its place."]


def test_a_store_that_is_away_for_a_while_loses_nothing(pool, project, monkeypatch):
    from storage import TransientStoreError

    away = threading.Event()
    for name in ("read", "replace"):
        original = getattr(type(project.store), name)

        def failing(self, key, *data, original=original):
            if away.is_set() and key.startswith("agents/"):
                raise TransientStoreError("it is away")
            return original(self, key, *data)

        monkeypatch.setattr(type(project.store), name, failing)

    def play(slot, request, news):
        away.set()
        threading.Timer(4, away.clear).start()  # longer than an agent may be silent
        return ended(slot, request, news)

    slots, runs = pool(1, play)
    with slots:
        run(slots, 0)
        assert list(runs.agents) == ["run-1"]
    runs.join()
