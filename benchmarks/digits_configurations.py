"""Configurations of the digits example, drawn once: a study, and what every peer trains.

Where the environment names a file in MARKS, each training writes to it when its model is about to
be built, and when its fit begins and ends, with the process that it runs in.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

STUDY = Path(__file__).resolve().parent.parent / "examples" / "digits.py"


def digits() -> Any:
    """The example, as a module."""
    spec = importlib.util.spec_from_file_location("digits", STUDY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Drawn:
    """Hyperparameters whose values are drawn by a number."""

    def __init__(self, number: int) -> None:
        self._rng = np.random.default_rng([7, number])

    def Int(self, name: str, low: int, high: int, step: int = 1) -> int:
        del name
        return int(self._rng.choice(np.arange(low, high + 1, step)))

    def Choice(self, name: str, values: list[Any]) -> Any:
        del name
        return values[self._rng.integers(len(values))]

    def Float(self, name: str, low: float, high: float, sampling: str | None = None) -> float:
        del name
        ends = np.log([low, high]) if sampling == "log" else (low, high)
        drawn = self._rng.uniform(*ends)
        return float(np.exp(drawn) if sampling == "log" else drawn)

    def conditional_scope(self, *_: Any) -> Any:
        return contextlib.nullcontext()


def mark(what: str) -> None:
    """Notes that something happens now."""
    if path := os.environ.get("MARKS"):
        with Path(path).open("a") as file:
            file.write(json.dumps({"what": what, "time": time.time(), "pid": os.getpid()}) + "\n")


def model_of(number: int) -> Any:
    """The model of one configuration."""
    mark("build")
    return digits().build_model(Drawn(number))


def marker() -> Any:
    """A callback that marks where a fit begins and ends."""
    import keras

    class Marker(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            del logs
            mark("begin")

        def on_train_end(self, logs: Any = None) -> None:
            del logs
            mark("end")

    return Marker()


def numbers() -> list[int]:
    """Which configurations there are."""
    return list(range(int(os.environ.get("CONFIGURATIONS", "4"))))


def build_tuner(**project: Any) -> Any:
    """Trains each configuration once."""
    import tuner

    return tuner.GridSearch(
        lambda hp: model_of(hp.Choice("number", numbers())), objective="val_accuracy", **project
    )


def load_data() -> dict[str, Any]:
    """The arguments of every fit."""
    return {**digits().load_data(), "verbose": 0, "callbacks": lambda: [marker()]}
