"""A search begins with points that fill the cube."""

import numpy as np
import pytest

from tuner.oracles.bayesian.design import NUMBERS, sobol, sobol_points
from tuner.oracles.bayesian.surrogate import informative


def points(dimensions, count, seed=0):
    return np.array([sobol(dimensions, number, seed) for number in range(count)])


@pytest.mark.parametrize("seed", range(3))
def test_each_of_equal_parts_of_each_dimension_gets_one_point(seed):
    dimensions = len(NUMBERS.strip().splitlines()) + 1
    for count in (4, 16, 64):
        parts = (points(dimensions, count, seed) * count).astype(int)
        for column in parts.T:
            assert sorted(column) == list(range(count))


def test_two_dimensions_are_filled_together():
    """The first pair is a (0, 2)-sequence: every box of area 1/16 gets one of 16 points."""
    filled = points(2, 16)
    for rows, columns in ((4, 4), (8, 2), (2, 8)):
        boxes = {(int(x * rows), int(y * columns)) for x, y in filled}
        assert len(boxes) == 16


def test_seeds_differ_and_more_dimensions_than_there_are_numbers_for_are_no_trouble():
    assert (sobol(3, 0, 1) != sobol(3, 0, 2)).all()
    many = points(50, 10)
    assert ((many >= 0) & (many < 1)).all()
    assert len(np.unique(many[:, -1])) == 10


def test_many_points_at_once_fill_the_cube_as_one_at_a_time_do():
    found = sobol_points(5, 64, 0)
    for column in (found * 64).astype(int).T:
        assert sorted(column) == list(range(64))
    again = np.array([sobol(5, number, 0) for number in range(64)])
    assert (found == again).all()
    assert sobol_points(50, 8, 0).shape == (8, 50)


def test_a_model_looks_at_the_best_and_at_the_most_recent_trials():
    losses = np.random.default_rng(0).random(100)
    chosen = informative(losses, 20, np.random.default_rng(1)).tolist()
    assert len(chosen) == len(set(chosen)) == 20
    assert chosen == sorted(chosen)
    assert set(np.argsort(losses)[:10]) <= set(chosen)
    assert {98, 99} <= set(chosen)
    assert informative(losses, 100, np.random.default_rng(1)).tolist() == list(range(100))
