"""Options that several commands have in common, said once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import TypeVar

Command = TypeVar("Command", bound=Callable[..., None])


def with_options_of(
    other: Callable[..., None], but: Collection[str] = ()
) -> Callable[[Command], Command]:
    """Has a command take the options of another one, which arrive in its `**options`.

    Args:
        other: A command.
        but: Names of options to leave out; what the command has itself is left out as well.
    """

    def extend(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        named = {parameter.name for parameter in own} | set(but)
        theirs = inspect.signature(other, eval_str=True).parameters.values()
        more = [
            parameter.replace(kind=parameter.KEYWORD_ONLY)
            for parameter in theirs
            if parameter.name not in named
        ]
        taken = signature.replace(parameters=[*own, *more])
        command.__signature__ = taken  # type: ignore[attr-defined]
        return command

    return extend
