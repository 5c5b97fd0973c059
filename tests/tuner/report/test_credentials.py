"""Figures of a project on a store whose credentials only the caller has."""

import uuid

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from searches import Curves

from tuner import Objective
from tuner.oracles import RandomSearchOracle


class Guarded(MemoryFileSystem):
    """Opens to those who know the token."""

    protocol = ("guarded",)
    store: dict = {}  # noqa: RUF012 - of the class, as in fsspec
    pseudo_dirs = [""]  # noqa: RUF012

    def __init__(self, *args, token=None, **kwargs):
        if token != "open sesame":
            raise PermissionError("Expected the token.")
        super().__init__(*args, **kwargs)

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(path.replace("guarded://", "memory://"))


def test_figures_are_drawn_with_the_credentials_of_the_tuner():
    fsspec.register_implementation("guarded", Guarded, clobber=True)
    tuner = Curves(
        RandomSearchOracle(Objective("accuracy", "max"), max_trials=3, seed=0),
        directory=f"guarded://{uuid.uuid4().hex}",
        project_name="curves",
        storage_options={"token": "open sesame"},
    )
    tuner.search(search_verbose=0)
    assert tuner.plot_optimization_history() is not None
    assert "accuracy" in tuner._repr_html_()
    with pytest.raises(PermissionError, match="the token"):
        fsspec.filesystem("guarded")
