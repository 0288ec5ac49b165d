"""Seeded bars: assets that wander and jump, venues that differ a little, holes, and funding on and off the hour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.units import from_iso

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
STARTS = ("2026-06-05T21:30:00Z", "2026-06-07T20:00:00Z", "2026-06-10T00:00:00Z", "2026-06-30T12:00:00Z")
LEVELS = {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0}

Chance = np.random.Generator


def seeded_bars(draw: Chance, series: Sequence[tuple[str, str, str]], longest: int) -> Bars:
    """Bars of (venue, symbol, asset) contracts, at most `longest` of them, of a minute or an hour."""
    count = int(draw.integers(min(60, longest - 1), longest))
    hourly = draw.random() < 0.5
    bar_ns = HOUR_NS if hourly else MINUTE_NS
    speed = float(draw.choice([0.3, 1.0, 3.0])) * (6e-3 if hourly else 1.2e-3)
    open_ns = from_iso(str(draw.choice(STARTS))) + bar_ns * np.arange(count, dtype=np.int64)
    paths = {asset: LEVELS[asset] * np.exp(wander(draw, count, speed)) for asset in LEVELS}
    shape = (len(series), count)
    prices = {name: np.empty(shape) for name in ("open", "high", "low", "close")}
    stale = np.zeros(shape, dtype=np.uint8)
    for number, (_, _, asset) in enumerate(series):
        close = paths[asset] * np.exp(draw.normal(size=count) * speed * 0.1) * draw.uniform(0.99, 1.01)
        stale[number] = holes(draw, count)
        for name, row in shaped(draw, close, speed, stale[number]).items():
            prices[name][number] = row
    return Bars(
        bar_ns=bar_ns,
        open_ns=open_ns,
        series=tuple(SeriesKey(venue=venue, symbol=symbol) for venue, symbol, _ in series),
        stale=stale,
        settlements=tuple(seeded_funding(draw, open_ns, bar_ns) for _ in series),
        simulated=True,
        open=prices["open"],
        high=prices["high"],
        low=prices["low"],
        close=prices["close"],
    )


def wander(draw: Chance, count: int, speed: float) -> np.ndarray:
    """(count,) log prices that drift, calm and storm by turns, and jump now and then."""
    storms = np.repeat(draw.choice([0.2, 1.0, 3.0], size=count // 50 + 1), 50)[:count]
    jumps = (draw.random(count) < 0.004) * draw.normal(size=count) * speed * 25.0
    out: np.ndarray = np.cumsum((draw.normal(size=count) + draw.normal() * 0.05) * storms * speed + jumps)
    return out


def holes(draw: Chance, count: int) -> np.ndarray:
    """(count,) 1 where a series has no bar; the first bar is always there."""
    out = np.zeros(count, dtype=np.uint8)
    if draw.random() < 0.4:
        for _ in range(int(draw.integers(1, 5))):
            first = int(draw.integers(1, count))
            out[first : first + int(draw.integers(1, 12))] = 1
    return out


def shaped(draw: Chance, close: np.ndarray, speed: float, stale: np.ndarray) -> dict[str, np.ndarray]:
    """Opens near the close before, ranges around both; a bar that is not there repeats the last close."""
    close = close.copy()
    for bar in np.flatnonzero(stale):
        close[bar] = close[bar - 1]
    opens = np.concatenate([close[:1], close[:-1]])
    gaps = draw.random(close.size) < 0.1
    opens = np.where(gaps, opens * np.exp(draw.normal(size=close.size) * speed), opens)
    reach = 1.0 + np.abs(draw.normal(size=close.size)) * speed * 0.5
    high, low = np.maximum(opens, close) * reach, np.minimum(opens, close) / reach
    there = stale == 0
    return {
        "open": np.where(there, opens, close),
        "high": np.where(there, high, close),
        "low": np.where(there, low, close),
        "close": close,
    }


def seeded_funding(draw: Chance, open_ns: np.ndarray, bar_ns: int) -> Settlements:
    """Funding every 1, 2, 4 or 8 hours, or off the grid and sometimes twice within a bar."""
    step = int(draw.choice([1, 2, 4, 8])) * HOUR_NS
    off = 0 if draw.random() < 0.6 else int(draw.integers(1, 59 * 60)) * 1_000_000_000
    if bar_ns == HOUR_NS and draw.random() < 0.1:
        step = HOUR_NS // 2
    first = int(open_ns[0]) // step * step + off
    times = np.arange(first, int(open_ns[-1]) + 3 * step, step, dtype=np.int64)
    size = float(draw.choice([1e-5, 1e-4, 2e-3]))
    rates = draw.normal(size=times.size) * size + draw.normal() * size * 0.3
    return Settlements(times_ns=times, rates=rates, interval_ns=np.full(times.size, step, dtype=np.int64))
