"""What all commands have in common."""

import contextlib
import inspect
import signal

import pytest
from support import own_signals
from typer.main import get_command

from flows.cli import app
from flows.commands import search as search_command
from flows.running.stopping import (
    TerminatedError,
    check_not_asked_to_stop,
    forget_what_was_caught,
    raise_when_asked_to_stop,
)

COMMANDS = get_command(app).commands


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_in_json_and_shows_tracebacks_when_asked(name):
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert {"--json", "--debug"} <= options
    assert COMMANDS[name].epilog.startswith(f"Example: trialflow {name} ")


def test_the_command_and_the_flow_of_a_search_take_the_same():
    from flows.search import search

    def parameters(function):
        taken = inspect.signature(function).parameters.values()
        return {p.name: p.default for p in taken if p.name not in ("as_json", "debug")}

    assert parameters(search_command.search) == parameters(search.fn)


def test_what_is_put_on_a_schedule_takes_what_a_search_takes_but_overwrite():
    searched = {parameter.name for parameter in COMMANDS["search"].params} - {"overwrite"}
    for name in ("serve", "deploy"):
        taken = {parameter.name for parameter in COMMANDS[name].params}
        assert searched < taken
        assert "overwrite" not in taken


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, TerminatedError)]
)
def test_a_signal_that_python_has_swallowed_is_raised_again(number, raised):
    with own_signals():
        raise_when_asked_to_stop()
        check_not_asked_to_stop()
        with contextlib.suppress(raised):  # as a finalizer would
            signal.raise_signal(number)
        with pytest.raises(raised):
            check_not_asked_to_stop()
        forget_what_was_caught()
        check_not_asked_to_stop()
