"""Hyperliquid's funding rules of 2023 by date: how far apart settlements were, and how a premium became a rate.

The formulas are the project's venue rules; they give days. The hours of a change are the record's own: where a clamp is in
force, every quiet market pays the interest to the last digit, and where none is, no market of seventeen ever does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

INTEREST_8H = Decimal("0.0001")
"""What a quiet market pays for eight hours."""

HOLES = (datetime(2023, 7, 2, 20, tzinfo=UTC),)
"""Settlements of 2023 that the record lacks, for every coin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRegime:
    """From `first` up to and not including `end` (both settlement times; None still).

    A settlement every `hours`; its rate is `P + clamp(interest - P)` over eight hours, times `hours / 8`. With `clamp` None
    it is P alone.
    """

    first: datetime
    end: datetime | None
    hours: int
    clamp: Decimal | None

    @property
    def formula(self) -> str:
        share = "" if self.hours == 8 else f" x {self.hours}/8"
        if self.clamp is None:
            return f"P{share}"
        return f"(P + clamp({INTEREST_8H} - P, +-{self.clamp})){share}"

    @property
    def quiet_rate(self) -> Decimal:
        """The rate of one settlement when the premium is within the clamp of the interest."""
        return INTEREST_8H * self.hours / 8

    def holds(self, moment: datetime) -> bool:
        return self.first <= moment and (self.end is None or moment < self.end)

    def grid(self, start: datetime, end: datetime) -> int:
        """Settlements due in the regime with start <= time < end."""
        first, last = max(start, self.first), min(end, self.end or end)
        step, epoch = self.hours * 3600, datetime(1970, 1, 1, tzinfo=UTC)
        begun, ended = (-(-int((moment - epoch).total_seconds()) // step) for moment in (first, last))
        missing = sum(first <= hole < last for hole in HOLES)
        return max(0, ended - begun - missing)


def _regime(first: tuple[int, ...], end: tuple[int, ...] | None, hours: int, clamp: str | None) -> FundingRegime:
    def moment(at: tuple[int, ...]) -> datetime:
        month, day, hour = at
        return datetime(2023, month, day, hour, tzinfo=UTC)

    limit = Decimal(clamp) if clamp else None
    return FundingRegime(first=moment(first), end=moment(end) if end else None, hours=hours, clamp=limit)


REGIMES = (
    _regime((5, 12, 0), (6, 8, 1), 8, "0.0003"),
    _regime((6, 8, 1), (6, 16, 21), 1, "0.0003"),
    _regime((6, 16, 21), (7, 15, 3), 1, None),
    _regime((7, 15, 3), None, 1, "0.0005"),
)


def regime_at(moment: datetime) -> FundingRegime:
    """The regime of a settlement; LookupError before the record begins."""
    for regime in REGIMES:
        if regime.holds(moment):
            return regime
    raise LookupError(f"no regime is known at {moment}")
