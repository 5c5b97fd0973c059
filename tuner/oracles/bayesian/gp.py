"""Gaussian process regression: asked for mean and variance, and for their gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh, solve_triangular
from scipy.linalg.lapack import dpotrf, dpotrs
from scipy.optimize import minimize

from tuner.oracles.bayesian.dimension import Array, Mask
from tuner.oracles.bayesian.kernel import Evidence, Kernel, Prior

LEAST_VARIANCE = 1e-12
"""Share of the signal's variance below which a variance is rounding."""

HEAT, FINAL = 25, 30
"""Iterations from each start, and from the best place that one of them reached."""


@dataclass(frozen=True)
class GaussianProcess:
    """A process that has seen its targets (Rasmussen and Williams, algorithm 2.1)."""

    kernel: Kernel
    noise: float
    points: Array
    targets: Array
    factor: Array
    """Lower triangular root of the covariance of the targets."""
    alpha: Array
    """The inverse of that covariance, times the targets."""

    @classmethod
    def of(cls, kernel: Kernel, noise: float, points: Array, targets: Array) -> GaussianProcess:
        """The process of these targets; noise is added where rounding asks for it."""
        covariance = kernel(points, points)
        diagonal = np.diag_indices_from(covariance)
        while True:
            covariance[diagonal] = kernel.variance + noise
            factor, failed = dpotrf(covariance, lower=1, clean=1)
            if not failed:
                break
            noise = max(10 * noise, 1e-10 * kernel.variance)
        alpha, _ = dpotrs(factor, targets, lower=1)
        return cls(kernel, noise, points, targets, factor, alpha)

    def with_targets(self, points: Array, targets: Array) -> GaussianProcess:
        """The process with the same hyperparameters and other targets."""
        return GaussianProcess.of(self.kernel, self.noise, points, targets)

    def believing(self, points: Array, at_least: float) -> GaussianProcess:
        """The process that has also seen its own mean at some points, but nothing below a bound.

        Between the "kriging believer" and the "constant liar" of Ginsbourger et al. (2010,
        doi:10.1007/978-3-642-10701-6_6): the believer alone would ask again close by, where it
        believes to have improved.
        """
        if not len(points):
            return self
        believed = np.maximum(self.predict(points)[0], at_least)
        everywhere = np.vstack([self.points, points])
        return self.with_targets(everywhere, np.concatenate([self.targets, believed]))

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Mean and variance of the function, without the noise."""
        cross = self.kernel(points, self.points)
        half = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        return cross @ self.alpha, self._variance(half)

    def draw(self, points: Array, count: int, rng: np.random.Generator) -> Array:
        """Functions at some points together, without the noise, (points, count)."""
        cross = self.kernel(points, self.points)
        half = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        variances, vectors = eigh(self.kernel(points, points) - half.T @ half)
        root = vectors * np.sqrt(np.maximum(variances, 0.0))  # rounding makes some negative
        mean = cross @ self.alpha
        drawn: Array = mean[:, None] + root @ rng.standard_normal((len(points), count))
        return drawn

    def predict_with_gradient(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """Mean, variance, and their gradients by the points; zero for categories."""
        cross, slopes = self.kernel.with_slope(points, self.points)
        half = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        solved = solve_triangular(self.factor, half, lower=True, trans=1, check_finite=False).T
        of_mean = self.kernel.pull(slopes * self.alpha, points, self.points)
        of_variance = -2 * self.kernel.pull(slopes * solved, points, self.points)
        return cross @ self.alpha, self._variance(half), of_mean, of_variance

    def _variance(self, half: Array) -> Array:
        variance: Array = self.kernel.variance - (half * half).sum(0)
        return np.maximum(variance, LEAST_VARIANCE * self.kernel.signal)


def fit(points: Array, targets: Array, categorical: Mask, prior: Prior) -> GaussianProcess:
    """The process with the most likely hyperparameters.

    Looked for from several starts; the best of them after a few steps goes on.
    """
    dimensions = points.shape[1]
    evidence = Evidence(points, targets, categorical, prior)
    bounds = prior.bounds(dimensions)
    ahead = [_descend(evidence, start, bounds, HEAT) for start in _starts(dimensions)]
    theta, _ = min(ahead, key=lambda reached: reached[1])
    theta, _ = _descend(evidence, theta, bounds, FINAL)
    kernel = Kernel(np.exp(theta[:-2]), math.exp(theta[-2]), categorical)
    return GaussianProcess.of(kernel, math.exp(theta[-1]), points, targets)


def _descend(
    evidence: Evidence, start: Array, bounds: Array, iterations: int
) -> tuple[Array, float]:
    found = minimize(
        evidence,
        np.clip(start, *bounds.T),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": iterations, "ftol": 1e-6},
    )
    return found.x, float(found.fun)


def _starts(dimensions: int) -> list[Array]:
    """A smooth function seen well, and a rougher one seen through noise."""
    scale = math.log(dimensions) / 2
    smooth = [math.log(0.5) + scale] * dimensions + [0.0, math.log(1e-3)]
    rough = [math.log(0.5 / 3) + scale] * dimensions + [0.0, math.log(1e-1)]
    return [np.array(smooth), np.array(rough)]
