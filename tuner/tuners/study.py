"""Study files: the user's model, data and tuner, loaded by path or by module name."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tuner.core.runtime import Role, within
from tuner.tuners.base_tuner import BaseTuner


@dataclass(frozen=True, slots=True)
class Study:
    """A loaded study file."""

    name: str
    """Its file or module name without folders and suffix; names the project by default."""
    path: Path
    module: ModuleType

    def build_tuner(self, role: Role, **project: Any) -> BaseTuner:
        """Calls the study's `build_tuner`.

        Args:
            role: What this process wants from the tuner.
            project: `directory`, `project_name`, `overwrite`.

        Raises:
            TypeError: The study's function returned something else than a tuner.
        """
        with within(role=role):
            tuner = self.module.build_tuner(**project)
        if not isinstance(tuner, BaseTuner):
            msg = (
                f"Expected `build_tuner` of {self.path} to return a tuner. "
                f"Received: {type(tuner).__name__}."
            )
            raise TypeError(msg)
        return tuner

    def load_data(self) -> dict[str, Any]:
        """The keyword arguments of `tuner.search`; none when the study has no `load_data`.

        Raises:
            TypeError: The study's function returned something else than a dict.
        """
        load = getattr(self.module, "load_data", None)
        data = {} if load is None else load()
        if not isinstance(data, dict):
            msg = (
                f"Expected `load_data` of {self.path} to return a dict of keyword arguments for "
                f"`search`. Received: {type(data).__name__}."
            )
            raise TypeError(msg)
        return data


def load_study(spec: str) -> Study:
    """Loads a study from a path (`examples/digits.py`) or a module name (`studies.digits`).

    It is loaded under a private module name, so that it hides no installed package, and its
    folder goes to the tail of `sys.path`, so that it may import the modules beside it.

    Raises:
        FileNotFoundError: There is no such file or module.
        AttributeError: The file has no `build_tuner`.
    """
    path = locate_study(spec)
    name = f"_trialflow_study_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    module = sys.modules.get(name) or _load(name, path)
    if not callable(getattr(module, "build_tuner", None)):
        raise no_build_tuner(path)
    return Study(path.stem, path, module)


def no_build_tuner(path: Path) -> AttributeError:
    """The error of a study that lacks it."""
    return AttributeError(
        f"Expected a function `build_tuner(**project)` in {path}. Received: none. "
        "It returns the tuner, and passes `**project` on to it."
    )


def locate_study(spec: str) -> Path:
    """The file of a study.

    Raises:
        FileNotFoundError: There is no such file or module.
    """
    if spec.endswith(".py") or "/" in spec:
        path = Path(spec).expanduser().resolve()
        if not path.is_file():
            msg = f"Expected `study` to be the path of a Python file. Received: study={spec!r}."
            raise FileNotFoundError(msg)
        return path
    try:
        found = importlib.util.find_spec(spec)
    except ModuleNotFoundError:
        found = None
    if found is None or found.origin is None:
        msg = (
            f"Expected `study` to be a path ending in .py or the name of a module. "
            f"Received: study={spec!r}."
        )
        raise FileNotFoundError(msg)
    return Path(found.origin).resolve()


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"Expected a Python file. Received: study={str(path)!r}.")
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
