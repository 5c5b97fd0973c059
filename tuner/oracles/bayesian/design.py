"""The initial design: a scrambled Sobol sequence, which fills the cube evenly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tuner.oracles.bayesian.dimension import Array

BITS = 30
NUMBERS = """
3: 1
7: 1 3
11: 1 3 1
13: 1 1 1
19: 1 1 3 3
25: 1 3 5 13
37: 1 1 5 5 17
41: 1 1 5 5 5
47: 1 1 7 11 19
55: 1 1 5 1 1
59: 1 1 1 3 11
61: 1 3 5 5 31
67: 1 3 3 9 7 49
91: 1 1 1 15 21 21
97: 1 3 1 13 27 49
103: 1 1 1 15 7 5
109: 1 3 1 15 13 25
115: 1 1 5 5 19 61
131: 1 3 7 11 23 15 103
137: 1 3 7 13 13 15 69
143: 1 1 3 13 7 35 63
145: 1 3 5 9 1 25 53
157: 1 3 1 13 9 35 107
167: 1 3 1 5 27 61 31
171: 1 1 5 11 19 41 61
185: 1 3 5 3 3 13 69
191: 1 1 7 13 1 19 1
193: 1 3 7 5 13 19 59
203: 1 1 3 9 25 29 41
211: 1 3 5 13 23 1 55
213: 1 3 7 3 13 59 17
"""
"""A line for each dimension after the first: a primitive polynomial, whose bits are coefficients,
and the initial direction numbers (Joe and Kuo, 2008, https://web.maths.unsw.edu.au/~fkuo/sobol/).
"""


def sobol(dimensions: int, number: int, seed: int) -> Array:
    """One point of a scrambled Sobol sequence.

    Dimensions beyond those of `NUMBERS` are random.

    Args:
        dimensions: Of the cube.
        number: Which point, from 0.
        seed: Each seed gives another sequence.
    """
    directions = _directions()[:dimensions]
    rng = np.random.default_rng([seed, dimensions])
    scrambled = _scramble(directions, rng)
    shift = rng.integers(1 << BITS, size=len(directions))
    gray = number ^ (number >> 1)
    for bit in range(gray.bit_length()):
        if gray >> bit & 1:
            shift ^= scrambled[:, bit]
    point = np.random.default_rng([seed, dimensions, number]).random(dimensions)
    point[: len(shift)] = (shift + 0.5) / (1 << BITS)
    return point


def sobol_points(dimensions: int, count: int, seed: int) -> Array:
    """The first points of a scrambled Sobol sequence, (count, dimensions).

    Dimensions beyond those of `NUMBERS` are random.
    """
    directions = _directions()[:dimensions]
    rng = np.random.default_rng([seed, dimensions])
    scrambled = _scramble(directions, rng)
    numbers = np.arange(count)
    gray = numbers ^ (numbers >> 1)
    shifted = np.tile(rng.integers(1 << BITS, size=len(directions)), (count, 1))
    for bit in range(count.bit_length()):
        shifted ^= np.outer(gray >> bit & 1, scrambled[:, bit])
    points = rng.random((count, dimensions))
    points[:, : len(directions)] = (shifted + 0.5) / (1 << BITS)
    return points


def _directions() -> NDArray[np.int64]:
    """The direction numbers as fractions of `2**BITS`, (dimensions, bits)."""
    rows = [[1] * BITS]
    for line in NUMBERS.split("\n")[1:-1]:
        polynomial, initial = line.split(":")
        rows.append(_recur(int(polynomial), [int(m) for m in initial.split()]))
    return np.array(rows) << np.arange(BITS - 1, -1, -1)


def _recur(polynomial: int, numbers: list[int]) -> list[int]:
    """The direction numbers that follow from the initial ones (Joe and Kuo, eq. 3)."""
    degree = len(numbers)
    for k in range(degree, BITS):
        new = numbers[k - degree]
        for back in range(1, degree + 1):
            if polynomial >> (degree - back) & 1:
                new ^= numbers[k - back] << back
        numbers.append(new)
    return numbers


def _scramble(directions: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The directions times a random lower triangular matrix of bits each (Matousek, 1998)."""
    scrambled = np.zeros_like(directions)
    for row in range(BITS):
        # The bits of the number from the highest to this one, each taken or not; this one is.
        masks = rng.integers(1 << row, size=len(directions)) * 2 + 1 << (BITS - 1 - row)
        parity = np.bitwise_count(directions & masks[:, None]).astype(np.int64) & 1
        scrambled |= parity << (BITS - 1 - row)
    return scrambled
