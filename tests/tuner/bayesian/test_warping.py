"""Losses of any size become numbers of ordinary size, in the same order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.oracles.observing import warp

LOSSES = st.lists(st.floats(-1e308, 1e308), min_size=2, max_size=30)


@given(losses=LOSSES)
def test_warped_losses_are_standardised_and_keep_their_order(losses):
    losses = np.array(losses)
    warped = warp(losses)
    assert np.isfinite(warped).all()
    assert (np.diff(warped[np.argsort(losses)]) >= -1e-9).all()
    assert np.abs(warped).max() <= np.sqrt(len(losses)) + 1e-9


@pytest.mark.parametrize("outlier", [1e3, 1e30, 1e300])
def test_the_size_of_an_outlier_does_not_hide_the_others(outlier):
    losses = np.array([1.0, 2.0, 3.0, 4.0, 5.0, outlier])
    warped = warp(losses)
    assert warped[4] - warped[0] > 0.25 * (warped[5] - warped[4])


def test_where_nothing_is_unusual_warping_is_a_change_of_units():
    losses = np.random.default_rng(0).normal(3.0, 2.0, 50)
    warped = warp(losses)
    assert np.corrcoef(losses, warped)[0, 1] > 0.9999
    assert warp(np.full(5, 0.3)).tolist() == [0.0] * 5


def test_where_most_are_the_same_the_order_is_kept():
    warped = warp(np.array([0.5, 0.5, 0.5, 0.5, 0.1, 1e300]))
    assert warped[4] < warped[0] == warped[1] < warped[5]
