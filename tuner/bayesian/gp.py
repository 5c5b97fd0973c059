"""Gaussian process regression: fitted by marginal likelihood, asked for mean and variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs
from scipy.optimize import minimize

from tuner.bayesian.kernel import Array, Mask, cross_squares, matern, matern_slope, pair_squares


@dataclass(frozen=True)
class Prior:
    """Normal priors of the logarithms of the hyperparameters, and the bounds of the search.

    The length scales' is that of Hvarfner et al. (2024, eq. 6, arXiv:2402.02229): it grows with
    the square root of the number of dimensions, so that distances mean the same in all.
    """

    scale: tuple[float, float] = (0.0, math.sqrt(3))
    signal: tuple[float, float] = (0.0, 1.0)
    noise: tuple[float, float] = (-10.0, 3.0)
    least_noise: float = 1e-8

    def vectors(self, dimensions: int) -> tuple[Array, Array]:
        """Means and standard deviations, for length scales, signal and noise."""
        mean = self.scale[0] + math.log(dimensions) / 2
        means = [mean] * dimensions + [self.signal[0], self.noise[0]]
        stds = [self.scale[1]] * dimensions + [self.signal[1], self.noise[1]]
        return np.array(means), np.array(stds)


class Evidence:
    """Minus the logarithm of the posterior density of the hyperparameters, and its gradient.

    Args:
        points: (n, dimensions).
        targets: (n,).
        categorical: Which dimensions are categories.
        prior: Prior.
    """

    def __init__(self, points: Array, targets: Array, categorical: Mask, prior: Prior) -> None:
        self.targets = targets
        self.prior = prior
        self.squares = pair_squares(points, categorical)
        n, dimensions = points.shape
        self.lower = np.tril_indices(n)
        self.diagonal = np.arange(n)
        # Pairs off the diagonal stand for two.
        self.weights = np.where(self.lower[0] == self.lower[1], 1.0, 2.0)
        self.means, self.stds = prior.vectors(dimensions)

    def __call__(self, theta: Array) -> tuple[float, Array]:
        inverse_squares = np.exp(-2 * theta[:-2])
        signal, noise = math.exp(theta[-2]), math.exp(theta[-1])
        scaled = inverse_squares @ self.squares
        s = np.sqrt(5 * scaled)
        decay = np.exp(-s)
        correlations = (1 + s + s * s / 3) * decay
        gram = np.zeros((len(self.targets),) * 2, order="F")
        gram[self.lower] = signal * correlations
        gram[self.diagonal, self.diagonal] += noise
        factor, failed = dpotrf(gram, lower=1, overwrite_a=1)
        if failed:
            return 1e25, np.zeros_like(theta)
        alpha, _ = dpotrs(factor, self.targets, lower=1)
        half_logdet = np.log(np.diag(factor)).sum()
        value = 0.5 * self.targets @ alpha + half_logdet
        inverse, _ = dpotri(factor, lower=1)
        # Rasmussen and Williams, eq. 5.9, over one triangle.
        outer = self.weights * (inverse[self.lower] - alpha[self.lower[0]] * alpha[self.lower[1]])
        slopes = outer * (5 / 3 * (1 + s) * decay)
        gradient = np.empty_like(theta)
        gradient[:-2] = 0.5 * signal * (self.squares @ slopes) * inverse_squares
        gradient[-2] = 0.5 * signal * (outer @ correlations)
        gradient[-1] = 0.5 * noise * (np.trace(inverse) - alpha @ alpha)
        z = (theta - self.means) / self.stds
        return float(value + 0.5 * z @ z), gradient + z / self.stds


@dataclass(frozen=True)
class GaussianProcess:
    """A fitted process with prior mean zero."""

    points: Array
    targets: Array
    categorical: Mask
    scales: Array
    signal: float
    noise: float
    factor: Array
    alpha: Array

    @classmethod
    def of(cls, points: Array, targets: Array, categorical: Mask, theta: Array) -> GaussianProcess:
        """The process with known hyperparameters (logarithms of scales, signal, noise)."""
        scales, signal, noise = np.exp(theta[:-2]), math.exp(theta[-2]), math.exp(theta[-1])
        gram = signal * matern(cross_squares(points, points, scales, categorical))
        jitter = noise
        while True:
            gram[np.diag_indices_from(gram)] = signal + jitter
            factor, failed = dpotrf(gram, lower=1, clean=1)
            if not failed:
                break
            jitter = max(10 * jitter, 1e-10 * signal)
        alpha, _ = dpotrs(factor, targets, lower=1)
        return cls(points, targets, categorical, scales, signal, jitter, factor, alpha)

    @property
    def theta(self) -> Array:
        return np.log(np.array([*self.scales, self.signal, self.noise]))

    def believing(self, points: Array) -> GaussianProcess:
        """The process after its own mean has been observed at some points."""
        believed, _ = self.predict(points)
        targets = np.concatenate([self.targets, believed])
        everything = np.vstack([self.points, points])
        return GaussianProcess.of(everything, targets, self.categorical, self.theta)

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Mean and variance of the function, without the noise."""
        cross = self.signal * matern(
            cross_squares(points, self.points, self.scales, self.categorical)
        )
        half = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        variance = self.signal - (half * half).sum(0)
        return cross @ self.alpha, np.maximum(variance, 1e-12 * self.signal)

    def predict_with_gradient(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """Mean, variance, and their gradients by the points; zero for categories."""
        squares = cross_squares(points, self.points, self.scales, self.categorical)
        cross = self.signal * matern(squares)
        slope = self.signal * matern_slope(squares)
        half = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        solved = solve_triangular(self.factor, half, lower=True, trans=1, check_finite=False).T
        variance = self.signal - (half * half).sum(0)
        inverse_squares = np.where(self.categorical, 0.0, self.scales**-2.0)

        def pull(weights: Array) -> Array:
            weighted = slope * weights
            total = weighted.sum(1)[:, None] * points
            return -(total - weighted @ self.points) * inverse_squares

        mean_gradient, variance_gradient = pull(self.alpha[None, :]), -2 * pull(solved)
        floor = 1e-12 * self.signal
        return cross @ self.alpha, np.maximum(variance, floor), mean_gradient, variance_gradient


def fit(
    points: Array,
    targets: Array,
    categorical: Mask,
    prior: Prior,
    starts: int = 2,
    iterations: int = 50,
) -> GaussianProcess:
    """The process with the most likely hyperparameters."""
    evidence = Evidence(points, targets, categorical, prior)
    dimensions = points.shape[1]
    bounds = [(math.log(5e-3), math.log(1e3))] * dimensions
    bounds += [(math.log(1e-4), math.log(1e4)), (math.log(prior.least_noise), math.log(10.0))]
    low = np.array([b[0] for b in bounds])
    high = np.array([b[1] for b in bounds])
    best = None
    for start in _starts(evidence.means, dimensions)[:starts]:
        found = minimize(
            evidence,
            np.clip(start, low, high),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": iterations},
        )
        if best is None or found.fun < best.fun:
            best = found
    return GaussianProcess.of(points, targets, categorical, best.x)


def _starts(means: Array, dimensions: int) -> list[Array]:
    first = means.copy()
    first[:dimensions] = math.log(0.5) + math.log(dimensions) / 2
    first[-1] = math.log(1e-3)
    second = first.copy()
    second[:dimensions] -= math.log(3)
    second[-1] = math.log(1e-1)
    return [first, second]
