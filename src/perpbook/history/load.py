"""The lake as a run needs it: the bars of several contracts on one grid, and the funding settled between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import DataError, InputError, MissingData
from perpbook.history.align import Rows, place_rows
from perpbook.history.choose import Chosen, Wanted, check_proxies, choose_funding, choose_prices
from perpbook.history.lake import Held, Lake
from perpbook.history.widths import MILLISECOND_NS, word_of
from perpbook.model.bars import Bars, Flags, Floats, SeriesKey, Settlements
from perpbook.model.units import DAY_NS, HOUR_NS, to_iso

WITHOUT = "none"
"""A proxy of this name for funding means: take it as zero, and say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Bars from `start_ns`, `bar_ns` wide, `count` of them."""

    start_ns: int
    bar_ns: int
    count: int

    @property
    def end_ns(self) -> int:
        """End of the last bar."""
        return self.start_ns + self.count * self.bar_ns


def load_bars(
    lake: Lake,
    wanted: Sequence[Wanted],
    *,
    bar_ns: int,
    start_ns: int,
    end_ns: int,
    proxies: Mapping[str, str],
    funding: Mapping[str, str] | None = None,
) -> Bars:
    """Aligned bars with start_ns <= open and open + bar_ns <= end_ns, finer bars put together where there are no others.

    `proxies` says whose series stands in for a venue's ("hyperliquid": "binance") where it has none of its own over the
    span. `funding` says the same of funding alone; "none" takes a venue's funding as zero. Both are told in `notes`.

    Raises
    ------
    MissingData : a series is missing or does not cover the span; names it, what there is, and the next step.
    DataError : a row of the lake is no price.
    InputError : no contract, an empty span, a width that does not divide a day.
    """
    grid = _grid(wanted, bar_ns, start_ns, end_ns)
    check_proxies(lake, proxies, wanted)
    shape = (len(wanted), grid.count)
    prices = tuple(np.empty(shape) for _ in range(4))
    stale = np.empty(shape, dtype=np.uint8)
    keys, settled, notes = [], [], []
    chosen: list[Held] = []
    for row, one in enumerate(wanted):
        choice = choose_prices(lake, one, grid.bar_ns, (grid.start_ns, grid.end_ns), proxies)
        notes += _fill(lake, one, choice, grid, (*(price[row] for price in prices), stale[row]))
        paid, said, from_held = _settlements(lake, one, grid, {**proxies, **(funding or {})})
        keys.append(SeriesKey(venue=one.venue, symbol=one.symbol, proxy=choice.proxy))
        chosen += [choice.held, *from_held]
        settled.append(paid)
        notes += said
    return Bars(
        bar_ns=grid.bar_ns,
        open_ns=grid.start_ns + np.arange(grid.count, dtype=np.int64) * grid.bar_ns,
        series=tuple(keys),
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        stale=stale,
        settlements=tuple(settled),
        simulated=any(one.simulated for one in chosen),
        source=source_of(chosen),
        notes=tuple(dict.fromkeys([*_simulated(chosen), *notes])),
    )


def source_of(chosen: Sequence[Held]) -> str:
    """The series and the hashes of what they hold."""
    return "; ".join(dict.fromkeys(f"{one.id} sha256:{one.content[:16]}" for one in chosen))


def _grid(wanted: Sequence[Wanted], bar_ns: int, start_ns: int, end_ns: int) -> Grid:
    if not wanted:
        raise InputError("there is no contract to load prices of: the book or the targets name none")
    if bar_ns <= 0 or DAY_NS % bar_ns:
        raise InputError(f"a bar of {bar_ns} ns does not divide a day: choose 1m, 5m, 15m, 1h, 4h or 1d")
    first, last = -(-start_ns // bar_ns) * bar_ns, end_ns // bar_ns * bar_ns
    if first >= last:
        raise InputError(f"no bar of {word_of(bar_ns)} fits between {to_iso(start_ns)} and {to_iso(end_ns)}")
    return Grid(start_ns=first, bar_ns=bar_ns, count=(last - first) // bar_ns)


def _fill(
    lake: Lake, one: Wanted, choice: Chosen, grid: Grid, into: tuple[Floats, Floats, Floats, Floats, Flags]
) -> list[str]:
    """Write one contract's bars; the notes they need."""
    held = choice.held
    seen = lake.read(held, ["ts", "open", "high", "low", "close"], start_ns=grid.start_ns, end_ns=grid.end_ns)
    rows = Rows.of(held, seen)
    before = None if rows.starts_at(grid.start_ns) else _last_close(lake, held, grid.start_ns)
    holes, torn = place_rows(rows, grid.start_ns, grid.bar_ns, before, into)
    notes = []
    if choice.proxy:
        notes.append(f"{one}: prices are {choice.proxy}'s ({held.id.symbol}), by --proxy {one.venue}={choice.proxy}")
    if held.id.bar_ns != grid.bar_ns:
        notes.append(f"{one}: bars of {word_of(grid.bar_ns)} are made of bars of {held.id.bar}")
    if holes:
        notes.append(f"{one}: {holes:,} of {grid.count:,} bars are missing and stand stale at the last close")
    if torn:
        notes.append(f"{one}: {torn:,} bars are made of incomplete parts")
    return notes


def _last_close(lake: Lake, held: Held, start_ns: int) -> float:
    """The close before the span, for a series that has a hole at its start."""
    rows = lake.read(held, ["ts", "close"], end_ns=start_ns).sort("ts")
    if rows.height == 0:
        raise MissingData(f"{held.id}: no price before {to_iso(start_ns)}; its first is of {to_iso(held.first_ns)}")
    close = float(rows["close"][-1])
    if not close > 0 or close == float("inf"):
        at = to_iso(int(rows["ts"][-1]) * MILLISECOND_NS)
        raise DataError(f"{held.path}: the last row before the span ({at}) closes at {close}: mend and import it again")
    return close


def _settlements(
    lake: Lake, one: Wanted, grid: Grid, proxies: Mapping[str, str]
) -> tuple[Settlements, list[str], list[Held]]:
    """Funding of a contract within the grid; MissingData when nobody's is known and none was declared."""
    if one.spot:
        return _nothing(), [], []
    stand_in = proxies.get(one.venue)
    choice = choose_funding(lake, one, (grid.start_ns, grid.end_ns), None if stand_in == WITHOUT else stand_in)
    if choice is None and stand_in == WITHOUT:
        return _nothing(), [f"{one}: funding is taken as zero, by --funding {one.venue}={WITHOUT}"], []
    if choice is None:
        raise MissingData(_no_funding(lake, one, grid))
    paid = read_settlements(lake, choice.held, start_ns=grid.start_ns, end_ns=grid.end_ns)
    notes = [f"{one}: funding is {choice.proxy}'s ({choice.held.id.symbol})"] if choice.proxy else []
    notes += _short_ends(one, choice.held, grid)
    return paid, notes, [choice.held]


def read_settlements(lake: Lake, held: Held, *, start_ns: int | None = None, end_ns: int | None = None) -> Settlements:
    """The settlements of a funding series with start_ns <= time < end_ns, in order of time, each time once.

    Raises
    ------
    MissingData : a rate is not a number.
    """
    rows = lake.read(held, ["ts", "rate", "interval_hours"], start_ns=start_ns, end_ns=end_ns)
    rows = rows.unique("ts", keep="last").sort("ts")
    times = rows["ts"].to_numpy().astype(np.int64) * MILLISECOND_NS
    rates = np.ascontiguousarray(rows["rate"].to_numpy(), dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(rates))
    if wrong.size:
        raise MissingData(f"{held.path}: the rate of {to_iso(int(times[wrong[0]]))} is not a number: import it again")
    width = (rows["interval_hours"].to_numpy() * HOUR_NS).astype(np.int64)
    return Settlements(times_ns=times, rates=rates, interval_ns=width)


def _short_ends(one: Wanted, held: Held, grid: Grid) -> list[str]:
    if held.first_ns > grid.start_ns + 8 * HOUR_NS:
        return [f"{one}: funding is known from {to_iso(held.first_ns)} only; none is paid before"]
    if held.end_ns < grid.end_ns - 8 * HOUR_NS:
        return [f"{one}: funding is known to {to_iso(held.end_ns)} only; none is paid after"]
    return []


def _nothing() -> Settlements:
    return Settlements(times_ns=np.empty(0, np.int64), rates=np.empty(0), interval_ns=np.empty(0, np.int64))


def _no_funding(lake: Lake, one: Wanted, grid: Grid) -> str:
    found = lake.held("funding", one.venue, f"{one.base}-*")
    have = "; ".join(f"{held.id.symbol} from {to_iso(held.first_ns)} to {to_iso(held.end_ns)}" for held in found)
    others = sorted({held.id.venue for held in lake.held("funding", symbol=f"{one.base}-*")} - {one.venue})
    others.sort(key=lambda venue: venue != "binance")
    borrow = f"borrow another venue's with --funding {one.venue}={others[0]}, or " if others else ""
    return (
        f"{one}: no funding for {to_iso(grid.start_ns)} to {to_iso(grid.end_ns)}: the lake has {have or 'none'}\n"
        f"    {borrow}leave it out with --funding {one.venue}={WITHOUT}"
    )


def _simulated(chosen: Sequence[Held]) -> list[str]:
    made = [one for one in chosen if one.simulated]
    if not made:
        return []
    if len(made) < len(chosen):
        return [f"SIMULATED series stand beside real ones: {', '.join(str(one.id) for one in made)}"]
    return ["SIMULATED prices: no market ever made them"]
