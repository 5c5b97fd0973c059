"""Where the training state of an execution lies: payload first, manifest then, the newest only."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import ExecutionPaths, KeyMissingError, TransientStoreError
from tuner.state.arrays import from_npz, pack, separate
from tuner.state.project import Project

logger = logging.getLogger(__name__)

FORMAT = 1
"""Version of manifests and states."""

Entry = dict[str, Any]
"""How a file is named: `key`, `sha256`, `size` in bytes."""


State = dict[str, Any]
"""JSON with arrays among the leaves; `epoch` is the number of epochs that are done."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state on its way to the store: its containers were copied, its arrays are nobody else's."""

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
        self._named: list[str] = []
        """Files the manifest named that this process wrote or read last."""
        self._file: Entry | None = None

    def load(self, target: Path) -> State | None:
        """The newest state, None without one.

        Args:
            target: Where the file that was saved with it goes, if there was one.

        Raises:
            StateDamagedError: There is something, and it cannot be used.
        """
        for _ in range(3):  # another process may replace the files between two reads
            try:
                manifest = self._manifest()
            except KeyMissingError:
                return None
            try:
                return self._load(manifest, target)
            except KeyMissingError:
                continue
        raise StateDamagedError(f"{self._where(self.paths.manifest)} names files that are missing")

    def save(self, snapshot: Snapshot, file: Path | None = None) -> None:
        """Writes a state and deletes the one before it. Cut off anywhere, one of them is whole.

        Args:
            snapshot: The state.
            file: A local file that belongs to it.
        """
        payload = self._put(snapshot, lambda digest: self.paths.epoch(snapshot.epoch, digest))
        self._file = self._upload(file) if file is not None else self._file
        manifest = {"format": FORMAT, "epoch": snapshot.epoch, **payload, "file": self._file}
        self._store.replace(self.paths.manifest, json.dumps(manifest, allow_nan=False).encode())
        before, self._named = self._named, _keys_of(manifest)
        self._delete(set(before) - set(self._named))

    def save_end(self, snapshot: Snapshot) -> Entry:
        """Writes a state that stays; answers what `load_end` needs."""
        return self._put(snapshot, self.paths.end)

    def load_end(self, entry: Mapping[str, Any]) -> State:
        """A state that stayed, of any execution.

        Raises:
            StateDamagedError: It is not what was written, or is not there any more.
        """
        try:
            return self._read(entry)
        except KeyMissingError:
            raise StateDamagedError(f"{self._where(entry['key'])} is not there") from None

    def discard(self) -> None:
        """Deletes the state; what the execution left for good stays."""
        self._named, self._file = [], None
        names = self._store.list(self.paths.folder)
        passing = [name for name in names if name.startswith(("epoch-", "best-", "manifest"))]
        # The manifest first: without it nobody looks for the others.
        self._delete(f"{self.paths.folder}/{name}" for name in sorted(passing, reverse=True))

    def _manifest(self) -> dict[str, Any]:
        key = self.paths.manifest
        try:
            manifest: dict[str, Any] = json.loads(self._store.read(key))
            version = manifest["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise StateDamagedError(f"{self._where(key)} is no manifest ({error})") from error
        if version != FORMAT:
            raise StateDamagedError(f"{self._where(key)} is of format {version}, not {FORMAT}")
        return manifest

    def _load(self, manifest: Mapping[str, Any], target: Path) -> State:
        state = self._read(manifest)
        file = manifest["file"]
        if file is not None:
            self._store.download(file["key"], target)
            self._check(file, target.read_bytes())
        self._named, self._file = _keys_of(manifest), file
        return state

    def _put(self, snapshot: Snapshot, name: Any) -> Entry:
        data = pack(snapshot.plain, snapshot.arrays)
        digest = hashlib.sha256(data).hexdigest()
        key = name(digest[:12])
        self._store.replace(key, data)
        return {"key": key, "sha256": digest, "size": len(data)}

    def _read(self, entry: Mapping[str, Any]) -> State:
        data = self._store.read(entry["key"])
        self._check(entry, data)
        try:
            state: State = from_npz(data)
        except ValueError as error:
            raise StateDamagedError(f"{self._where(entry['key'])}: {error}") from error
        return state

    def _check(self, entry: Mapping[str, Any], data: bytes) -> None:
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise StateDamagedError(f"{self._where(entry['key'])} is not what was written")

    def _upload(self, file: Path) -> Entry:
        data = file.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if self._file is not None and self._file["sha256"] == digest:
            return self._file
        key = self.paths.best(digest[:12])
        self._store.upload(file, key)
        return {"key": key, "sha256": digest, "size": len(data)}

    def _delete(self, keys: Iterable[str]) -> None:
        try:
            self._store.delete(keys)
        except TransientStoreError as error:
            logger.warning("An old training state could not be deleted: %s", error)

    def _where(self, key: str) -> str:
        return f"{self._project.url}/{key}"


def _keys_of(manifest: Mapping[str, Any]) -> list[str]:
    file = manifest["file"]
    return [manifest["key"], *([] if file is None else [file["key"]])]
