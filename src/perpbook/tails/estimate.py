"""One figure of a tail, with everything needed to believe it or not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LEAST_POINTS = 20
"""Below this many tail points nothing is estimated."""


class Side(StrEnum):
    """Which tail: `LOWER` falls, `UPPER` rallies."""

    LOWER = "lower"
    UPPER = "upper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure measured on `points` rows: `value` with the bootstrap interval [`low`, `high`] at `confidence`.

    `level` is the tail's probability, None for a figure of all rows. All three are None when there was nothing to say,
    and `why` then says why; `why` may also qualify a value that is there.
    """

    value: float | None
    low: float | None
    high: float | None
    points: int
    level: float | None = None
    confidence: float = 0.95
    why: str = ""

    @property
    def sufficient(self) -> bool:
        """Whether there is a value at all."""
        return self.value is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstNull:
    """An estimate beside what jointly Gaussian moves of the same overall dependence give there.

    `side` is the tail, None for a choice of rows that is none.
    `excess` is estimate minus `null`. `p_value` is two-sided and from the bootstrap's own spread: below 0.05 where the 95 %
    interval of the excess leaves zero out.
    """

    side: Side | None
    estimate: Estimate
    null: float | None
    excess: Estimate
    p_value: float | None


def insufficient(points: int, level: float | None = None, *, least: int = LEAST_POINTS) -> Estimate:
    """Nothing is said of this few points."""
    return Estimate(
        value=None,
        low=None,
        high=None,
        points=points,
        level=level,
        why=f"insufficient: {points} points, {least} needed",
    )


def unsaid(points: int, level: float | None, why: str) -> Estimate:
    """No value, for a reason other than too few points."""
    return Estimate(value=None, low=None, high=None, points=points, level=level, why=why)
