"""A project: where a search keeps its journal, its results and its checkpoints."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from storage import (
    CorruptError,
    Entry,
    Journal,
    KeyMissingError,
    Lease,
    LeaseHeldError,
    LocalStore,
    Owner,
    ProjectPaths,
    open_store,
    project_url,
    split_url,
)
from tuner.state.events import Event, decode, encode
from tuner.state.project_info import ProjectInfo

Say = Callable[[str], None]

_waiting: ContextVar[Say | None] = ContextVar("waiting", default=None)


@contextmanager
def waiting_for_others(say: Say | None) -> Iterator[None]:
    """Projects that are made inside wait until another process lets go of them.

    Args:
        say: Is told whom they wait for; without it they fail at once.
    """
    token = _waiting.set(say)
    try:
        yield
    finally:
        _waiting.reset(token)


class Project:
    """One search's place on a store.

    Reading needs nothing. Writing to the journal needs `open`, which makes this process the one
    writer; `save_result` is for whoever ran the trial and needs neither.

    Args:
        directory: Path or fsspec URL under which projects lie.
        project_name: Name of this one.
        storage_options: Passed to fsspec; never stored, shown or pickled.
    """

    def __init__(self, directory: Any, project_name: str, **storage_options: Any) -> None:
        self.directory = str(directory)
        self.name = project_name
        self._say_who = _waiting.get()
        self._storage_options = dict(storage_options)
        self.store = open_store(project_url(directory, project_name), **storage_options)
        self.paths = ProjectPaths()
        self._owner = Owner.of_this_process()
        self._lease = Lease(self.store, owner=self._owner, ttl=_lease_seconds())
        self._journal = Journal(self.store, owner=str(self._owner))

    @classmethod
    def at(cls, project_url: Any, **storage_options: Any) -> Project:
        """The project of this path or URL.

        Raises:
            ValueError: There is no name at its end.
        """
        return cls(*split_url(os.fspath(project_url)), **storage_options)

    def place(self) -> dict[str, Any]:
        """The arguments that make it anew in another process; they may be secret."""
        directory, name = split_url(self.url)
        return {"directory": directory, "project_name": name, **self._storage_options}

    @property
    def url(self) -> str:
        return self.store.url

    @property
    def owner(self) -> str:
        """Who this process is, as the journal names it."""
        return str(self._owner)

    def info(self) -> ProjectInfo | None:
        """What `project.json` says, None when there is no project here, or one half deleted.

        Raises:
            CorruptError: There is a journal without its `project.json`.
            NewerFormatError: A newer Trialflow made it.
        """
        if self.store.exists(self.paths.erasing):
            return None
        try:
            state = self._read_json(self.paths.project)
        except KeyMissingError:
            self._check_no_orphaned_journal()
            return None
        return ProjectInfo.from_json(state, self.url)

    def events(self) -> list[Event]:
        """The events that were added since this was asked last; all of them at first."""
        return _events(self._journal.refresh())

    def open(self, info: ProjectInfo) -> tuple[ProjectInfo, list[Event]]:
        """Makes this process the writer, creating the project if need be.

        Returns:
            What `project.json` says, and all events.

        Raises:
            LeaseHeldError: Another process is the writer.
            ValueError: The project has another objective.
            UnsafeStoreError: The store cannot keep two writers apart.
        """
        self._acquire()
        try:
            if self.store.exists(self.paths.erasing):
                self._delete_everything()
            stored = self.info() or self._create(info)
            stored.check_objective(info.objective, self.url)
            self._journal = Journal(self.store, owner=str(self._owner))
            events = self.events()
            self._sweep()
        except BaseException:
            self._lease.release()
            raise
        return stored, events

    def append(self, events: Sequence[Event]) -> None:
        """Writes events to the journal; when it returns they will survive anything.

        Raises:
            FencedError: Another process has become the writer.
        """
        self._journal.append([encode(event) for event in events])

    def close(self) -> None:
        """Lets another process become the writer at once."""
        self._lease.release()

    def erase(self) -> None:
        """Deletes the project. Cut off in the middle, the next `open` finishes it.

        Raises:
            LeaseHeldError: A search is running on it.
        """
        with self.held():
            if self.store.list(""):
                self.store.replace(self.paths.erasing, b"{}")
                self._delete_everything()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps searches away meanwhile.

        Raises:
            LeaseHeldError: One is running.
        """
        self._acquire()
        try:
            yield
        finally:
            self._lease.release()

    def folder(self) -> str:
        """Path or URL of the project; on a local disk the folder is there."""
        return self._made(self.url)

    def trial_folder(self, trial_id: str) -> str:
        """Path or URL of a trial's folder; on a local disk the folder is there."""
        return self._made(f"{self.url}/{self.paths.trial(trial_id).folder}")

    def _made(self, path: str) -> str:
        if isinstance(self.store, LocalStore):
            Path(path).mkdir(parents=True, exist_ok=True)
        return path

    def save_result(self, trial_id: str, state: Mapping[str, Any]) -> bool:
        """Keeps the outcome of a trial; False when it has one already, which stays."""
        return self.store.create(self.paths.trial(trial_id).result, to_bytes(state))

    def read_result(self, trial_id: str) -> dict[str, Any] | None:
        """The outcome of a trial as its process left it, None when it left none."""
        try:
            return self._read_json(self.paths.trial(trial_id).result)
        except KeyMissingError:
            return None

    def read_record(self, trial_id: str) -> dict[str, Any]:
        """The record of a trial that has left its outcome, empty for any other."""
        result = self.read_result(trial_id) or {}
        return result.get("record") or {}

    def sweep_trial(self, trial_id: str) -> None:
        """Deletes what writes into a trial's folder that were cut off have left."""
        self.store.sweep(self.paths.trial(trial_id).folder, deep=True)

    def _acquire(self) -> None:
        try:
            self._lease.acquire()
        except LeaseHeldError as held:
            if self._say_who is None:
                raise
            self._say_who(f"Waiting for the search that {held.holder} runs on {self.store} ...")
            self._lease.acquire(wait=None)

    def _sweep(self) -> None:
        """Where the writer writes; a whole project is swept by `trialflow repair`."""
        newest = self.paths.journal_entry(self._journal.next_number).rpartition("/")[0]
        for folder in ("", self.paths.segments, newest):
            self.store.sweep(folder)

    def _read_json(self, key: str) -> dict[str, Any]:
        data = self.store.read(key)
        try:
            state: dict[str, Any] = json.loads(data)
        except ValueError as error:
            raise CorruptError(f"Expected JSON at {self.url}/{key}. Received: {error}.") from error
        return state

    def _create(self, info: ProjectInfo) -> ProjectInfo:
        self.store.probe()
        created = ProjectInfo(info.objective, info.seed, info.oracle, time.time())
        self.store.create(self.paths.project, to_bytes(created.to_json()))
        return self.info() or created

    def _check_no_orphaned_journal(self) -> None:
        if self.store.exists(self.paths.journal_entry(0)):
            msg = (
                f"Expected {self.paths.project} beside the journal at {self.url}. Received: "
                "nothing. Restore it, or use another `project_name`."
            )
            raise CorruptError(msg)

    def _delete_everything(self) -> None:
        """Deletes all but the lease; the marker goes last, so that a cut-off is noticed."""
        keep = {self.paths.erasing, self.paths.lease}
        # Without project.json nobody takes what is left for a project.
        self.store.delete([self.paths.project])
        for name in self.store.list(""):
            if name not in keep:
                self.store.delete_tree(name)
        self.store.delete([self.paths.erasing])
        self._journal = Journal(self.store, owner=str(self._owner))


def _lease_seconds() -> float:
    return float(os.environ.get("TRIALFLOW_LEASE_SECONDS", "30"))


def _events(entries: Iterable[Entry]) -> list[Event]:
    return [decode(body) for entry in entries for body in entry.events]


def to_bytes(state: Mapping[str, Any]) -> bytes:
    # Not indented: that takes json's slow path, and a result holds whole learning curves.
    return json.dumps(state, allow_nan=False).encode()
