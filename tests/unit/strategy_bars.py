"""Small histories for the tests of strategies: hourly bars of BTC and ETH on two venues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.units import HOUR_NS, from_iso
from perpbook.strategies.table import Leg

START = from_iso("2024-01-01")
BTC = Leg(account="main", venue="binance", symbol="BTCUSDT")
HL_BTC = Leg(account="hedge", venue="hyperliquid", symbol="BTC")
ETH = Leg(account="main", venue="binance", symbol="ETHUSDT")
HL_ETH = Leg(account="hedge", venue="hyperliquid", symbol="ETH")
NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One leg's closes, its stale bars, and its funding as (hours after the start, rate, interval in hours)."""

    closes: Sequence[float]
    stale: Sequence[int] = ()
    funding: Sequence[tuple[float, float, float]] = field(default=())


def bars_of(past: Mapping[Leg, Past]) -> Bars:
    """Bars whose high and low are those of open and close."""
    close = np.array([one.closes for one in past.values()], dtype=np.float64)
    opened = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    stale = np.zeros(close.shape, dtype=np.uint8)
    for row, one in enumerate(past.values()):
        stale[row, list(one.stale)] = 1
    return Bars(
        bar_ns=HOUR_NS,
        open_ns=START + np.arange(close.shape[1], dtype=np.int64) * HOUR_NS,
        series=tuple(SeriesKey(venue=leg.venue, symbol=leg.symbol) for leg in past),
        open=np.ascontiguousarray(opened),
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        stale=stale,
        settlements=tuple(settled(one.funding) for one in past.values()),
    )


def settled(funding: Sequence[tuple[float, float, float]]) -> Settlements:
    return Settlements(
        times_ns=np.array([START + round(hours * HOUR_NS) for hours, _, _ in funding], dtype=np.int64),
        rates=np.array([rate for _, rate, _ in funding], dtype=np.float64),
        interval_ns=np.array([round(every * HOUR_NS) for _, _, every in funding], dtype=np.int64),
    )


def rows(table: object) -> list[tuple[int, list[float | None]]]:
    """A table as [(bar, exposures)], None where a leg is left alone."""
    from perpbook.strategies.table import TargetTable

    assert isinstance(table, TargetTable)
    return [
        (bar, [None if np.isnan(value) else round(value, 12) for value in values])
        for bar, values in zip(table.bar.tolist(), table.exposure.tolist(), strict=True)
    ]
