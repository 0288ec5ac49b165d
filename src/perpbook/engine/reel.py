"""Bars become a `Tape`: settlements in order, extremes by chunk, costs of trading, and every bar that needs a tick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.engine.arrange import Arrangement, Frictions
from perpbook.errors import InputError
from perpbook.kernels.in_force import HALF_LIFE_NS, expect
from perpbook.kernels.tape import CHUNK, TAKEN, Schedule, Tape, scan
from perpbook.kernels.types import Flags, Floats, Integers, Rows
from perpbook.model.bars import Bars
from perpbook.model.units import DAY_NS, HOUR_NS, to_iso
from perpbook.strategies.table import TargetTable

WINDOW_DAYS = 30
"""Days of closes and volumes behind the cost of trading on a day."""


SETTLEMENT = np.dtype(
    [("bar", np.int64), ("column", np.int64), ("rate", np.float64), ("hours", np.float64)], align=True
)
"""A funding settlement; rate > 0: longs pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """A tape, and what it says of costs. `volumes` False: impact is not modelled, for want of volumes."""

    tape: Tape
    schedule: Schedule
    volumes: bool


def reel(
    bars: Bars,
    arrangement: Arrangement,
    *,
    targets: TargetTable | None = None,
    due: Flags | None = None,
    frictions: Frictions = Frictions(),
    daily_volume: Floats | None = None,
) -> Reel:
    """Make the tape of a run. `due` (B,) from the playbook's rebalance; `daily_volume` (C, days) dollars, NaN unknown."""
    lows, highs = extremes(bars)
    found = settlements_by_bar(bars)
    funding_bar, funding_rate = by_settled_bar(bars, found.rate)
    interval_ns = np.rint(by_settled_bar(bars, found.hours)[1] * HOUR_NS).astype(np.int64)
    decay, expected = 0.5 ** (interval_ns / HALF_LIFE_NS), np.empty(funding_rate.shape)
    expect(funding_rate, interval_ns, decay, expected)
    target_bar, target = targets_by_row(targets, arrangement)
    days = int((bars.open_ns[-1] - bars.open_ns[0]) // DAY_NS) + 1
    impact = np.zeros((len(bars.series), days))
    if daily_volume is not None:
        impact = impact_coefficients(bars, daily_volume, frictions.impact)
    tape = Tape(
        open_ns=bars.open_ns,
        bar_ns=bars.bar_ns,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        stale=bars.stale,
        lows=lows,
        highs=highs,
        funding_bar=funding_bar,
        funding_rate=funding_rate,
        interval_ns=interval_ns,
        settled=last_settled(interval_ns),
        decay=decay,
        expected=expected,
        spread=np.full(len(bars.series), frictions.half_spread),
        impact=impact,
        strain=np.ones((len(bars.series), 1)),
        thin=np.ones((len(bars.series), 1)),
        taken=np.zeros(0, dtype=TAKEN).view(np.recarray),
        off=np.ones((len(bars.series), 1)),
        unfunded=np.zeros(0, dtype=np.int64),
    )
    when = due if due is not None else np.zeros(bars.count, dtype=np.uint8)
    events = np.unique(np.concatenate([target_bar, np.flatnonzero(when)])).astype(np.int64)
    schedule = Schedule(event_bar=events, day_bar=new_days(bars), due=when, target_bar=target_bar, target=target)
    return Reel(tape=tape, schedule=schedule, volumes=bool(impact.any()))


def last_settled(interval_ns: Integers) -> Integers:
    """(C, S) the last settlement of each column at or before each; -1 where there was none."""
    number = np.where(interval_ns > 0, np.arange(interval_ns.shape[1]), -1)
    out: Integers = np.maximum.accumulate(number, axis=1).astype(np.int64)
    return out


def by_settled_bar(bars: Bars, figures: Floats) -> tuple[Integers, Floats]:
    """The rising bars with settlements in them (S,), and the sums (C, S) of a figure of every settlement, which stand in the
    order of `settlements_by_bar`."""
    found = settlements_by_bar(bars)
    bar, place = np.unique(found.bar, return_inverse=True)
    out = np.zeros((len(bars.series), bar.size))
    np.add.at(out, (found.column, place), figures)
    return bar.astype(np.int64), out


def settlements_by_bar(bars: Bars) -> Rows:
    """Every settlement inside the bars, in order of bar, then column, then time: bar, column, rate, hours of its interval."""
    found_bars, columns, rates, times, lengths = [], [], [], [], []
    end = int(bars.open_ns[-1]) + bars.bar_ns
    for column, one in enumerate(bars.settlements):
        inside = (one.times_ns >= bars.open_ns[0]) & (one.times_ns < end)
        at = (one.times_ns[inside] - bars.open_ns[0]) // bars.bar_ns
        found_bars.append(at)
        columns.append(np.full(at.size, column, dtype=np.int64))
        rates.append(one.rates[inside])
        times.append(one.times_ns[inside])
        lengths.append(one.interval_ns[inside] / HOUR_NS)
    bar, column_of, rate, time = (np.concatenate(part) for part in (found_bars, columns, rates, times))
    hours = np.concatenate(lengths)
    if not np.isfinite(rate).all():
        worst = int(np.flatnonzero(~np.isfinite(rate))[0])
        key = bars.series[int(column_of[worst])]
        raise InputError(f"a funding rate of {key.symbol} on {key.venue} is not a number: import that file again")
    order = np.lexsort((time, column_of, bar))
    out = np.zeros(order.size, dtype=SETTLEMENT).view(np.recarray)
    out["bar"], out["column"], out["rate"], out["hours"] = bar[order], column_of[order], rate[order], hours[order]
    return out


def targets_by_row(targets: TargetTable | None, arrangement: Arrangement) -> tuple[Integers, Floats]:
    """A strategy's table laid out by rows of the run: (T,) bars and (T, n) exposures, NaN where it says nothing."""
    rows = len(arrangement.rows)
    if targets is None:
        return np.zeros(0, dtype=np.int64), np.zeros((0, rows))
    out = np.full((targets.bar.size, rows), np.nan)
    for number, leg in enumerate(targets.legs):
        out[:, arrangement.row_of(leg.account, leg.symbol)] = targets.exposure[:, number]
    return targets.bar.astype(np.int64), out


def new_days(bars: Bars) -> Integers:
    """Bars whose close is the first in another UTC day than the close before; the first bar is one."""
    day = (bars.open_ns + bars.bar_ns) // DAY_NS
    out: Integers = np.concatenate([[0], np.flatnonzero(np.diff(day)) + 1]).astype(np.int64)
    return out


def impact_coefficients(bars: Bars, daily_volume: Floats, coefficient: float) -> Floats:
    """(C, days) k such that taking x dollars costs k sqrt(x) of price: Y sigma / sqrt(volume), both of the days before.

    Sigma is the daily standard deviation of log returns. The first days use what there is; a day with no volume known has
    no impact.
    """
    day = (bars.open_ns - bars.open_ns[0]) // DAY_NS
    last = np.flatnonzero(np.diff(np.append(day, day[-1] + 1)))
    out = np.zeros((len(bars.series), int(day[-1]) + 1))
    for column in range(out.shape[0]):
        moves = np.diff(np.log(bars.close[column, last]), prepend=np.log(bars.open[column, 0]))
        for number in range(out.shape[1]):
            past = slice(max(0, number - WINDOW_DAYS), max(number, 1))
            volume = daily_volume[column, past]
            volume = volume[np.isfinite(volume) & (volume > 0)]
            if volume.size:
                sigma = float(np.sqrt(np.mean(np.square(moves[past]))))
                out[column, number] = coefficient * sigma / float(np.sqrt(np.mean(volume)))
    return out


def extremes(bars: Bars) -> tuple[Floats, Floats]:
    """(C, chunks) lowest and highest price by chunk of bars.

    Raises
    ------
    InputError : a bar is none (a price that is no positive number, an open or close outside its range); names the series
    and the time.
    """
    if bars.count == 0 or not bars.series:
        raise InputError("the bars are empty: choose dates for which there is data (`perpbook data status`)")
    shape = (len(bars.series), -(-bars.count // CHUNK))
    lows, highs = np.empty(shape), np.empty(shape)
    wrong = scan(bars.open, bars.high, bars.low, bars.close, lows, highs)
    if wrong >= 0:
        column, bar = divmod(wrong, bars.count)
        key = bars.series[column]
        prices = [float(getattr(bars, name)[column, bar]) for name in ("open", "high", "low", "close")]
        raise InputError(
            f"{key.symbol} on {key.venue}: the bar at {to_iso(int(bars.open_ns[bar]))} is no bar: open, high, low and close "
            f"are {', '.join(f'{price:g}' for price in prices)}; import that file again, or leave those dates out"
        )
    return lows, highs
