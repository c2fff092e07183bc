"""Seeded random numbers in blocks: one NumPy call per few thousand draws, plain floats out."""

import math
from collections.abc import Callable, Iterator

import numpy as np

BLOCK = 8_192


def _stream(draw: Callable[[int], np.ndarray[tuple[int], np.dtype[np.float64]]]) -> Iterator[float]:
    while True:
        yield from draw(BLOCK).tolist()


class Draws:
    """Three independent streams from one seed: uniform [0, 1), standard normal, unit exponential."""

    def __init__(self, seed: int) -> None:
        """Seed the three generators."""
        uniform, normal, exponential = (np.random.default_rng([seed, stream]) for stream in range(3))
        self.uniform = _stream(uniform.random).__next__
        self.normal = _stream(normal.standard_normal).__next__
        self.exponential = _stream(exponential.standard_exponential).__next__

    def lognormal(self, median: float, spread: float) -> float:
        """Return a lognormal draw with a median and the standard deviation of its logarithm."""
        return median * math.exp(spread * self.normal())

    def count(self, mean: float) -> int:
        """Return a Poisson count, by adding exponential waits; meant for small means."""
        count, reached = 0, self.exponential()
        while reached < mean:
            count += 1
            reached += self.exponential()
        return count

    def side(self) -> int:
        """Return BUY or SELL with equal chance."""
        return 1 if self.uniform() < 0.5 else -1
