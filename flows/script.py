"""The Prefect flow of a script's search: its trials run in slots, the script goes on behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import typer
from prefect import flow
from prefect.client.schemas.objects import State

from flows.opening import check_shared
from flows.parameters import SlotParameters
from flows.running.final_states import completed
from flows.running.search_run import run_search
from flows.running.stopping import forget_what_was_caught
from flows.server import prefect_server
from tasks.process.script_slots import ScriptSlots
from tuner.core.declaration import Declaration
from tuner.search.options import space_of
from tuner.tuners.base_tuner import BaseTuner


class SlotsLauncher:
    """Spreads the searches of a script over slots; a `tuner.core.runtime.Launcher`.

    Safe to call from several threads, as long as their tuners have projects of their own.

    Args:
        script: Path of the script; only a label.
        options: How many, where, and what they may take.
    """

    def __init__(self, script: Path, options: SlotParameters) -> None:
        self.script = script
        self.options = options
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._has_server = False

    def __call__(self, tuner: BaseTuner, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Runs a search to its end.

        Raises:
            CannotTravelError: The tuner or an argument cannot be sent to other processes.
            LeaseHeldError: Another process is searching on this project.
            StudyError: The script's code failed in another process.
            RuntimeError: Too many trials in a row have failed.
        """
        forget_what_was_caught()
        check_shared(tuner.search_project.url)
        passed_on = dict(kwargs)
        tuner._take_options(passed_on)  # noqa: SLF001 - as `search` does
        tuner.oracle.update_space(space_of(args, passed_on))
        self._start_server(quiet=tuner.oracle.verbose == 0)
        places = self.options.places()
        slots = ScriptSlots(places, tuner, args, passed_on, self.options.limits_of_trials())
        try:
            self._search(tuner, slots, lambda: tuner.declaration(*args, **passed_on))
        except Exception as error:  # noqa: BLE001 - the script's; Prefect's frames are of no use
            raise error.with_traceback(None)  # noqa: B904

    def _search(
        self, tuner: BaseTuner, slots: ScriptSlots, declare: Callable[[], Declaration]
    ) -> None:
        began = time.monotonic()

        @flow(name="run", flow_run_name=tuner.search_project.name)
        def search_of_script(script: str, project: str, slots_count: int) -> State[Any]:
            del script, project, slots_count  # shown as parameters of the run in the UI
            return completed(run_search(tuner, slots, began, declare))

        search_of_script(str(self.script), str(tuner.search_project.store), slots.count)

    def _start_server(self, *, quiet: bool) -> None:
        """Starts Prefect's server, which is there until the script ends, for the first search."""

        def say(text: str) -> None:
            if not quiet:
                typer.echo(text, err=True)

        with self._lock:
            if self._has_server:
                return
            ui = self._stack.enter_context(prefect_server(say))
            self._has_server = True
        if ui is not None:
            say(f"Prefect UI while this runs: {ui}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
