"""Keras Tuner's module names, for programs written for it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from tuner.keras_tuner.names import MODULES, STAND_INS, UNLISTED, VERSION, WITHIN

ROOTS = ("keras_tuner", "kerastuner")


def alias_keras_tuner() -> None:
    """Registers `keras_tuner`, its submodules and the legacy `kerastuner` as names for Trialflow.

    A Keras Tuner that is installed is not touched; it is only not found any more. Nothing happens
    the second time.

    Example:
        >>> alias_keras_tuner()
        >>> import keras_tuner as kt
        >>> kt.RandomSearch
        <class 'tuner.tuners.RandomSearch'>

    Raises:
        ImportError: Keras Tuner itself is imported already.
    """
    if is_aliased():
        return
    for root in ROOTS:
        if root in sys.modules:
            where = getattr(sys.modules[root], "__file__", None)
            msg = (
                f"Expected `alias_keras_tuner()` to be called before `import {root}`. Received: "
                f"{root} of {where}, whose classes the program may hold already."
            )
            raise ImportError(msg)
    sys.meta_path.insert(0, AliasFinder())
    for name in MODULES:
        importlib.import_module(name)


def is_aliased() -> bool:
    """Whether `import keras_tuner` gives Trialflow."""
    return any(isinstance(finder, AliasFinder) for finder in sys.meta_path)


class AliasFinder(MetaPathFinder, Loader):
    """Finds Keras Tuner's modules, none of which is a file."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname in MODULES:
            # All of them are packages, or Python would not ask for what is below.
            return ModuleSpec(fullname, self, origin=__file__, is_package=True)
        if fullname.partition(".")[0] in ROOTS:
            # Without the module's name in it, or `from keras_tuner import x` would hide the text.
            raise ImportError(_unknown(*fullname.rpartition(".")[::2]))
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        del spec
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fills in a module; what it holds is looked up when it is asked for."""
        name = module.__name__
        targets = MODULES[name]
        public = [key for key in targets if not key.startswith("_")]
        inside = [key.rpartition(".")[2] for key in MODULES if key.rpartition(".")[0] == name]

        def find(attribute: str) -> Any:
            value = _look_up(name, attribute)
            setattr(module, attribute, value)
            return value

        # A plain module, which pickles by its name, and finds the rest by PEP 562.
        module.__dict__.update(
            __getattr__=find,
            __dir__=lambda: sorted({*public, *inside, *module.__dict__}),
            __file__=__file__,
            __version__=VERSION,
            __doc__=f"Trialflow under Keras Tuner's name `{name}`.",
        )
        if name not in STAND_INS:
            module.__dict__["__all__"] = [*public, *inside]


def _look_up(module: str, attribute: str) -> Any:
    if module in STAND_INS and not attribute.startswith("__"):
        return getattr(importlib.import_module(STAND_INS[module]), attribute)
    target = MODULES[module].get(attribute) or UNLISTED.get(module, {}).get(attribute)
    if target is None and module.count(".") and attribute in WITHIN:
        return importlib.import_module(f"keras_tuner.src.{WITHIN[attribute]}")
    if target is None:
        raise AttributeError(_unknown(module, attribute), name=attribute, obj=sys.modules[module])
    where, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(where), name)
    except (ImportError, AttributeError) as error:
        msg = f"Expected {module}.{attribute} to be found at {target}. Received: {error}"
        raise AttributeError(msg, name=attribute, obj=sys.modules[module]) from error


def _unknown(module: str, attribute: str) -> str:
    known: Mapping[str, str] = MODULES.get(module, {})
    modules = [name.rpartition(".")[2] for name in MODULES if name.rpartition(".")[0] == module]
    names = ", ".join([*known, *modules]) or "nothing of that name"
    return (
        f"Expected a name of Keras Tuner's that Trialflow has too. Received: {module}.{attribute}. "
        f"{module} has {names}."
    )
