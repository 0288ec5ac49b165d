"""When funding may change its sign: the premium drawn many times over, the venue's clamp applied to each step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.funding.rule import PremiumRule
from perpbook.kernels.types import Floats

PATHS = 4_000
TAIL = 3.0
"""Degrees of freedom of the noise: a premium jumps. Of 3, 4 and infinitely many these told a week's chances best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumLaw:
    """The premium as it stands (`mean`, `variance`), and how it goes on: it fades by `persistence` a step towards `level`, with
    noise of standard deviation `noise`, and the level then goes by `follow` of the way to it. Fractions for 8 hours."""

    mean: float
    variance: float
    level: float
    persistence: float
    noise: float
    step_ns: int
    follow: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """`by_step` (h,) the chance that a settlement up to each has had the other sign than `sign` (of the last one); a rate of 0
    has none. `median_ns` how long until it is likelier than not, None when that is beyond the horizon."""

    sign: int
    by_step: Floats
    median_ns: int | None

    @property
    def chance(self) -> float:
        """That it happens within the horizon."""
        return float(self.by_step[-1])


def first_flip(
    law: PremiumLaw, rule: PremiumRule, last_rate: float, steps: int, chance: np.random.Generator, *, paths: int = PATHS
) -> Flip:
    """The chance of a flip within each of `steps` settlements; the sampling error is at most 0.5 / sqrt(paths)."""
    sign = int(np.sign(last_rate))
    premium = law.mean + np.sqrt(law.variance) * chance.standard_normal(paths)
    noise = law.noise * ((TAIL - 2.0) / TAIL) ** 0.5
    level, flipped = np.full(paths, law.level), np.zeros(paths, dtype=bool)
    by_step = np.empty(steps)
    for step in range(steps):
        premium = level + law.persistence * (premium - level) + noise * chance.standard_t(TAIL, paths)
        level += law.follow * (premium - level)
        flipped |= rule.rates_8h(premium) * sign < 0.0
        by_step[step] = flipped.mean()
    likely = np.flatnonzero(by_step > 0.5)
    return Flip(sign=sign, by_step=by_step, median_ns=int(likely[0] + 1) * law.step_ns if likely.size else None)
