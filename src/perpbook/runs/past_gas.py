"""What gas cost in the time of a run: base fees of the lake by layer, and prices of gas coins from the run's bars or the lake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perpbook.model.data_finding import DataFinding
from perpbook.model.units import DAY_NS, SECOND_NS
from perpbook.treasury.past_gas import GasPast, Past

if TYPE_CHECKING:
    from perpbook.engine.backtest import Journey
    from perpbook.history.lake import Held, Lake
    from perpbook.model.bars import Bars
    from perpbook.treasury.facts import Facts

BEFORE_NS = 3 * DAY_NS
"""So much before a run is read, for what was known when it began."""


def past_of_gas(folder: Path, journey: Journey, facts: Facts) -> tuple[GasPast, tuple[DataFinding, ...]]:
    """Gas of a run's time, and what is wrong with its series in that time."""
    from perpbook.history.check_gas import gas_findings
    from perpbook.history.gas import fee_series
    from perpbook.history.lake import Lake

    lake, bars = Lake(folder), journey.bars
    span = _span(bars)
    layers = [one for one in facts.layers.values() if one.gas is not None and not one.gas.free]
    held = {one.id: [(series, _fees(lake, series, bars)) for series in fee_series(lake, one.id)] for one in layers}
    fees = {name: tuple(past for _, past in found if past.values.size) for name, found in held.items()}
    used = [series for found in held.values() for series, past in found if past.values.size]
    findings = [found for series in used for found in gas_findings(lake, series) if found.touches(*span)]
    coins = {one.gas.token for one in layers if one.gas is not None}
    prices = {coin: past for coin in sorted(coins) if (past := _price(lake, coin, journey)) is not None}
    return GasPast(fees={name: series for name, series in fees.items() if series}, prices=prices), tuple(findings)


def _span(bars: Bars) -> tuple[int, int]:
    return int(bars.open_ns[0]), int(bars.open_ns[-1]) + bars.bar_ns


def _fees(lake: Lake, held: Held, bars: Bars) -> Past:
    from perpbook.history.gas import read_values

    start, end = _span(bars)
    width = held.id.bar_ns or 1
    times, values = read_values(lake, held, "gwei", start - max(BEFORE_NS, 2 * width), end)
    return _past(times, values, (start, width), _words(held))


def _past(times: np.ndarray, values: np.ndarray, when: tuple[int, int], words: str) -> Past:
    """when : the run's start and the rows' width, ns."""
    starts = (times - when[0]) / SECOND_NS
    return Past(starts=starts, width=when[1] / SECOND_NS, values=values, words=words)


def _words(held: Held) -> str:
    from perpbook.model.units import to_iso

    span = f"{to_iso(held.first_ns)[:10]}..{to_iso(held.end_ns)[:10]}"
    return f"{held.id.bar} of {span}, {held.content[:12]}" + (", SIMULATED" if held.simulated else "")


def _price(lake: Lake, coin: str, journey: Journey) -> Past | None:
    """A gas coin's closes: of the run's own first contract on it, else a series of the lake, else what came with the gas."""
    from perpbook.engine.coins import columns_by_asset
    from perpbook.history.gas import read_values

    bars = journey.bars
    start, end = _span(bars)
    column = columns_by_asset(bars, journey.terms).get(coin)
    if column is not None:
        key = bars.series[column]
        return _past(
            bars.open_ns, bars.close[column].copy(), (start, bars.bar_ns), f"{key.venue} {key.symbol} of the run"
        )
    for held, name in _candidates(lake, coin, (start, end)):
        width = held.id.bar_ns or 1
        times, values = read_values(lake, held, name, start - max(BEFORE_NS, 2 * width), end)
        fit = values > 0.0
        if fit.any():
            words = f"{held.id.kind} {held.id.venue} {held.id.symbol}, {_words(held)}"
            return _past(times[fit], values[fit], (start, width), words)
    return None


def _candidates(lake: Lake, coin: str, span: tuple[int, int]) -> Iterator[tuple[Held, str]]:
    """Series of a coin's price and their column."""
    from perpbook.history.gas import fee_series, price_series

    best = price_series(lake, coin, *span)
    if best is not None:
        yield best, "close"
    if coin == "ETH":
        yield from ((held, "eth_usd") for held in fee_series(lake, "ethereum"))
