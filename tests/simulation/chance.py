"""Chance of a seed, split by name: a draw more in one stream moves no other."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from statistics import NormalDist
from typing import TypeVar

import numpy as np

T = TypeVar("T")
NORMAL = NormalDist()
BATCH = 128


class Chance:
    """Uniforms of one named stream of a seed."""

    def __init__(self, seed: int, name: str) -> None:
        root = np.random.SeedSequence(entropy=seed, spawn_key=(zlib.crc32(name.encode()),))
        self._generator = np.random.Generator(np.random.PCG64(root))
        self._drawn: list[float] = []

    def uniform(self) -> float:
        """The next number in [0, 1)."""
        if not self._drawn:
            self._drawn = self._generator.random(BATCH).tolist()
        return self._drawn.pop()

    def strikes(self, chance: float) -> bool:
        """Whether something of this chance happens; nothing is drawn for what never does."""
        return chance > 0.0 and self.uniform() < chance

    def between(self, low: float, high: float) -> float:
        """A number between two."""
        return low + (high - low) * self.uniform()

    def spread(self, low: float, high: float) -> float:
        """A number between two > 0, even in its logarithm."""
        return float(low * (high / low) ** self.uniform())

    def pick(self, choices: Sequence[T]) -> T:
        """One of some."""
        return choices[int(self.uniform() * len(choices))]

    def weighed(self, choices: Sequence[tuple[T, float]]) -> T:
        """One of some, by their weights."""
        left = self.uniform() * math.fsum(weight for _, weight in choices)
        for choice, weight in choices:
            left -= weight
            if left < 0.0:
                return choice
        return choices[-1][0]

    def wait(self, mean: float) -> float:
        """An exponential wait."""
        return -mean * math.log(1.0 - self.uniform())

    def normal(self) -> float:
        """A standard normal number."""
        return NORMAL.inv_cdf(min(max(self.uniform(), 1e-12), 1.0 - 1e-12))
