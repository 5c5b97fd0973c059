"""The payload of a script's search for its children: the tuner and the arguments of `search`.

A file that only the processes of one search write and read, and that is deleted with it. What
does not belong into a file (the project's URL and options, which may be secret) goes beside it.
"""

from __future__ import annotations

import mmap
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import cloudpickle

from tasks.process import pickling
from tasks.process.pickling import KerasSettings
from tasks.process.unpicklable import find_unpicklable, short
from tuner.compat import alias_keras_tuner, is_aliased
from tuner.core.runtime import Role, within
from tuner.journal.project import Project
from tuner.oracles.oracle import Oracle
from tuner.tuners.base_tuner import BaseTuner

ALIGNMENT = 64
"""Bytes; what numpy and TensorFlow want of the address of an array."""

Places = list[dict[str, Any]]


class CannotTravelError(TypeError):
    """Something that `search` was given cannot leave its process."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What code that the script's is used to finds around it."""

    sys_path: list[str]
    argv: list[str]
    aliased: bool

    @classmethod
    def now(cls) -> Surroundings:
        return cls(list(sys.path), list(sys.argv), is_aliased())

    def apply(self) -> None:
        sys.path[:] = self.sys_path
        sys.argv[:] = self.argv
        if self.aliased:
            alias_keras_tuner()


@dataclass(frozen=True, slots=True)
class Contents:
    """What a child gets."""

    tuner: BaseTuner
    args: Sequence[Any]
    kwargs: Mapping[str, Any]


def pack(
    folder: Path, tuner: BaseTuner, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes a payload.

    Args:
        folder: A private one.
        tuner: As the script assembled it.
        args: What `search` was given.
        kwargs: Likewise.

    Returns:
        What `unpack` needs; JSON.

    Raises:
        CannotTravelError: Some of it cannot be pickled; the message says what.
    """
    places: Places = []
    pickled, buffers = _files_of(folder)
    try:
        with _private(pickled) as file, _private(buffers) as arrays:
            pickler = _Pickler(file, places, lambda buffer: _append(arrays, buffer))
            pickler.dump(Surroundings.now())
            pickler.dump(KerasSettings.now())
            pickler.dump(Contents(tuner, args, kwargs))
    except Exception as error:  # noqa: BLE001 - whatever the user's objects raise
        raise CannotTravelError(_explain(tuner, args, kwargs, error)) from None
    return {"payload": str(folder), "places": places}


def unpack(setup: Mapping[str, Any]) -> Contents:
    """Reads a payload; several times gives several copies.

    Args:
        setup: What `pack` returned.
    """
    pickled, buffers = _files_of(Path(setup["payload"]))
    with pickled.open("rb") as file, within(role=Role.TRIAL):
        unpickler = _Unpickler(file, setup["places"], _arrays(buffers))
        unpickler.load().apply()
        settings = unpickler.load()
        if settings is not None:
            settings.apply()
        contents: Contents = unpickler.load()
    return contents


def is_whole(setup: Mapping[str, Any]) -> bool:
    """Whether what `pack` wrote is still there: it may have been deleted."""
    return all(file.exists() for file in _files_of(Path(setup["payload"])))


def _files_of(folder: Path) -> tuple[Path, Path]:
    """Where the pickle and the arrays that it refers to lie."""
    return folder / "pickle", folder / "arrays"


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """Pickles by value what `__main__` defines, and replaces what is bound to this process."""

    def __init__(
        self, file: Any, places: Places, on_buffer: Callable[[pickle.PickleBuffer], Any]
    ) -> None:
        super().__init__(file, protocol=5, buffer_callback=on_buffer)
        self._places = places

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, Project):
            return None
        place = obj.place()
        if place not in self._places:
            self._places.append(place)
        return self._places.index(place)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Oracle):
            return pickling.reduce_oracle(obj)
        if isinstance(obj, BaseTuner):
            return pickling.reduce_tuner(obj)
        if pickling.is_dataset(obj):
            return pickling.dataset_of, pickling.graph_of(obj)
        return super().reducer_override(obj)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], places: Places, arrays: Iterator[memoryview]) -> None:
        super().__init__(file, buffers=arrays)
        self._projects = {n: Project(**place) for n, place in enumerate(places)}

    def persistent_load(self, pid: Any) -> Project:
        return self._projects[pid]


def _append(file: IO[bytes], buffer: pickle.PickleBuffer) -> None:
    """Adds an array to the file: its length, and its bytes from the next aligned position on."""
    data = buffer.raw()
    file.write(data.nbytes.to_bytes(ALIGNMENT, "little"))
    file.write(data)
    file.write(bytes(-data.nbytes % ALIGNMENT))


def _arrays(path: Path) -> Iterator[memoryview]:
    """The arrays of the file; children share its pages until they write into them."""
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    start = 0
    while start < len(view):
        length = int.from_bytes(view[start : start + ALIGNMENT], "little")
        start += ALIGNMENT
        yield view[start : start + length]
        start += length + -length % ALIGNMENT


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file


def _explain(
    tuner: BaseTuner, args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception
) -> str:
    roots = {
        **dict(zip(pickling.names_of_arguments(tuner), args, strict=False)),
        **kwargs,
        "oracle": tuner.oracle,
        **{name: value for name, value in vars(tuner).items() if name != "oracle"},
    }
    found = find_unpicklable(roots, why_not)
    what = f"{found.name}={short(found.value)}" if found else "something"
    reason = found.error if found else error
    return (
        "Expected a tuner, and arguments of `search`, that can be sent to other processes. "
        f"Received: {what} ({type(reason).__name__}: {reason}). Make it inside of the function "
        "that uses it, or in the `load_data` of a study file (`trialflow search`), which each "
        "process calls for itself; or run the script without --slots."
    )


def why_not(value: Any) -> Exception | None:
    """Why a value cannot be pickled; None if it can."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - no path
        try:
            _Pickler(nowhere, [], lambda _: None).dump(value)
        except Exception as error:  # noqa: BLE001 - whatever a reducer raises
            return error
    return None
