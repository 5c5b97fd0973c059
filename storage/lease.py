"""The lease of a project: tells a live writer from a dead one."""

import contextlib
import json
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Self

from storage.documents import parse_json
from storage.errors import KeyMissingError, LeaseHeldError, StorageError
from storage.owner import Owner
from storage.paths import ProjectPaths
from storage.store import Store

_KEY = ProjectPaths.lease
_BEATS_PER_TTL = 5
_LOOKS_PER_TTL = 10
_LONGEST_PAUSE = 1.0
_LONGEST_TTL = 600.0
"""Seconds that a lease is believed to be worth waiting for, whatever it says itself."""
_WORTH_A_WORD = 2.0
"""Seconds of waiting after which people want to know what for."""

_logger = logging.getLogger(__name__)


class Lease:
    """The right to run a search, kept by writing a file again and again.

    It is for liveness only, so that a search does not begin while another process runs it. Safety
    rests on the journal: two processes that both believe to hold the lease do no harm, since one
    of them loses its next entry. No clocks are compared: a holder is dead when its file does not
    change for `ttl` seconds on the watcher's clock, or when it was a process of this machine that
    is gone.

    Args:
        store: Where the search lies.
        owner: Who we are.
        ttl: Seconds without a beat after which we are taken for dead. There are five beats in it.
        entries: How many entries the journal has, as far as we know; each beat says so.
        run: What the holder is known as elsewhere, such as the id of a flow run; likewise.
        clock: Monotonic, in seconds.
        sleep: Waits that many seconds.

    Example:
        store = open_store("memory://doc/lease")
        with Lease(store, owner=Owner.of_this_process()):
            assert lease_holder(store) is not None
    """

    def __init__(
        self,
        store: Store,
        *,
        owner: Owner,
        ttl: float = 30.0,
        entries: Callable[[], int] = lambda: 0,
        run: Callable[[], str] = lambda: "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._owner = owner
        self._ttl = ttl
        self._entries = entries
        self._run = run
        self.entries_before = 0
        """How many entries the journal had by the last beat of the one who held it before us."""
        self.run_before = ""
        """The `run` of a holder who never gave it back; he was killed, or is taken for dead."""
        self._clock = clock
        self._sleep = sleep
        self._beats = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self, wait: float | None = 0) -> None:
        """Takes the lease if it is free; it is ours already, nothing happens.

        A holder of this machine is known to be alive or gone at once. Any other is watched, for at
        most its `ttl`.

        Args:
            wait: Seconds to wait for a live holder to end; None is for ever. A holder that does
                not beat for `ttl` meanwhile counts as dead, even if its process is there.

        Raises:
            LeaseHeldError: A live process holds it.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        end = math.inf if wait is None else self._clock() + wait
        while True:
            seen = self._watch(end)
            before = _Claim.parse(seen)
            if self._claim(seen):
                self.entries_before = 0 if before is None else before.entries
                self.run_before = "" if before is None else before.run
                break
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._keep_beating, args=(self._stop,), name="trialflow-lease", daemon=True
        )
        self._thread.start()

    def release(self) -> None:
        """Lets others have it at once. Without a lease nothing happens; a failure is logged."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join()
        self._thread = None
        try:
            if self._is_ours(self._look()):
                self._store.delete([_KEY])
        except StorageError:
            _logger.warning("Could not release the lease: it will run out.", exc_info=True)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _watch(self, end: float) -> bytes | None:
        """Waits until the lease may be taken, and answers what is to be overwritten then."""
        seen, since, told = self._look(), self._clock(), False
        while True:
            claim = _Claim.parse(seen)
            alive = claim is not None and claim.owner.is_alive()
            if claim is None or alive is False:
                return seen
            patience = max(self._ttl, claim.ttl)
            if self._clock() - since >= patience:
                return seen
            if not told and self._clock() - since > _WORTH_A_WORD:
                told = True
                _logger.warning(
                    "Waiting up to %.0f s: %s may still run the search.", patience, claim.owner
                )
            if alive and self._clock() >= end:
                raise LeaseHeldError(claim.owner, claim.owner.opened)
            self._sleep(min(self._ttl / _LOOKS_PER_TTL, _LONGEST_PAUSE))
            now = self._look()
            if now != seen:
                changed = _Claim.parse(now)
                if changed is not None and self._clock() >= end:
                    raise LeaseHeldError(changed.owner, changed.owner.opened)
                seen, since = now, self._clock()

    def _claim(self, seen: bytes | None) -> bool:
        """Writes our name; False when another process was quicker."""
        if seen is None:
            return self._store.create(_KEY, self._next_beat())
        self._store.replace(_KEY, self._next_beat())
        return self._is_ours(self._look())

    def _keep_beating(self, stop: threading.Event) -> None:
        while not stop.wait(self._ttl / _BEATS_PER_TTL):
            try:
                if not self._beat():
                    return
            except StorageError:
                _logger.warning("Could not renew the lease.", exc_info=True)

    def _beat(self) -> bool:
        """Renews the lease; False when another process has it, which stays so."""
        seen = self._look()
        if seen is not None and not self._is_ours(seen):
            _logger.warning("The lease was taken by another process while this one did not beat.")
            return False
        self._store.replace(_KEY, self._next_beat())
        return True

    def _next_beat(self) -> bytes:
        self._beats += 1
        return _Claim(self._owner, self._ttl, self._beats, self._entries(), self._run()).encode()

    def _is_ours(self, seen: bytes | None) -> bool:
        claim = _Claim.parse(seen)
        return claim is not None and claim.owner == self._owner

    def _look(self) -> bytes | None:
        return _read(self._store)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What stands in the file: `beat` makes it differ from the one before."""

    owner: Owner
    ttl: float
    beat: int
    entries: int = 0
    run: str = ""

    def encode(self) -> bytes:
        state = {"v": 1, **asdict(self), "owner": self.owner.to_json()}
        return json.dumps(state).encode()

    @classmethod
    def parse(cls, data: bytes | None) -> "_Claim | None":
        """The claim in a file; None when there is none or it cannot be read, which does no harm."""
        if data is not None:
            with contextlib.suppress(ValueError, KeyError, TypeError, OverflowError):
                state = parse_json(data, _KEY)
                ttl, beat = min(float(state["ttl"]), _LONGEST_TTL), int(state["beat"])
                if not ttl > 0:  # NaN too
                    return None
                entries = int(state.get("entries", 0))
                run = str(state.get("run", ""))
                return cls(Owner.from_json(state["owner"]), ttl, beat, entries, run)
        return None


def lease_holder(store: Store) -> Owner | None:
    """Who runs the search on this store now, None if there is no search.

    A holder on another machine is named until its lease is taken over, dead or alive.
    """
    claim = _Claim.parse(_read(store))
    if claim is None or claim.owner.is_alive() is False:
        return None
    return claim.owner


def _read(store: Store) -> bytes | None:
    # Not `read_many`: a thread that beats while Python shuts down can start no others.
    try:
        return store.read(_KEY)
    except KeyMissingError:
        return None
