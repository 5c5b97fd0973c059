"""How a training child comes by its tuner, and by what the tuner trains on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tasks.parcel import unpack
from tuner.base_tuner import BaseTuner
from tuner.search.role import Role
from tuner.study import load_study
from tuner.tuner import Tuner

Arguments = tuple[Sequence[Any], Mapping[str, Any]]


@dataclass
class Assembly:
    """A tuner in the role `TRIAL`, and the arguments of its `search`, which may be large."""

    tuner: BaseTuner
    load: Callable[[], Arguments]

    @cached_property
    def arguments(self) -> Arguments:
        """Positional and keyword arguments; loaded when the first trial runs."""
        return self.load()


def assemble(setup: Mapping[str, Any]) -> Assembly:
    """Assembles what the supervisor describes.

    Args:
        setup: Either `{"study": path, "project": ..., "executions_per_trial": ...}` or what
            `tasks.parcel.pack` returned.
    """
    return _from_parcel(setup) if "parcel" in setup else _from_study(setup)


def _from_study(setup: Mapping[str, Any]) -> Assembly:
    study = load_study(setup["study"])
    tuner = study.build_tuner(Role.TRIAL, **setup["project"])
    executions = setup.get("executions_per_trial")
    if executions is not None and isinstance(tuner, Tuner):
        tuner.executions_per_trial = executions
    return Assembly(tuner, lambda: ((), _passed_on(tuner, study.load_data())))


def _passed_on(tuner: BaseTuner, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `search` without those that it keeps for itself."""
    tuner._take_options(arguments)  # noqa: SLF001 - as `search` does
    return arguments


def _from_parcel(setup: Mapping[str, Any]) -> Assembly:
    contents = unpack(setup)
    return Assembly(contents.tuner, lambda: (contents.args, contents.kwargs))
