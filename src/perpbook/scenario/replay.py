"""A window of history gone through again: its percent moves on today's prices, its path and not only its ends.

An asset that has no history of the window takes the market's move times its beta, and is told as a proxy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.errors import InputError, MissingData
from perpbook.kernels.types import Floats
from perpbook.model.bars import Bars
from perpbook.model.units import HOUR_NS
from perpbook.scenario.grid import FLOOR
from perpbook.scenario.overlay import Ground
from perpbook.scenario.storm import KnownMove, PriceShock, Reach, Replay, Storm

MARKET = "BTC"
"""The asset that stands for the market where another has no history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Multiples of the price before the window, (C, T), and funding per hour, (C, T).

    proxies : assets that follow the market by beta. notes : what the reader must be told.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    funding: Floats
    proxies: tuple[str, ...]
    notes: tuple[str, ...] = ()


def replayed(bars: Bars, assets: Sequence[str], ground: Ground) -> Replayed:
    """The window's path for every contract of a book. bars : the window, a row for each of `assets` that has history.

    A contract takes the row of its own venue and symbol, else that of its asset; funding is the row's own.

    Raises
    ------
    MissingData : an asset without history, and none of the market to stand in.
    """
    rows = [_row(bars, assets, number, ground) for number in range(len(ground.series))]
    first = bars.open[:, :1]
    parts = {name: getattr(bars, name) / first for name in ("open", "high", "low", "close")}
    funding = _funding(bars)
    shape = (len(rows), bars.count)
    out = {name: np.empty(shape) for name in (*parts, "funding")}
    proxies: dict[str, float] = {}
    for number, row in enumerate(rows):
        asset = ground.assets[number]
        if row is not None:
            for name, multiples in parts.items():
                out[name][number] = multiples[row]
            out["funding"][number] = funding[row]
            continue
        if MARKET not in assets:
            raise MissingData(f"there is no history of {asset} in the window, nor of {MARKET} to stand in: import some")
        proxies[asset] = ground.betas.get(asset, 1.0)
        market = assets.index(MARKET)
        for name, multiples in parts.items():
            out[name][number] = 1.0 + np.maximum(proxies[asset] * (multiples[market] - 1.0), FLOOR)
        out["funding"][number] = funding[market]
        if proxies[asset] < 0.0:
            out["high"][number], out["low"][number] = out["low"][number].copy(), out["high"][number].copy()
    return Replayed(**out, proxies=tuple(proxies), notes=tuple(_told(asset, beta) for asset, beta in proxies.items()))


def _told(asset: str, beta: float) -> str:
    return f"{asset} has no history in the window: {beta:g} times {MARKET}'s move stands in"


def _row(bars: Bars, assets: Sequence[str], number: int, ground: Ground) -> int | None:
    own = ground.series[number]
    for row, key in enumerate(bars.series):
        if (key.venue, key.symbol) == (own.venue, own.symbol):
            return row
    asset = ground.assets[number]
    return assets.index(asset) if asset in assets else None


def _funding(bars: Bars) -> Floats:
    """(C, T) rate per hour of the interval each bar lies in; 0 where none is known."""
    out = np.zeros(bars.close.shape)
    for row, one in enumerate(bars.settlements):
        if one.times_ns.size:
            ahead = np.searchsorted(one.times_ns, bars.open_ns, side="left")
            held = np.minimum(ahead, one.times_ns.size - 1)
            out[row] = one.rates[held] * HOUR_NS / one.interval_ns[held]
    return out


def known_moves(bars: Bars, assets: Sequence[str]) -> tuple[KnownMove, ...]:
    """What each asset did over the bars: how low and high it reached, when, and where it ended."""
    out = []
    for row, asset in enumerate(assets):
        first = bars.open[row, 0]
        lowest, highest = int(bars.low[row].argmin()), int(bars.high[row].argmax())
        out.append(
            KnownMove(
                asset=asset,
                low=float(bars.low[row, lowest] / first - 1.0),
                low_ns=(lowest + 1) * bars.bar_ns,
                high=float(bars.high[row, highest] / first - 1.0),
                high_ns=(highest + 1) * bars.bar_ns,
                end=float(bars.close[row, -1] / first - 1.0),
            )
        )
    return tuple(out)


def outline(storm: Storm) -> Storm:
    """The storm with its window drawn through the moves that are known of it: for a drill without history.

    Straight lines from the start by the lowest and the highest point to the end; assets of which nothing is known follow
    BTC by beta. A storm that replays nothing comes back as it is.

    Raises
    ------
    InputError : no moves are known of its window.
    """
    replay = storm.replay
    if replay is None:
        return storm
    if not replay.moves:
        raise InputError(f'"{storm.name}" replays history and knows no moves of it: give a lake that has the window')
    prices = [PriceShock(reach=Reach(of=(one.asset,)), knots=_through(one, replay)) for one in replay.moves]
    market = next((one for one in replay.moves if one.asset == MARKET), None)
    if market is not None:
        prices.append(PriceShock(reach=Reach(but=replay.assets), knots=_through(market, replay), by_beta=True))
    said = "straight lines through the lowest, highest and last price of each asset stand in for its path"
    wicks = [one.asset for one in replay.moves if one.low_ns == one.high_ns]
    if wicks:
        said += f" (of {', '.join(wicks)} without the highest, which was in the bar of the lowest)"
    others = f"; other assets follow {MARKET} by beta" if market else "; other assets stand still"
    return replace(storm, replay=None, prices=(*prices, *storm.prices), assumed=(*storm.assumed, said + others))


def _through(move: KnownMove, replay: Replay) -> tuple[tuple[int, float], ...]:
    """Points of the lines. Of a bar that has both extremes the lowest counts: its high was a wick, not a way there."""
    length = replay.end_ns - replay.start_ns
    points = {0: 0.0, length: move.end}
    extremes = {move.high_ns: move.high, move.low_ns: move.low}
    points |= {when: level for when, level in extremes.items() if 0 < when < length}
    return tuple(sorted(points.items()))
