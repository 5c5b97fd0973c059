"""Seeded campaigns: searches to which things happen until each kind of fault had its turn.

    python -m chaos --faults 1000 --seed 7

Each life of a search is a process of its own, forked from this one, which imports and runs nothing.
The same seed orders the same faults; when a signal from outside arrives, the machine decides.
"""

import contextlib
import importlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from chaos import faults, studies
from chaos.checker import Left, digest, problems_of, read_journal

for _module in ("pyarrow.parquet", "scipy.stats", "numpy.random"):
    importlib.import_module(_module)  # once, and not in every life

LEASE_SECONDS = "0.4"
SOON = 0.25
"""Seconds in which a fault from outside happens; a search without faults takes about as long."""
CALLS_OF_A_TRIAL = 20
STARTING_CALLS = 60
"""System calls, about: of a trial, and of a search that finds nothing left to do."""
STARTS = 60
"""Lives of one search that must be enough to end it."""
ENDED, STOPPED = 0, 3
"""Exit statuses of a life: the search has ended; an error stopped it, as it may."""


@dataclass
class Search:
    """One search of a campaign, and what became of it."""

    oracle: str
    seed: int
    folder: Path
    faults: list = field(default_factory=list)
    seen: dict = field(default_factory=dict)
    pids: list = field(default_factory=list)

    @property
    def project(self):
        return self.folder / "p"

    @property
    def trace(self):
        return self.folder / "trace"

    @property
    def scratch(self):
        return self.folder / "tmp"

    def start(self, prepare=lambda: None):
        """A life of the search, in a process of its own; its pid."""
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            _live(self, prepare)
        self.pids.append(pid)
        return pid

    def look(self):
        """Notes what results there are: none of them may change from now on."""
        for path in sorted(self.project.glob("trials/*/result.json")):
            if path.parent.name not in self.seen:
                self.seen[path.parent.name] = digest(path)
                studies.note(self.trace, f"result {path.parent.name}")


def _live(search, prepare):
    status = STOPPED
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.environ["TRIALFLOW_LEASE_SECONDS"] = LEASE_SECONDS
        search.scratch.mkdir(parents=True, exist_ok=True)
        tempfile.tempdir = str(search.scratch)
        prepare()
        studies.search(search.oracle, search.seed, search.folder, search.trace)
        status = ENDED
    except BaseException as error:  # noqa: BLE001 - the campaign reads why
        (search.folder / "error").write_text(f"{type(error).__name__}: {error}")
    finally:
        os._exit(status)


def wait(pid, seconds=120.0):
    """The exit code of a life, negative for a signal.

    Raises:
        TimeoutError: It does not end; it is killed.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise TimeoutError(f"a life of a search did not end within {seconds:.0f} s")


# One life each, to which one thing happens, or would have: whether it did, and how the life ended.


def kill_before_a_call(search, rng, calls):
    number = rng.randrange(calls)
    return _killed(search.start(lambda: faults.Calls(number, faults.die_before)))


def kill_after_a_call(search, rng, calls):
    number = rng.randrange(calls)
    return _killed(search.start(lambda: faults.Calls(number, faults.die_after)))


def kill_at_any_time(search, rng, calls):
    return _kill_soon(search.start(), rng)


def _kill_soon(pid, rng):
    time.sleep(rng.uniform(0, SOON))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return _killed(pid)


def _killed(pid):
    code = wait(pid)
    return code == -signal.SIGKILL, code


def fill_the_disk(search, rng, calls):
    return _fail_calls(search, rng.randrange(calls), faults.disk_full, rng.randrange(1, 40))


def break_the_disk(search, rng, calls):
    return _fail_calls(search, rng.randrange(calls), faults.disk_broken, 1)


def _fail_calls(search, number, act, times):
    mark = search.folder / "happened"
    mark.unlink(missing_ok=True)

    def act_and_say_so(*call):
        mark.touch()
        return act(*call)

    code = wait(search.start(lambda: faults.Calls(number, act_and_say_so, times)))
    return mark.exists(), code


def slow_the_disk(search, rng, calls):
    number = rng.randrange(calls)
    return _kill_soon(search.start(lambda: faults.Calls(number, faults.slow, 10)), rng)


def change_the_clock(search, rng, calls):
    offset = rng.choice([60.0, 86_400.0, 3e8])
    number = rng.randrange(calls)

    def prepare():
        faults.another_clock(offset)
        faults.Calls(number, faults.die_after)

    return _killed(search.start(prepare))


def delete_the_scratch(search, rng, calls):
    pid = search.start()
    time.sleep(rng.uniform(0, SOON))
    happened = search.scratch.exists() and not _has_ended(pid)
    if happened:
        faults.delete_scratch(search.scratch)
    return happened, wait(pid)


def _has_ended(pid):
    """Whether a life is over; its exit code can be waited for still."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def start_it_twice(search, rng, calls):
    """One of two must give way, and neither may do harm."""
    first, second = search.start(), search.start()
    codes = [wait(first), wait(second)]
    return True, ENDED if ENDED in codes else max(codes)


def freeze_and_take_over(search, rng, calls):
    """It is frozen on a machine that nobody can ask, another takes over, and it wakes up."""
    sleeper = search.start(faults.elsewhere)
    time.sleep(rng.uniform(0, SOON))
    if _has_ended(sleeper):
        return False, wait(sleeper)
    with faults.frozen(sleeper):
        heir = search.start()
        if rng.random() < 0.5:  # it wakes while the other searches, or after
            wait(heir)
            heir = None
        else:
            time.sleep(rng.uniform(0.4, 0.8))
    code = wait(sleeper)
    return True, code if heir is None else min(wait(heir), code, key=abs)


KINDS = {
    "killed before a system call": kill_before_a_call,
    "killed after a system call": kill_after_a_call,
    "killed at any time": kill_at_any_time,
    "disk full": fill_the_disk,
    "disk error": break_the_disk,
    "disk slow, then killed": slow_the_disk,
    "clock changed, then killed": change_the_clock,
    "scratch deleted": delete_the_scratch,
    "started twice": start_it_twice,
    "frozen, taken over, woken": freeze_and_take_over,
}


@dataclass
class Report:
    """What a campaign has come to."""

    seed: int
    faults: Counter = field(default_factory=Counter)
    searches: int = 0
    trials: int = 0
    lives: int = 0
    problems: list = field(default_factory=list)
    seconds: float = 0.0


class Campaign:
    """Orders faults until there were as many as asked for.

    Args:
        seed: Of all that is drawn.
        folder: Where the projects lie.
    """

    def __init__(self, seed, folder):
        self._rng = random.Random(seed)
        self._folder = Path(folder)
        self._straight = {}
        self.report = Report(seed)

    def run(self, count, kinds=tuple(KINDS)):
        """Runs searches until so many faults have happened; answers the report."""
        began = time.monotonic()
        queue = []
        while sum(self.report.faults.values()) < count:
            if not queue:
                queue = list(kinds)
                self._rng.shuffle(queue)
            self._search(queue, count)
        self.report.seconds = time.monotonic() - began
        return self.report

    def _search(self, queue, count):
        """A search to which faults happen, a few or many, and which then goes on to its end."""
        number = self.report.searches
        oracle = self._rng.choice(sorted(studies.ORACLES))
        seed = self._rng.randrange(3)
        straight, calls = self._uninterrupted(oracle, seed)
        search = Search(oracle, seed, self._folder / f"search-{number}")
        search.folder.mkdir(parents=True)
        code = None
        for _ in range(self._rng.randrange(1, 12)):
            if not queue or sum(self.report.faults.values()) >= count or code == ENDED:
                break
            kind = queue.pop()
            left = max(STARTING_CALLS, calls - len(search.seen) * CALLS_OF_A_TRIAL)
            happened, code = KINDS[kind](search, self._rng, left)
            if happened:
                search.faults.append(kind)
                self.report.faults[kind] += 1
            else:
                queue.insert(0, kind)  # its turn comes in another search
            search.look()
        self._finish(search, straight)

    def _finish(self, search, straight):
        report = self.report
        try:
            for _ in range(STARTS):
                if wait(search.start()) == ENDED:
                    break
            else:
                why = (search.folder / "error").read_text()
                report.problems.append(f"{search.folder.name}: it never ended: {why}")
        except TimeoutError as error:
            report.problems.append(f"{search.folder.name}: {error}")
        trials = sum(e["type"] == "trial_created" for e in read_journal(straight))
        runs = search.trace.read_text().split("\n")[:-1]
        left = Left(
            search.project,
            trials,
            straight,
            search.seen,
            runs,
            len(search.pids),
            scratch=search.scratch,
            processes=tuple(search.pids),
        )
        found = problems_of(left)
        report.problems += [f"{search.folder.name} {search.faults}: {each}" for each in found]
        report.searches += 1
        report.trials += trials
        report.lives += len(search.pids)

    def _uninterrupted(self, oracle, seed):
        """The project of the same search without a fault, and how many system calls it made."""
        key = (oracle, seed)
        if key not in self._straight:
            search = Search(
                oracle, seed, self._folder / f"straight-{oracle.replace(' ', '-')}-{seed}"
            )
            search.folder.mkdir(parents=True)
            pid = search.start(lambda: _write_calls_at_exit(search.folder / "calls"))
            code = wait(pid)
            assert code == ENDED, (search.folder / "error").read_text()
            self._straight[key] = (search.project, int((search.folder / "calls").read_text()))
        return self._straight[key]


def _write_calls_at_exit(path):
    calls = faults.Calls(-1, None)
    leave = os._exit

    def left(status):
        path.write_text(str(calls.count))
        leave(status)

    os._exit = left
