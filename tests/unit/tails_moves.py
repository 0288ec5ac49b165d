"""Moves of a known law, as bars or as joint returns."""

from __future__ import annotations

import numpy as np

from perpbook.model.bars import Bars, Floats, SeriesKey, Settlements
from perpbook.model.units import HOUR_NS
from perpbook.tails.bootstrap import Resampling
from perpbook.tails.returns import JointReturns

NAMES = ("BTC", "ETH", "SOL")
HOW = Resampling(mean_block=5.0)


def moves(
    rows: int, rho: float, *, nu: float | None = None, names: tuple[str, ...] = NAMES[:2], seed: int = 1
) -> Floats:
    """(A, rows) normal or Student moves of a hundredth, every pair with correlation `rho`."""
    rng = np.random.default_rng(seed)
    size = len(names)
    root = np.linalg.cholesky(np.full((size, size), rho) + (1.0 - rho) * np.eye(size))
    out: Floats = 0.01 * root @ rng.standard_normal((size, rows))
    return out if nu is None else out / np.sqrt(rng.chisquare(nu, rows) / nu)


def joint(values: Floats, names: tuple[str, ...] = NAMES) -> JointReturns:
    rows = values.shape[1]
    return JointReturns(
        names=names[: len(values)],
        times_ns=np.arange(1, rows + 1, dtype=np.int64) * HOUR_NS,
        bar_ns=HOUR_NS,
        values=values,
    )


def bars(values: Floats, *, stale: Floats | None = None) -> Bars:
    close = np.ascontiguousarray(100.0 * np.exp(np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)))
    nothing = Settlements(times_ns=np.empty(0, np.int64), rates=np.empty(0), interval_ns=np.empty(0, np.int64))
    flags = np.zeros(close.shape, np.uint8) if stale is None else np.ascontiguousarray(stale.astype(np.uint8))
    return Bars(
        bar_ns=HOUR_NS,
        open_ns=np.arange(close.shape[1], dtype=np.int64) * HOUR_NS,
        series=tuple(SeriesKey(venue="binance", symbol=f"{name}USDT") for name in NAMES[: len(values)]),
        open=close, high=close, low=close, close=close, stale=flags, settlements=(nothing,) * len(values),
    )  # fmt: skip
