"""What happens beside the paths of a drill: a storm's weather over prices, and what it does to coins and venues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from perpbook.kernels.tape import NO_PRICE, TAKEN
from perpbook.kernels.types import Flags, Floats, Integers, Rows
from perpbook.scenario.overlay import Peg


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a storm does beside the paths' own moves, by column and step (C, T); see `kernels.drill.Weather` and `Tape`.

    `closed` are the tape's flags; `spread` and `impact` factors; `taken` what venues take of winners; `off` marks over trades,
    None where they agree; `unfunded` venues, by number, whose insurance fund is empty. pegs : by coin what it is worth.
    given_back : by venue the share of an account's equity that comes back at the end.
    """

    factor: Floats
    low: Floats
    high: Floats
    funding_set: Floats
    funding_add: Floats
    closed: Flags
    spread: Floats
    impact: Floats
    taken: Rows
    off: Floats | None = None
    unfunded: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    pegs: Mapping[str, Peg] = field(default_factory=dict)
    given_back: Mapping[str, float] = field(default_factory=dict)

    def peg(self, coin: str) -> Peg | None:
        """A coin's path, however it is spelled; None for one at its peg."""
        return next((peg for name, peg in self.pegs.items() if name.upper() == coin.upper()), None)


def calm(columns: int, steps: int) -> Surroundings:
    """Nothing beside the paths."""
    shape = (columns, steps)
    return Surroundings(
        factor=np.ones(shape),
        low=np.ones(shape),
        high=np.ones(shape),
        funding_set=np.full(shape, np.nan),
        funding_add=np.zeros(shape),
        closed=np.zeros(shape, dtype=np.uint8),
        spread=np.ones((columns, 1)),
        impact=np.ones((columns, 1)),
        taken=np.zeros(0, dtype=TAKEN).view(np.recarray),
    )


def without_weather(around: Surroundings) -> Flags:
    """(C,) 1 for columns on which nothing falls beside the paths."""
    still = (around.factor == 1.0) & (around.low == 1.0) & (around.high == 1.0) & (around.closed & NO_PRICE == 0)
    still &= np.isnan(around.funding_set) & (around.funding_add == 0.0)
    out: Flags = still.all(axis=1).astype(np.uint8)
    return out
