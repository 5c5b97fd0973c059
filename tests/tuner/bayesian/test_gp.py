"""The Gaussian process and what is made of it: exact, with exact gradients."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime

from tuner.oracles.bayesian.acquisition import (
    LogExpectedImprovement,
    LowerConfidenceBound,
    Utility,
    log_improvement,
)
from tuner.oracles.bayesian.gp import GaussianProcess, fit
from tuner.oracles.bayesian.kernel import MEAN_VARIANCE, Evidence, Kernel, Prior

MIXED = np.array([False, False, True])
SEEDS = st.integers(0, 999)


def data(seed, count=12):
    """Points of two numbers and a category, and targets."""
    rng = np.random.default_rng(seed)
    points = np.column_stack([rng.random((count, 2)), rng.integers(3, size=count)])
    targets = np.sin(5 * points[:, 0]) + points[:, 1] ** 2 + 0.5 * (points[:, 2] == 1)
    return points, targets - targets.mean()


def process(seed, noise=1e-4):
    points, targets = data(seed)
    kernel = Kernel(np.array([0.4, 0.7, 1.5]), 1.3, MIXED)
    return GaussianProcess.of(kernel, noise, points, targets)


def covariance(a, b, scales, signal):
    """The formula, point by point."""
    gaps = np.array([(a[0] - b[0]) ** 2, (a[1] - b[1]) ** 2, float(a[2] != b[2])])
    r = math.sqrt((gaps / scales**2).sum())
    return signal * (1 + 5**0.5 * r + 5 * r * r / 3) * math.exp(-(5**0.5) * r) + MEAN_VARIANCE


def test_the_kernel_is_matern_and_categories_are_equal_or_not():
    points, _ = data(0)
    scales = np.array([0.4, 0.7, 1.5])
    expected = [[covariance(a, b, scales, 1.3) for b in points] for a in points]
    assert Kernel(scales, 1.3, MIXED)(points, points) == pytest.approx(np.array(expected), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_the_gradient_of_the_evidence_is_its_gradient(seed):
    points, targets = data(seed)
    evidence = Evidence(points, targets, MIXED, Prior())
    theta = np.random.default_rng(seed).normal([0, 0, 0, 0, -4], 1.0)
    numeric = approx_fprime(theta, lambda t: evidence(t)[0], 1e-6)
    assert evidence(theta)[1] == pytest.approx(numeric, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(("noise", "deviation"), [(-9.0, 4.0), (-1.0, 1.5)])
def test_the_evidence_is_that_of_the_normal_distribution(noise, deviation):
    points, targets = data(1)
    theta = np.array([-0.5, 0.1, 0.4, 0.2, noise])
    gram = Kernel(np.exp(theta[:3]), math.exp(theta[3]), MIXED)(points, points)
    gram += math.exp(theta[4]) * np.eye(len(points))
    likelihood = 0.5 * targets @ np.linalg.solve(gram, targets) + 0.5 * np.linalg.slogdet(gram)[1]
    # Length scales share a deviation of 1 beside 0.8 of each.
    away = theta[:3] - math.log(0.5 * 3**0.5)
    prior = 0.5 * away @ np.linalg.solve(0.8**2 * np.eye(3) + 1.0**2, away)
    prior += 0.5 * theta[3] ** 2 + 0.5 * ((noise - -3) / deviation) ** 2
    assert Evidence(points, targets, MIXED, Prior())(theta)[0] == pytest.approx(likelihood + prior)


def test_a_function_without_noise_is_seen_as_one():
    points, _ = data(4, count=30)
    targets = np.sin(3 * points[:, 0]) + points[:, 1]
    model = fit(points, targets - targets.mean(), MIXED, Prior())
    assert model.noise < 1e-5


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, bound=st.booleans(), failures=st.booleans())
def test_the_gradient_of_the_utility_is_its_gradient_in_the_numbers(seed, bound, failures):
    acquisition = LowerConfidenceBound(2.0) if bound else LogExpectedImprovement(-0.8)
    points, targets = data(seed + 1)
    failing = process(seed).with_targets(points, 0.3 + 0.1 * np.tanh(targets))
    utility = Utility(process(seed), acquisition, failing if failures else None)
    at, _ = data(seed + 1000, count=4)
    values, gradient = utility.with_gradient(at)
    assert values == pytest.approx(utility(at), rel=1e-6)
    for k, point in enumerate(at):
        numeric = approx_fprime(
            point[:2], lambda x, p=point: utility(np.array([[*x, p[2]]]))[0], 1e-6
        )
        assert gradient[k, :2] == pytest.approx(numeric, rel=2e-2, abs=2e-2)
        assert gradient[k, 2] == 0


def test_the_process_passes_through_what_it_saw_and_knows_less_elsewhere():
    model = process(3, noise=1e-8)
    mean, variance = model.predict(model.points)
    assert mean == pytest.approx(model.targets, abs=1e-3)
    far = model.predict(np.array([[0.5, 3.0, 2.0]]))[1]
    assert (variance < 1e-4).all()
    assert far > 0.1


def test_points_that_are_the_same_are_no_trouble():
    points = np.zeros((4, 3))
    model = fit(points, np.array([1.0, -1.0, 0.0, 0.0]), MIXED, Prior())
    assert model.predict(points)[0] == pytest.approx(0.0, abs=0.05)


def test_fitting_finds_what_matters_and_how_much_noise_there_is():
    rng = np.random.default_rng(0)
    points = rng.random((60, 3))
    targets = np.sin(8 * points[:, 0]) + 0.1 * rng.standard_normal(60)
    model = fit(points, targets - targets.mean(), np.zeros(3, dtype=bool), Prior())
    assert model.kernel.scales[0] < 0.3 * model.kernel.scales[1:].min()
    assert 0.05**2 < model.noise < 0.2**2


def test_a_believed_point_changes_no_mean_and_leaves_nothing_to_learn_there():
    model = process(5)
    at = np.array([[0.5, 0.5, 1.0]])
    believing = model.believing(at, at_least=-9.0)
    others, _ = data(77)
    assert believing.predict(others)[0] == pytest.approx(model.predict(others)[0], abs=1e-6)
    assert believing.predict(at)[1] < 0.05 * model.predict(at)[1]
    assert model.believing(np.zeros((0, 3)), 0.0) is model


def test_an_improvement_is_not_believed():
    model = process(5)
    at = model.points[[model.targets.argmin()]] + [0.02, 0.0, 0.0]
    believing = model.believing(at, at_least=0.5)
    assert model.predict(at)[0] < 0
    assert believing.predict(at)[0] > 0


@pytest.mark.parametrize("z", [-30.0, -5.0, -1.0, -0.99, 0.0, 2.0, 9.0])
def test_the_improvement_is_what_is_to_be_expected(z):
    def weighted(x):
        return (z - x) * math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)

    if z > -10:
        expected = math.log(quad(weighted, z - 40, z, epsabs=0, limit=500, points=[z - 1])[0])
    else:  # the expansion for large -z
        expected = -0.5 * z * z - 0.5 * math.log(2 * math.pi) - 2 * math.log(-z) - 3 / z**2
    assert log_improvement(np.array([z]))[0] == pytest.approx(expected, abs=1e-4)


def test_the_improvement_rises_without_a_gap_from_certainly_none():
    z = np.concatenate([-np.logspace(8, -3, 4000), np.linspace(0, 5, 100)])
    values = log_improvement(z)
    assert np.isfinite(values).all()
    assert (np.diff(values) > 0).all()
