"""K-fold cross-validation for Keras models: each execution of a trial leaves out another fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from tuner.errors import FatalTypeError, FatalValueError

FIT_ARGUMENTS = ("x", "y")
NOT_WITH_FOLDS = ("validation_data", "validation_split")
SEED = 1
"""Every trial is judged on the same folds."""


class Splitter(Protocol):
    """What scikit-learn calls a cross-validator."""

    def split(self, X: Any, y: Any = None) -> Iterator[tuple[Any, Any]]:  # noqa: N803
        """Indices to train on and to validate on, for each fold."""

    def get_n_splits(self) -> int:
        """Number of folds."""


class Folds:
    """Shuffled folds of nearly equal size.

    Args:
        count: Number of folds, at least 2.
    """

    def __init__(self, count: int) -> None:
        if count < 2:  # noqa: PLR2004 - one to train on, one to validate on
            msg = "Expected `cross_validation` to be at least 2 folds."
            raise ValueError(f"{msg} Received: cross_validation={count}.")
        self.count = count

    def get_n_splits(self) -> int:
        return self.count

    def split(self, X: Any, y: Any = None) -> Iterator[tuple[Any, Any]]:  # noqa: N803
        del y
        order = np.random.default_rng(SEED).permutation(len(X))
        for fold in np.array_split(order, self.count):
            yield np.setdiff1d(order, fold), np.sort(fold)


def splitter_of(cross_validation: Any) -> Splitter | None:
    """The splitter of what a user gives: None, a number of folds, or one of scikit-learn's.

    Raises:
        TypeError: It is something else.
    """
    if cross_validation is None or isinstance(cross_validation, int):
        return None if cross_validation is None else Folds(cross_validation)
    if hasattr(cross_validation, "split") and hasattr(cross_validation, "get_n_splits"):
        splitter: Splitter = cross_validation
        return splitter
    msg = "Expected `cross_validation` to be a number of folds or a scikit-learn splitter."
    raise TypeError(f"{msg} Received: cross_validation={cross_validation!r}.")


def arguments_of_fold(
    splitter: Splitter, fold: int, args: Sequence[Any], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The arguments of `fit` for one fold, all by name.

    Args:
        splitter: Makes the folds.
        fold: Which one is left out to validate on, from 0.
        args: `x` and `y`, unless they are among `kwargs`.
        kwargs: The other arguments.

    Raises:
        FatalValueError: There is validation data already.
        FatalTypeError: The data cannot be indexed.
    """
    given = {**dict(zip(FIT_ARGUMENTS, args, strict=False)), **kwargs}
    wrong = [name for name in NOT_WITH_FOLDS if given.get(name)]
    if wrong or len(args) > len(FIT_ARGUMENTS):
        msg = "Expected `x` and `y`, and no validation data, with `cross_validation`."
        raise FatalValueError(f"{msg} Received: {wrong or f'{len(args)} positional arguments'}.")
    x, y, weight = given.pop("x", None), given.pop("y", None), given.pop("sample_weight", None)
    given.pop("validation_split", None)
    given.pop("validation_data", None)
    train, left_out = _indices(splitter, fold, x, y)
    held = [_take(part, left_out) for part in (x, y, weight)]
    fitted = [_take(part, train) for part in (x, y, weight)]
    return {
        **given,
        "x": fitted[0],
        "y": fitted[1],
        "sample_weight": fitted[2],
        "validation_data": tuple(held if weight is not None else held[:2]),
    }


def _indices(splitter: Splitter, fold: int, x: Any, y: Any) -> tuple[Any, Any]:
    import keras

    first = keras.tree.flatten(x)[0]
    if not hasattr(first, "__getitem__") or not hasattr(first, "__len__"):
        msg = "Expected arrays with `cross_validation`, which takes them apart."
        raise FatalTypeError(f"{msg} Received: x of type {type(first).__name__}.")
    labels = y if y is None or hasattr(y, "__len__") else None
    return list(splitter.split(first, labels))[fold]


def _take(data: Any, indices: Any) -> Any:
    """The rows of an array, or of each in a dict, list or tuple of arrays."""
    import keras

    if data is None:
        return None
    return keras.tree.map_structure(lambda array: _rows(array, indices), data)


def _rows(array: Any, indices: Any) -> Any:
    return array.iloc[indices] if hasattr(array, "iloc") else np.asarray(array)[indices]
