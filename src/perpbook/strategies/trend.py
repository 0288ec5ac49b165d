"""Trend following, leg by leg: two moving averages that cross, or a close beyond the range of the bars before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Bars, Floats, Integers
from perpbook.strategies.bounds import bars_within, gross_within, within
from perpbook.strategies.changes import Wish, fresh_bars, row_of, table_of
from perpbook.strategies.table import Leg, TargetTable
from perpbook.strategies.volatility import annual_volatility
from perpbook.strategies.windows import before, held, rolling, rolling_mean

EVEN = 1e-12
"""Averages closer than this share of price are equal: rounding is no signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendSize:
    """How large a trend position is.

    `gross` (share of book equity) is shared out equally among the legs. `short` False stands aside instead of going
    short. With `vol_target` (a year, 0.4 is 40 %) a leg's share is multiplied by vol_target over its own annualised
    volatility, at most by `vol_cap` (default 2): measured over `vol_bars` (default 100) returns as soon as there are so
    many, at every change of direction, and every `rescale` (default 100) bars.
    """

    gross: float = 1.0
    short: bool = True
    vol_target: float | None = None
    vol_cap: float | None = None
    vol_bars: int | None = None
    rescale: int | None = None

    def __post_init__(self) -> None:
        gross_within(self.gross)
        for name in ("vol_cap", "vol_bars", "rescale"):
            if self.vol_target is None and getattr(self, name) is not None:
                raise InputError(f"{name} says nothing without vol_target: give vol_target too, or leave {name} out")
        if self.vol_target is not None:
            within("vol_target", self.vol_target, 0.001, 10.0, "annualised volatility")
            within("vol_cap", self.cap, 0.01, 100.0, "multiple of the leg's share")
            bars_within("vol_bars", self.window, 2)
            bars_within("rescale", self.cadence, 1)

    @property
    def cap(self) -> float:
        """The largest multiple volatility scaling may reach."""
        return 2.0 if self.vol_cap is None else self.vol_cap

    @property
    def window(self) -> int:
        """Returns that volatility is measured over."""
        return 100 if self.vol_bars is None else self.vol_bars

    @property
    def cadence(self) -> int:
        """Bars between two measurements."""
        return 100 if self.rescale is None else self.rescale


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendOptions(TrendSize):
    """Moving averages of the close over `fast` and `slow` bars that traded.

    Long from where the fast one is above the slow one by more than `band` (fraction of the slow one), short where it is
    as far below; in between the position stays as it is.
    """

    fast: int = 20
    slow: int = 100
    band: float = 0.0

    def __post_init__(self) -> None:
        TrendSize.__post_init__(self)
        bars_within("fast", self.fast, 1)
        bars_within("slow", self.slow, 2)
        within("band", self.band, 0.0, 0.5, "fraction of the slow average")
        if self.fast >= self.slow:
            raise InputError(f"fast is {self.fast} and slow {self.slow}: fast must be shorter")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakoutOptions(TrendSize):
    """Donchian channels over bars that traded.

    Long from a close above the highest high of the `enter` bars before it, until a close below the lowest low of the
    `leave` bars before it; short the other way round.
    """

    enter: int = 55
    leave: int = 20

    def __post_init__(self) -> None:
        TrendSize.__post_init__(self)
        bars_within("enter", self.enter, 1)
        bars_within("leave", self.leave, 1)
        if self.leave > self.enter:
            raise InputError(f"leave is {self.leave} and enter {self.enter}: leave must not be longer")


def trend(bars: Bars, legs: Sequence[Leg], options: TrendOptions = TrendOptions()) -> TargetTable:
    """Each leg long while its fast moving average is above its slow one, short (or flat) while below."""

    def direction(row: int, at: Integers) -> Floats:
        close = bars.close[row, at]
        slow = rolling_mean(close, options.slow)
        gap = rolling_mean(close, options.fast) / slow - 1.0
        threshold = options.band + EVEN
        up, down = gap > threshold, gap < -threshold
        state = held(up, down).astype(np.float64) - held(down, up)
        return np.where(np.isnan(slow), np.nan, state)

    return _follow(bars, legs, options, direction)


def breakout(bars: Bars, legs: Sequence[Leg], options: BreakoutOptions = BreakoutOptions()) -> TargetTable:
    """Each leg long after a close above its range, short (or flat) after one below; out at the shorter range."""

    def direction(row: int, at: Integers) -> Floats:
        close, high, low = bars.close[row, at], bars.high[row, at], bars.low[row, at]
        ceiling = before(rolling(high, options.enter, np.maximum))
        floor = before(rolling(low, options.enter, np.minimum))
        long_out = close < before(rolling(low, options.leave, np.minimum))
        short_out = close > before(rolling(high, options.leave, np.maximum))
        state = held(close > ceiling, long_out).astype(np.float64) - held(close < floor, short_out)
        return np.where(np.isnan(ceiling), np.nan, state)

    return _follow(bars, legs, options, direction)


def _follow(
    bars: Bars, legs: Sequence[Leg], size: TrendSize, direction: Callable[[int, Integers], Floats]
) -> TargetTable:
    """Directions, leg by leg over the bars that traded, as shares of book equity."""
    wishes = []
    for number, leg in enumerate(legs):
        row, at = row_of(bars, leg), fresh_bars(bars, leg)
        state = direction(row, at)
        if not size.short:
            state = np.maximum(state, 0.0)
        exposure = state * (size.gross / len(legs))
        if size.vol_target is not None:
            exposure = exposure * _multiple(bars, row, at, state, size)
        wishes.append(Wish(leg=number, bar=at, exposure=exposure))
    return table_of(legs, wishes)


def _multiple(bars: Bars, row: int, at: Integers, state: Floats, size: TrendSize) -> Floats:
    """Volatility scaling at each bar, as of the last change of direction or the last round of `cadence` bars."""
    volatility = annual_volatility(bars.close[row, at], at, size.window, bars.bar_ns)
    turned = np.ones(at.size, dtype=np.bool_)
    turned[1:] = state[1:] != state[:-1]
    due = np.ones(at.size, dtype=np.bool_)
    due[1:] = at[1:] // size.cadence != at[:-1] // size.cadence
    due[size.window : size.window + 1] = True
    newest = np.maximum.accumulate(np.where(turned | due, np.arange(at.size), 0))
    target = 0.0 if size.vol_target is None else size.vol_target
    measured = volatility[newest] if at.size else volatility
    out: Floats = np.where(measured * size.cap > target, target / np.where(measured > 0.0, measured, 1.0), size.cap)
    return np.where(np.isnan(measured), np.nan, out)
