"""A project: where a search keeps its journal, its results and its checkpoints."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from storage import (
    PROBE,
    CorruptError,
    Entry,
    Journal,
    KeyMissingError,
    Lease,
    LeaseHeldError,
    LocalStore,
    NewerFormatError,
    Owner,
    ProjectPaths,
    StorageError,
    open_store,
    project_url,
    seal,
    split_url,
    sweep_scratch,
    unseal,
)
from tuner.core import runtime
from tuner.core.objective import objective_from_json
from tuner.core.typed import parse, understood
from tuner.journal.events import Event, decode, encode_all
from tuner.journal.tail import RESTORE, Tail
from tuner.journal.trial_files import parse_result

logger = logging.getLogger(__name__)

FORMAT = 1
"""Version of the layout of a project and of `project.json`."""


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """What stands in `project.json`: written once, when the search begins."""

    objective: dict[str, Any]
    """At first; the journal knows of another one."""
    seed: int
    oracle: str
    created: float = 0.0
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, state: Mapping[str, Any], url: str) -> ProjectInfo:
        """What `to_json` gave.

        Args:
            state: Its JSON.
            url: The document's, for messages.

        Raises:
            NewerFormatError: A newer Trialflow made it.
            CorruptError: It is something else.
        """
        version = state.get("format", FORMAT)
        if isinstance(version, int) and version > FORMAT:
            msg = f"Expected a project of format {FORMAT} or older at {url}."
            raise NewerFormatError(f"{msg} Received: format={version}. Update Trialflow.")
        info = parse(cls, state, url)
        with understood(url):
            objective_from_json(info.objective)
        return info


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry of the journal tells."""

    where: str
    """Its path or URL."""
    events: Sequence[Event]


class Project:
    """One search's place on a store.

    Reading needs nothing. Writing to the journal needs `open`, which makes this process the one
    writer; `save_result` is for the process that ran the trial and needs neither.

    Args:
        directory: Path or fsspec URL under which projects lie.
        project_name: Name of this one.
        storage_options: Passed to fsspec; never stored, shown or pickled.
    """

    def __init__(self, directory: Any, project_name: str, **storage_options: Any) -> None:
        self.directory = str(directory)
        self.name = project_name
        self._on_wait = runtime.current().on_wait
        self._storage_options = dict(storage_options)
        self.store = open_store(project_url(directory, project_name), **storage_options)
        self.paths = ProjectPaths()
        self.tail = Tail(self.store)
        self._owner = Owner.of_this_process()
        self._journal = Journal(self.store, owner=str(self._owner))
        self._lease = Lease(
            self.store,
            owner=self._owner,
            ttl=_lease_seconds(),
            entries=lambda: self._journal.next_number,
            run=lambda: self.run_id,
        )
        self.run_id = ""
        """Of the flow run that searches here, as its lease tells; empty outside of Prefect."""

    @classmethod
    def at(cls, project_url: Any, **storage_options: Any) -> Project:
        """The project of this path or URL.

        Raises:
            ValueError: There is no name at its end.
        """
        return cls(*split_url(os.fspath(project_url)), **storage_options)

    def anew(self) -> Project:
        """The same project, of which nothing has been read."""
        return Project(self.directory, self.name, **self._storage_options)

    def place(self) -> dict[str, Any]:
        """The arguments that make it anew in another process; they may be secret."""
        directory, name = split_url(self.url)
        return {"directory": directory, "project_name": name, **self._storage_options}

    @property
    def url(self) -> str:
        return self.store.url

    @property
    def run_before(self) -> str:
        """The `run_id` of a search that was killed, and whose project this process has taken."""
        return self._lease.run_before

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
        return None if self.store.exists(self.paths.erasing) else self._stored_info()

    def _stored_info(self) -> ProjectInfo | None:
        try:
            data = self.store.read(self.paths.project)
        except KeyMissingError:
            self._check_no_orphaned_journal()
            return None
        where = self._where(self.paths.project)
        return ProjectInfo.from_json(unseal(data, where), where)

    def events(self) -> list[Event]:
        """The events that were added since this was asked last; all of them at first."""
        return [event for entry in self.entries() for event in entry.events]

    def entries(self) -> list[Told]:
        """The entries that were added since this was asked last; all of them at first.

        Raises:
            CorruptError: One is damaged or missing, or holds something else than events.
            NewerFormatError: A newer Trialflow wrote one.
        """
        return [self._told(entry) for entry in self._journal.refresh()]

    def _told(self, entry: Entry) -> Told:
        where = self._where(self.paths.journal_entry(entry.number))
        return Told(where, [decode(body, where) for body in entry.events])

    def open(self, info: ProjectInfo) -> tuple[ProjectInfo, list[Told]]:
        """Makes this process the writer, creating the project if need be.

        Returns:
            What `project.json` says, and all entries of the journal.

        Raises:
            LeaseHeldError: Another process is the writer.
            UnsafeStoreError: The store cannot keep two writers apart.
        """
        self._acquire()
        try:
            if self.store.exists(self.paths.erasing):
                self._delete_everything()
            stored = self._stored_info() or self._create(info)
            self._journal = Journal(self.store, owner=str(self._owner))
            entries = self.entries()
            self.tail.check(self._journal.next_number, self._lease.entries_before)
            self._sweep()
        except BaseException:
            self._lease.release()
            raise
        return stored, entries

    def append(self, events: Sequence[Event]) -> None:
        """Writes events to the journal; when it returns they will survive anything.

        Raises:
            FencedError: Another process has become the writer.
        """
        self._journal.append(encode_all(events))

    def close(self) -> None:
        """Lets another process become the writer at once."""
        try:
            self.tail.note(self._journal.next_number)
        except StorageError as error:  # it only helps to notice what is lost
            logger.warning("Could not note the length of the journal: %s", error)
        finally:
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
        return self.store.create(self.paths.trial(trial_id).result, seal(state))

    def read_result(self, trial_id: str) -> dict[str, Any] | None:
        """The outcome of a trial as its process left it, None when it left none.

        Raises:
            CorruptError: It is not what was written.
        """
        key = self.paths.trial(trial_id).result
        try:
            return parse_result(self.store.read(key), trial_id, self._where(key))
        except KeyMissingError:
            return None

    def forget_result(self, trial_id: str) -> None:
        """Deletes the outcome of a trial that is to run again."""
        self.store.delete([self.paths.trial(trial_id).result])

    def save_state(self, key: str, state: Mapping[str, Any]) -> None:
        """Keeps what a tuner knows beyond its oracle."""
        self.store.replace(key, seal(state, strict=False))

    def saved_state(self, key: str) -> dict[str, Any] | None:
        """What was kept so; None where nothing was.

        Raises:
            CorruptError: It is not what was written.
        """
        try:
            return unseal(self.store.read(key), self._where(key))
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
            if self._on_wait is None:
                raise
            self._on_wait(f"Waiting for the search that {held.holder} runs on {self.store} ...")
            self._lease.acquire(wait=None)

    def _sweep(self) -> None:
        """Where the writer writes; a whole project is swept by `trialflow repair`."""
        newest = self.paths.journal_entry(self._journal.next_number).rpartition("/")[0]
        for folder in ("", self.paths.segments, self.paths.journal, self.paths.export, newest):
            self.store.sweep(folder)
        sweep_scratch()
        # Of a process that was killed while it made the project; no other could be trying it out.
        self.store.delete([name for name in self.store.list("") if name.startswith(PROBE)])

    def check_knows_results(self, known: Collection[str]) -> None:
        """Raises CorruptError where a trial has left a result and the journal knows of none.

        Args:
            known: Ids of the trials in the journal.
        """
        for name in self.store.list(self.paths.trials):
            if name not in known and self._has_result(name):
                key = self._where(self.paths.trial(name).result)
                msg = f"Expected trial {name} in the journal, since there is {key}."
                raise CorruptError(f"{msg} Received: nothing of it. {RESTORE}")

    def _has_result(self, name: str) -> bool:
        try:
            return self.store.exists(self.paths.trial(name).result)
        except ValueError:  # no trial's id
            return False

    def _where(self, key: str) -> str:
        return f"{self.store}/{key}"

    def _create(self, info: ProjectInfo) -> ProjectInfo:
        self.store.probe()
        created = ProjectInfo(info.objective, info.seed, info.oracle, time.time())
        self.store.create(self.paths.project, seal(created.to_json()))
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
        # Without project.json what is left is not taken for a project.
        self.store.delete([self.paths.project])
        for name in self.store.list(""):
            if name not in keep:
                self.store.delete_tree(name)
        self.store.delete([self.paths.erasing])
        self._journal = Journal(self.store, owner=str(self._owner))


def _lease_seconds() -> float:
    return float(os.environ.get("TRIALFLOW_LEASE_SECONDS", "30"))
