"""The Prefect flow of a script's search: its trials run in slots, the script goes on behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import typer
from prefect import flow

from flows.opening import check_shared
from flows.options.slot_choice import SlotChoice
from flows.running.search_run import run_search
from flows.running.stopping import forget_what_was_caught
from flows.server import prefect_server
from tasks.parcel_slots import ParcelSlots
from tuner.base_tuner import BaseTuner
from tuner.search.search_options import space_of


class SlotsLauncher:
    """Spreads the searches of a script over slots; a `tuner.search.launching.Launcher`.

    Safe to call from several threads, as long as their tuners have projects of their own.

    Args:
        script: Path of the script; only a label.
        options: How many, where, and what they may take.
    """

    def __init__(self, script: Path, options: SlotChoice) -> None:
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
        options = tuner._take_options(passed_on)  # noqa: SLF001 - as `search` does
        tuner.oracle.update_space(space_of(args, passed_on))
        tuner.oracle.deadline = options.deadline()
        self._start_server(quiet=tuner.oracle.verbose == 0)
        places = self.options.places()
        slots = ParcelSlots(places, tuner, args, passed_on, self.options.limits())
        try:
            self._search(tuner, slots)
        except Exception as error:  # noqa: BLE001 - the script's; Prefect's frames are of no use
            raise error.with_traceback(None)  # noqa: B904
        finally:
            tuner.save()

    def _search(self, tuner: BaseTuner, slots: ParcelSlots) -> None:
        began = time.monotonic()

        @flow(name="run", flow_run_name=tuner.search_project.name)
        def search_of_script(script: str, project: str, slots_count: int) -> dict[str, Any]:
            del script, project, slots_count  # for whoever reads the run in the UI
            return run_search(tuner, slots, began, discover=False).to_json()

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
