"""`trialflow best`: the best trial, and its model."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands import tables
from flows.commands.answers import Debug, Json, ProjectUrl, answered, print_json
from flows.present import Found, open_project

if TYPE_CHECKING:
    from tuner.tuners.base_tuner import BaseTuner
    from tuner.tuners.study import Study


def best(
    project_url: ProjectUrl,
    save: Annotated[
        Path | None,
        typer.Option(help="Write the model, with the weights of its best epoch, to this .keras."),
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="With --save: train it anew, on all the data.")
    ] = False,
    pareto: Annotated[
        bool,
        typer.Option("--pareto", help="Show all that no other beats in every objective."),
    ] = False,
    study: Annotated[
        str | None,
        typer.Option(help="Study file that builds the model.", show_default="the search's own"),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show the best trial and its hyperparameters, and save its model."""
    with answered(debug=debug):
        if refit and save is None:
            raise ValueError("Expected --save FILE with --refit. Received: --refit alone.")
        if save is not None and save.suffix != ".keras":
            raise ValueError(f"Expected a file that ends in .keras. Received: --save={save}.")
        found = open_project(project_url)
        if save is not None:
            # What a training prints is no part of the answer.
            with _without_native_messages(), contextlib.redirect_stdout(sys.stderr):
                _save(_model(found, study, refit=refit), save)
    if as_json:
        saved = {} if save is None else {"saved": str(save)}
        front = {"pareto": found.pareto()} if pareto else {}
        print_json({"project": found.project.url, "best": found.best(), **front, **saved})
    else:
        front_shown = pareto and found.history.best is not None
        shown = tables.trials(found.history.pareto_front(), found.history) if front_shown else None
        typer.echo(shown or tables.best(found))
        if save is not None:
            typer.echo(f"Saved: {save}")


@contextlib.contextmanager
def _without_native_messages() -> Iterator[None]:
    """Keeps TensorFlow's C++ messages off the terminal, which go to the file descriptor 2.

    Python's standard error goes on. With TF_CPP_MIN_LOG_LEVEL set, the messages are shown as it
    says.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        yield
        return
    sys.stderr.flush()
    terminal, own = os.dup(2), sys.stderr
    with open(terminal, "w", buffering=1) as shown, open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
        sys.stderr = shown
        try:
            yield
        finally:
            sys.stderr = own
            os.dup2(terminal, 2)


def _save(model: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)


def _model(found: Found, study: str | None, *, refit: bool) -> Any:
    """The best model: by its study where one is named or must be, else by what the project has."""
    if found.history.best is None:
        msg = "Expected a project with a completed trial."
        raise ValueError(f"{msg} Received: {found.project.url}, which has none.")
    if study is None and not refit:
        from tuner.results.models import load_best_models

        return load_best_models(found.project.url)[0]
    # Imported here: to show the best trial takes nothing of a search.
    from flows.running.run_settings import RunSettings
    from tuner.tuners.study import load_study

    loaded = load_study(RunSettings.load(found.project, study).study)
    tuner = _tuner(loaded, found)
    if not refit:
        return tuner.get_best_models()[0]
    return _refitted(tuner, loaded, found)


def _tuner(study: Study, found: Found) -> BaseTuner:
    from tuner.core.runtime import Role

    project = {"directory": found.project.directory, "project_name": found.project.name}
    tuner = study.build_tuner(Role.SEARCH, **project)
    tuner.oracle.objective = found.history.objective
    return tuner


def _refitted(tuner: BaseTuner, study: Study, found: Found) -> Any:
    from tuner.results.models import refit
    from tuner.tuners.tuner import Tuner

    if not isinstance(tuner, Tuner) or found.history.best is None:
        msg = "Expected a Tuner of Keras models."
        raise ValueError(f"{msg} Received: {type(tuner).__name__}, which trains by itself.")
    arguments = study.load_data()
    tuner._take_options(arguments)  # noqa: SLF001 - as `search` does
    return refit(tuner, found.history.best, arguments)
