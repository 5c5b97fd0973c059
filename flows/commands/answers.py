"""Arguments and errors that the commands about a project share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from storage import FencedError, LeaseHeldError

FAILED = 1
BUSY = 3
"""Exit statuses: it failed; another process searches on the project."""

WORDY = 8
"""Words from which on an error's message is taken to explain itself."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
ProjectUrl = Annotated[str, typer.Argument(help="Path or URL of the project.")]


@contextmanager
def answered(*, debug: bool) -> Iterator[None]:
    """An error inside ends the command with one sentence, unless its traceback is wanted."""
    try:
        yield
    except typer.Exit:
        raise
    except Exception as error:
        if debug:
            raise
        typer.echo(f"Error: {_sentence(error)}", err=True)
        taken = isinstance(error, LeaseHeldError | FencedError)
        raise typer.Exit(BUSY if taken else FAILED) from None


def print_json(state: dict[str, Any]) -> None:
    typer.echo(json.dumps(state, allow_nan=False))


def _sentence(error: Exception) -> str:
    """What went wrong; of errors that are not worded by us also where to learn more."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"Expected to get at {error.filename}. Received: {error.strerror}."
    text = str(error).strip()
    if text.startswith("Expected") or len(text.split()) > WORDY:
        return text
    return f"{type(error).__name__}: {text or 'no message'}. With --debug its traceback is shown."
