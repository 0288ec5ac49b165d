"""Funding carry: long one venue's perpetual against short another's while the difference in funding pays for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Bars, Floats, Integers, Settlements
from perpbook.model.units import HOUR_NS
from perpbook.strategies.bounds import MOST_HOURS, gross_within, within
from perpbook.strategies.changes import Wish, fresh_bars, row_of, table_of
from perpbook.strategies.pairs import pairs_of, round_trip, unless_known, wishes_of
from perpbook.strategies.table import Leg, TargetTable
from perpbook.strategies.windows import hysteresis


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOptions:
    """When the difference in funding is worth trading.

    The forecast is that each leg goes on paying its mean hourly rate of the last `lookback` hours for `horizon` hours.
    A pair is entered when that carry, less the fees and slippage of opening and closing both legs, exceeds `entry`; it is
    left when the carry alone, what was paid to enter being gone, falls under `exit`. Both are fractions of one leg's
    notional over the horizon. `fee` and `slippage` are fractions of notional per fill; no fee is the venue's own taker
    rate at its dearest tier. `gross` (share of book equity) is shared out equally among the legs.
    """

    lookback: float = 72.0
    horizon: float = 168.0
    entry: float = 0.001
    exit: float = 0.0
    fee: float | None = None
    slippage: float = 0.0001
    gross: float = 1.0

    def __post_init__(self) -> None:
        within("lookback", self.lookback, 1.0, MOST_HOURS, "hours")
        within("horizon", self.horizon, 1.0, MOST_HOURS, "hours")
        within("entry", self.entry, 0.0, 1.0, "fraction of one leg's notional over the horizon")
        within("exit", self.exit, -1.0, 1.0, "fraction of one leg's notional over the horizon")
        if self.exit > self.entry:
            raise InputError(f"exit is {self.exit:g} and entry {self.entry:g}: exit must not be higher")
        if self.fee is not None:
            within("fee", self.fee, 0.0, 0.1, "fraction of notional per fill")
        within("slippage", self.slippage, 0.0, 0.1, "fraction of notional per fill")
        gross_within(self.gross)


def carry(bars: Bars, legs: Sequence[Leg], options: CarryOptions = CarryOptions()) -> TargetTable:
    """Short the leg of each asset that pays more funding and long the other, both of the same size, while it is worth it.

    A pair is decided only at bars at which both its legs traded. A forecast that is not known leaves it as it is.
    """
    wishes: list[Wish] = []
    for pair in pairs_of(legs):
        at = fresh_bars(bars, legs[pair.first], legs[pair.second])
        close_ns = bars.open_ns[at] + bars.bar_ns
        first, second = (
            hourly_rate(_settled(bars, legs[number]), close_ns, options.lookback)
            for number in (pair.first, pair.second)
        )
        gain = (second - first) * options.horizon
        cost = round_trip(legs, pair, options.fee, options.slippage)
        side = hysteresis(gain, cost + options.entry, options.exit)
        wishes += wishes_of(pair, at, unless_known(gain, side), options.gross / len(legs))
    return table_of(legs, wishes)


def hourly_rate(settled: Settlements, close_ns: Integers, lookback: float) -> Floats:
    """Mean funding per hour over the `lookback` hours before each time, from what had been settled by then.

    NaN where the intervals settled in that time make up less than half of it.
    """
    end = np.searchsorted(settled.times_ns, close_ns, side="right")
    start = np.searchsorted(settled.times_ns, close_ns - round(lookback * HOUR_NS), side="right")
    paid = np.concatenate([[0.0], np.cumsum(settled.rates)])
    hours = np.concatenate([[0], np.cumsum(settled.interval_ns)]) / HOUR_NS
    covered = hours[end] - hours[start]
    out: Floats = (paid[end] - paid[start]) / np.where(covered > 0.0, covered, 1.0)
    return np.where(covered >= lookback / 2.0, out, np.nan)


def _settled(bars: Bars, leg: Leg) -> Settlements:
    out = bars.settlements[row_of(bars, leg)]
    if out.times_ns.size == 0:
        raise InputError(
            f"no funding of {leg.symbol} on {leg.venue} was settled in this history, and carry needs it: import its "
            "funding (`perpbook data status` shows what there is)"
        )
    return out
