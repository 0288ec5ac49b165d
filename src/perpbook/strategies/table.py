"""Target exposures by time: what every strategy without Python in the loop comes down to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perpbook.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A contract that a strategy trades in an account."""

    account: str
    venue: str
    symbol: str

    @property
    def name(self) -> str:
        """As a column of a target file: `account:symbol`."""
        return f"{self.account}:{self.symbol}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTable:
    """`exposure` (T, n) signed shares of book equity for each of n `legs`, decided at the close of `bar` (T,), which rises.

    NaN leaves a leg alone.
    """

    bar: NDArray[np.int64]
    legs: tuple[Leg, ...]
    exposure: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.exposure.shape != (self.bar.size, len(self.legs)):
            raise InputError(
                f"targets are {self.exposure.shape} for {self.bar.size} times and {len(self.legs)} legs: one row per time, "
                "one column per leg"
            )
        if self.bar.size and (self.bar[0] < 0 or (np.diff(self.bar) <= 0).any()):
            raise InputError("the times of the targets must rise, each once: sort them and drop repeated ones")
        if np.isinf(self.exposure).any():
            raise InputError("a target exposure is infinite: give a number, or leave it empty to leave the leg alone")
        if len({(leg.account, leg.symbol) for leg in self.legs}) < len(self.legs):
            raise InputError("two legs are the same contract in the same account: name each leg once")
