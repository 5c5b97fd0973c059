"""Training states on the store: payload first, then the manifest; the newest only."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import (
    CorruptError,
    ExecutionPaths,
    KeyMissingError,
    StoredFile,
    TransientStoreError,
    seal,
)
from tuner.journal.project import Project
from tuner.journal.trial_files import Manifest
from tuner.training.arrays import from_npz, pack, separate

logger = logging.getLogger(__name__)

State = dict[str, Any]
"""JSON with arrays among the leaves; `epoch` is the number of epochs that are done."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state on its way to the store: its containers were copied, its arrays are not shared."""

    epoch: int
    plain: Any
    arrays: list[Any]

    @classmethod
    def of(cls, state: State) -> Snapshot:
        """Raises TypeError for a leaf that is neither JSON nor an array."""
        return cls(state["epoch"], *separate(state))


class StateDamagedError(ValueError):
    """What lies there is no state of ours."""


class StatePlace:
    """The folder of one execution, for its training state.

    Several processes may believe that they run the execution. Each names its files by their
    content, replaces the manifest as a whole, and deletes only what its own manifest has named.

    Args:
        project: The project.
        paths: The execution's keys.
    """

    def __init__(self, project: Project, paths: ExecutionPaths) -> None:
        self._project = project
        self._store = project.store
        self.paths = paths
        self._named: Manifest | None = None
        """The manifest that this process wrote or read last."""
        self._file: StoredFile | None = None

    def load(self, target: Path) -> State | None:
        """The newest state, None without one.

        Args:
            target: Where the file that was saved with it goes, if there was one.

        Raises:
            StateDamagedError: There is something, and it cannot be used.
        """
        for _ in range(3):  # another process may replace the files between two reads
            try:
                manifest = self.manifest()
            except KeyMissingError:
                return None
            with contextlib.suppress(KeyMissingError):
                return self._load(manifest, target)
        raise StateDamagedError(f"{self._where(self.paths.manifest)} names files that are missing")

    def manifest(self) -> Manifest:
        """The manifest of the newest state.

        Raises:
            KeyMissingError: There is none.
            StateDamagedError: It is not what was written.
        """
        key = self.paths.manifest
        try:
            return Manifest.parse(self._store.read(key), self._where(key))
        except CorruptError as error:
            raise StateDamagedError(str(error)) from error

    def save(self, snapshot: Snapshot, file: Path | None = None) -> None:
        """Writes a state and deletes the one before it. Cut off anywhere, one of them is whole.

        Args:
            snapshot: The state.
            file: A local file that belongs to it.
        """
        state = self._put(snapshot, lambda digest: self.paths.epoch(snapshot.epoch, digest))
        self._file = self._upload(file) if file is not None else self._file
        manifest = Manifest(snapshot.epoch, state, self._file)
        self._store.replace(self.paths.manifest, seal(manifest.to_json()))
        before, self._named = self._named, manifest
        old = [] if before is None else before.files
        self._delete(file.key for file in old if file not in manifest.files)

    def save_end(self, snapshot: Snapshot) -> StoredFile:
        """Writes a state that stays; answers what `load_end` needs."""
        return self._put(snapshot, self.paths.end)

    def load_end(self, named: Any) -> State:
        """A state that stayed, of any execution.

        Args:
            named: The JSON of what `save_end` answered.

        Raises:
            StateDamagedError: It is not what was written, or is not there any more.
        """
        try:
            return self._read(StoredFile.from_json(named, "a record of ends"))
        except (KeyMissingError, CorruptError) as error:
            raise StateDamagedError(str(error)) from None

    def discard(self) -> None:
        """Deletes the state; what the execution left for good stays."""
        self._named = self._file = None
        names = self._store.list(self.paths.folder)
        passing = [name for name in names if name.startswith(("epoch-", "best-", "manifest"))]
        # The manifest first: without it the others are not looked for.
        self._delete(f"{self.paths.folder}/{name}" for name in sorted(passing, reverse=True))

    def _load(self, manifest: Manifest, target: Path) -> State:
        state = self._read(manifest.state)
        if manifest.file is not None:
            try:
                manifest.file.download(self._store, target)
            except CorruptError as error:
                raise StateDamagedError(str(error)) from error
        self._named, self._file = manifest, manifest.file
        return state

    def _put(self, snapshot: Snapshot, name: Callable[[str], str]) -> StoredFile:
        data = pack(snapshot.plain, snapshot.arrays)
        file = StoredFile.of(data, name)
        file.write(self._store, data)
        return file

    def _read(self, file: StoredFile) -> State:
        try:
            state: State = from_npz(file.read(self._store))
        except ValueError as error:
            raise StateDamagedError(f"{self._where(file.key)}: {error}") from error
        return state

    def _upload(self, path: Path) -> StoredFile:
        file = StoredFile.of(path, self.paths.best)
        if file != self._file:
            file.write(self._store, path)
        return file

    def _delete(self, keys: Iterable[str]) -> None:
        try:
            self._store.delete(keys)
        except TransientStoreError as error:
            logger.warning("An old training state could not be deleted: %s", error)

    def _where(self, key: str) -> str:
        return f"{self._project.url}/{key}"
