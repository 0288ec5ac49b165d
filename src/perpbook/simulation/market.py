"""Where a simulated market's prices come from: given prices, bars of the past, a drill's drawn path, a storm. At any speed.

A path is steps in time. Bars go through their open, the nearer of low and high, the other, and their close, at equal times.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from perpbook.errors import InputError, MissingData
from perpbook.kernels.types import Floats, Integers
from perpbook.model.bars import Bars, Settlements
from perpbook.model.market import Depth
from perpbook.model.units import HOUR_NS
from perpbook.scenario.overlay import Overlay


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """One contract's prices at an instant, quote per base. None: the oracle and index are the mark; the funding rate stays as it
    was. `funding_rate` fraction per interval, > 0: longs pay. `depth` and `spread` : book depth and spread as multiples of the
    calm profile's. `is_closed` : no order reaches the venue."""

    mark: float
    oracle: float | None = None
    index: float | None = None
    funding_rate: float | None = None
    open_interest: float | None = None
    depth: float = 1.0
    spread: float = 1.0
    is_closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What an `Exchange` is told at a time. A contract with a price and no book gets one drawn around it."""

    at_ns: int
    prices: Mapping[str, Prices]
    books: Mapping[str, Depth] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Steps, in rising order of time; at least one."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        assert self.steps, "a path has a step"

    @property
    def start_ns(self) -> int:
        """The time of the first step."""
        return self.steps[0].at_ns

    @property
    def end_ns(self) -> int:
        """The time of the last step."""
        return self.steps[-1].at_ns

    def between(self, after_ns: int, until_ns: int) -> tuple[Step, ...]:
        """Steps after one time, up to and with another."""
        first = bisect_right(self.steps, after_ns, key=lambda step: step.at_ns)
        last = bisect_right(self.steps, until_ns, key=lambda step: step.at_ns)
        return self.steps[first:last]

    def time_at(self, elapsed_ns: int, speed: float) -> int:
        """The path's time after some time of the clock on the wall; speed 60: a minute a second."""
        return self.start_ns + int(elapsed_ns * speed)


def path_of_prices(times_ns: Sequence[int], marks: Mapping[str, Sequence[float]]) -> Path:
    """A path of given marks, one for each time, by symbol.

    Raises
    ------
    InputError : times do not rise, or a row has another length.
    """
    times = [int(time) for time in times_ns]
    if not times or any(after <= before for before, after in itertools.pairwise(times)):
        raise InputError("the times of a path rise from step to step, and there is one at least")
    for symbol, row in marks.items():
        if len(row) != len(times):
            raise InputError(f"{symbol} has {len(row)} prices for {len(times)} times: give one for each")
    return Path(
        steps=tuple(
            Step(at_ns=time, prices={symbol: Prices(mark=float(row[number])) for symbol, row in marks.items()})
            for number, time in enumerate(times)
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Bars of some contracts: prices (C, T), quote per base. funding : (C, T) per hour, NaN for as it was. spread, depth :
    (C, T) multiples of the calm book's. closed : (C, T) 1 where no order reaches the venue."""

    start_ns: int
    bar_ns: int
    symbols: tuple[str, ...]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    funding: Floats | None = None
    spread: Floats | None = None
    depth: Floats | None = None
    closed: Integers | None = None


def path_of_grid(grid: Grid, interval_ns: int) -> Path:
    """A path through bars, such as a drill draws. `interval_ns` : the venue's funding interval."""
    steps = []
    for bar in range(grid.open.shape[1]):
        for corner in range(4):
            at = grid.start_ns + bar * grid.bar_ns + corner * grid.bar_ns // 4
            prices = {symbol: _corner(grid, row, bar, corner, interval_ns) for row, symbol in enumerate(grid.symbols)}
            steps.append(Step(at_ns=at, prices=prices))
    return Path(steps=tuple(steps))


def _corner(grid: Grid, row: int, bar: int, corner: int, interval_ns: int) -> Prices:
    rate = np.nan if grid.funding is None else float(grid.funding[row, bar]) * interval_ns / HOUR_NS
    return Prices(
        mark=_corner_price(grid, row, bar, corner),
        funding_rate=None if np.isnan(rate) else rate,
        spread=1.0 if grid.spread is None else float(grid.spread[row, bar]),
        depth=1.0 if grid.depth is None else float(grid.depth[row, bar]),
        is_closed=grid.closed is not None and bool(grid.closed[row, bar]),
    )


def _corner_price(grid: Grid, row: int, bar: int, corner: int) -> float:
    opened, high, low = float(grid.open[row, bar]), float(grid.high[row, bar]), float(grid.low[row, bar])
    near, far = (low, high) if opened - low <= high - opened else (high, low)
    return (opened, near, far, float(grid.close[row, bar]))[corner]


def path_of_bars(bars: Bars, venue: str, symbols: Sequence[str], interval_ns: int) -> Path:
    """The past of some contracts, with the funding that was settled then.

    Raises
    ------
    MissingData : a contract has no bars.
    """
    rows = []
    for symbol in symbols:
        try:
            rows.append(bars.column(venue, symbol))
        except KeyError as error:
            raise MissingData(f"{symbol} on {venue} has no bars: pull its history first") from error
    grid = Grid(
        start_ns=int(bars.open_ns[0]),
        bar_ns=bars.bar_ns,
        symbols=tuple(symbols),
        **{name: getattr(bars, name)[rows] for name in ("open", "high", "low", "close")},
    )
    drawn = path_of_grid(grid, interval_ns)
    settled = [_rates(bars.settlements[row], interval_ns) for row in rows]
    return Path(steps=tuple(_with_rates(step, dict(zip(symbols, settled, strict=True))) for step in drawn.steps))


Rates = tuple[list[int], list[float]]
"""Times, rising, and what was settled at each, a fraction."""


def _rates(settlements: Settlements, interval_ns: int) -> Rates:
    """Settlements at the boundaries they belong to: a venue writes them down some moments after."""
    times = [round(int(time) / interval_ns) * interval_ns for time in settlements.times_ns]
    return times, [float(rate) for rate in settlements.rates]


def _with_rates(step: Step, settled: Mapping[str, Rates]) -> Step:
    """A step with the rate of the last settlement by then, which is what is paid when its boundary is crossed."""
    prices = dict(step.prices)
    for symbol, (times, rates) in settled.items():
        if times:
            number = max(bisect_right(times, step.at_ns) - 1, 0)
            prices[symbol] = replace(prices[symbol], funding_rate=rates[number])
    return replace(step, prices=prices)


def path_of_storm(overlay: Overlay, prices: Mapping[str, float], start_ns: int, interval_ns: int) -> Path:
    """A storm over contracts that stand still otherwise. prices : today's by symbol, in the order of the overlay's rows.

    Marks of a halted contract stand still and nothing reaches it. Funding that a storm adds to a path's own is all there
    is.

    Raises
    ------
    InputError : the overlay is for another number of contracts.
    """
    if overlay.price.shape[0] != len(prices):
        raise InputError(f"the storm is drawn for {overlay.price.shape[0]} contracts and {len(prices)} have a price")
    today = np.array(list(prices.values()))[:, None]
    close, halted = today * overlay.price, overlay.halted != 0
    for step in range(close.shape[1]):
        before = close[:, step - 1] if step else today[:, 0]
        close[:, step] = np.where(halted[:, step], before, close[:, step])
    opened = np.concatenate([today, close[:, :-1]], axis=1)
    added = np.where(overlay.funding_add == 0.0, np.nan, overlay.funding_add)
    grid = Grid(
        start_ns=start_ns,
        bar_ns=overlay.bar_ns,
        symbols=tuple(prices),
        open=opened,
        high=np.maximum(opened, close) * np.where(halted, 1.0, overlay.high),
        low=np.minimum(opened, close) * np.where(halted, 1.0, overlay.low),
        close=close,
        funding=np.where(np.isnan(overlay.funding_set), added, overlay.funding_set),
        spread=overlay.spread,
        depth=overlay.depth,
        closed=(overlay.no_orders | overlay.halted).astype(np.int64),
    )
    return path_of_grid(grid, interval_ns)
