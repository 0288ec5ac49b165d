"""Rest or take: what one child order costs either way, per base unit, against the middle of the book.

    take   half spread + taker fee + what the order itself moves the price
    rest   P (maker fee - half spread + adverse) + (1 - P) (drift + half spread + taker fee + move)

P is the chance that what is ahead of the order and the order itself trade within the time: traded volume at the touch is a
Poisson number of trades of one size, or, where its variance is known, a Gamma. The trap is `adverse`: an order that rests is
filled most surely when the price is about to go through it. It is asked for, never taken as nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from perpbook.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """The best level on the order's own side. Base units: `ahead` what rests there before it, `own` the order, `volume` traded
    there in a second, `trade_size` of one trade. `variance` base units squared a second: volume is then Gamma, not Poisson."""

    ahead: float
    own: float
    volume: float
    trade_size: float = 0.0
    variance: float | None = None

    def __post_init__(self) -> None:
        numbers = (self.ahead, self.own, self.volume, self.trade_size, self.variance or 0.0)
        if not all(0.0 <= one < math.inf for one in numbers) or self.own == 0.0:
            raise InputError("queue, order, volume and trade size must be numbers not below 0, the order above 0")
        if self.trade_size == 0.0 and not self.variance:
            raise InputError(
                "how volume comes is not known: give the size of a trade, or the variance of a second's volume"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Quote per base unless a rate; paid > 0. `drift` expected move against the order while it waits; `adverse` expected move
    against it once it is filled; `move` how far taking all of it moves the price beyond the touch."""

    price: float
    half_spread: float
    maker_fee_rate: float
    taker_fee_rate: float
    adverse: float
    drift: float = 0.0
    move: float = 0.0

    def __post_init__(self) -> None:
        numbers = (
            self.price,
            self.half_spread,
            self.maker_fee_rate,
            self.taker_fee_rate,
            self.adverse,
            self.drift,
            self.move,
        )
        if not all(map(math.isfinite, numbers)) or self.price <= 0.0 or self.half_spread < 0.0:
            raise InputError(
                "prices, fees and moves must be numbers, the price above 0 and half the spread not below 0"
            )

    @property
    def taking(self) -> float:
        """Cost of taking now."""
        return self.half_spread + self.taker_fee_rate * self.price + self.move

    @property
    def filled(self) -> float:
        """Cost of resting when it is filled; < 0 is earned."""
        return self.maker_fee_rate * self.price - self.half_spread + self.adverse


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to do. Costs in quote per base; `threshold`: the chance of a fill from which on resting is not dearer, above 1 where
    it always is."""

    rest: bool
    fill_chance: float
    resting: float
    taking: float
    threshold: float
    sentence: str


def fill_chance(touch: Touch, seconds: float) -> float:
    """The chance that an order resting at the touch is filled whole within a time."""
    if not 0.0 <= seconds < math.inf:
        raise InputError(f"the time is {seconds:g} seconds: it must be a number not below 0")
    from scipy.special import gammainc, gammaincc

    need, mean = touch.ahead + touch.own, touch.volume * seconds
    if mean == 0.0:
        return 0.0
    if touch.variance:
        scale = touch.variance / touch.volume
        return float(gammaincc(mean / scale, need / scale))
    return float(gammainc(math.ceil(need / touch.trade_size * (1.0 - 1e-12)), mean / touch.trade_size))


def choose(touch: Touch, costs: Costs, seconds: float) -> Choice:
    """Rest or take, with what each is expected to cost. What is not filled in time is taken then."""
    chance = fill_chance(touch, seconds)
    late = costs.taking + costs.drift
    resting = chance * costs.filled + (1.0 - chance) * late
    threshold = _threshold(costs, late)
    rest = resting < costs.taking
    trapped = not rest and resting - chance * costs.adverse < costs.taking
    told = (
        f"{'Rest' if rest else 'Take'}: resting is expected to cost {resting:.6g} a unit, of which "
        f"{chance * costs.adverse:.6g} is what fills lose to the price moving through them, taking {costs.taking:.6g}"
    )
    return Choice(
        rest=rest,
        fill_chance=chance,
        resting=resting,
        taking=costs.taking,
        threshold=threshold,
        sentence=f"{told}{TRAP if trapped else ''}.",
    )


TRAP = "; if fills came without the price moving on, resting would seem cheaper"


def _threshold(costs: Costs, late: float) -> float:
    """P at which both cost the same: (late - taking) / (late - filled)."""
    if costs.drift <= 0.0 and costs.filled <= costs.taking:
        return 0.0
    if late <= costs.filled:
        return math.inf
    return max(costs.drift, 0.0) / (late - costs.filled)
