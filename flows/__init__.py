"""Prefect flows and the command line: the outermost layer."""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def _import_tuner() -> None:
    """Imports our `tuner`, which has the other packages found, before any module of that name.

    A worker of Prefect has the folder of the study at the head of Python's path.
    """
    spec = PathFinder.find_spec("tuner", [str(Path(__file__).resolve().parent.parent)])
    if "tuner" in sys.modules or spec is None or spec.loader is None:
        return
    sys.modules["tuner"] = module = module_from_spec(spec)
    spec.loader.exec_module(module)


_import_tuner()
