"""Trialflow's packages, imported before modules of the user's that have the same names.

A worker of Prefect has the folder of the study at the head of Python's path, and a script its own:
a `storage.py` or `tasks.py` in it would be imported in place of ours.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

OWN = ("flows", "tasks", "tuner", "storage")
ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds them."""


def import_own() -> None:
    """Imports our packages from where they lie, whatever the path says.

    Raises:
        ImportError: A module of one of their names has been imported before.
    """
    for name in OWN:
        module = sys.modules.get(name)
        found = getattr(module, "__file__", None)
        if module is not None and found is not None and not _is_own(Path(found)):
            raise ImportError(_taken(name, Path(found)))
    for name in OWN:
        spec = PathFinder.find_spec(name, [str(ROOT)])
        if name not in sys.modules and spec is not None and spec.loader is not None:
            sys.modules[name] = module = module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[name]  # as an import does
                raise


def hiding(folder: Path, name: str) -> Path | None:
    """The file of a folder that would be imported in place of one of our packages, if any."""
    candidates = [folder / f"{name}.py", folder / name / "__init__.py"]
    return next((path for path in candidates if path.is_file() and not _is_own(path)), None)


def check_not_hidden(folder: Path, name: str) -> None:
    """Raises ImportError if a folder that Python looks in first has a module of a package's name.

    Args:
        folder: That a process starts in.
        name: Of the package that it imports first, which nothing can find before.
    """
    path = hiding(folder, name)
    if path is not None:
        raise ImportError(_taken(name, path))


def python_of_ours(env: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The interpreter with which `-m` runs a module of ours, and its environment.

    Where the working directory or PYTHONPATH has modules of our packages' names, ours come first;
    else all is as it would be.

    Args:
        env: What the process is to have.
    """
    listed = [each for each in env.get("PYTHONPATH", "").split(os.pathsep) if each]
    folders = [str(Path.cwd()), *listed]
    if not any(hiding(Path(folder), name) for folder in folders for name in OWN):
        return [sys.executable], dict(env)
    # -P: not the working directory before all else.
    return [sys.executable, "-P"], {**env, "PYTHONPATH": os.pathsep.join([str(ROOT), *folders])}


def _is_own(path: Path) -> bool:
    return path.resolve().is_relative_to(ROOT) and path.resolve().parent.parent == ROOT


def _taken(name: str, path: Path) -> str:
    return (
        f"Expected the package `{name}` of Trialflow, {ROOT / name / '__init__.py'}. Received: "
        f"{path}, which Python finds before it. Rename that file, or take its folder out of "
        "PYTHONPATH."
    )
