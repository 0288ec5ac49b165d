"""When funding may change its sign: the premium drawn many times over, the venue's clamp applied to each step."""

from __future__ import annotations

from collections.abc import Iterator
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
    noise of standard deviation `noise`, and the level then goes by `follow` of the way to it. Fractions for 8 hours; (n, 1) of
    each are n laws."""

    mean: float | Floats
    variance: float | Floats
    level: float | Floats
    persistence: float | Floats
    noise: float | Floats
    step_ns: int
    follow: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """`by_step` (h,) the chance that a settlement up to each has had the other sign than `sign` (of the last one); a rate of 0
    has none. `median_ns` how long until it is likelier than not, None when that is beyond the horizon."""

    sign: int
    by_step: Floats
    step_ns: int
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
    return flip_of(
        sign, np.array([one[0] for one in _shares(law, rule, np.array([[sign]]), steps, chance, paths)]), law.step_ns
    )


def flip_of(sign: int, by_step: Floats, step_ns: int) -> Flip:
    """A flip of so many chances."""
    likely = np.flatnonzero(by_step > 0.5)
    median = int(likely[0] + 1) * step_ns if likely.size else None
    return Flip(sign=sign, by_step=by_step, step_ns=step_ns, median_ns=median)


def chances_of(
    law: PremiumLaw, rule: PremiumRule, signs: Floats, steps: int, chance: np.random.Generator, *, paths: int
) -> Floats:
    """(n,) the chance of a flip within `steps` settlements for each of n laws and signs (n, 1)."""
    out = np.zeros(len(signs))
    for share in _shares(law, rule, signs, steps, chance, paths):
        out = share
    return out


def _shares(
    law: PremiumLaw, rule: PremiumRule, signs: Floats, steps: int, chance: np.random.Generator, paths: int
) -> Iterator[Floats]:
    """(n,) the share of paths that have flipped, after each settlement."""
    shape = (len(signs), paths)
    premium = law.mean + np.sqrt(law.variance) * chance.standard_normal(shape)
    noise = law.noise * ((TAIL - 2.0) / TAIL) ** 0.5
    level, flipped = law.level + np.zeros(shape), np.zeros(shape, dtype=bool)
    for _ in range(steps):
        premium = level + law.persistence * (premium - level) + noise * chance.standard_t(TAIL, shape)
        level += law.follow * (premium - level)
        flipped |= rule.rates_8h(premium) * signs < 0.0
        yield flipped.mean(axis=1)
