"""Where a simulated market's prices come from: a path of given prices, bars of the past, or one drawn by a drill."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """One contract's prices at an instant, quote per base. None: the oracle and index are the mark; the funding rate stays as it
    was. `funding_rate` fraction per interval, > 0: longs pay. `depth` and `spread` : book depth and spread as multiples of the
    calm profile's."""

    mark: float
    oracle: float | None = None
    index: float | None = None
    funding_rate: float | None = None
    open_interest: float | None = None
    depth: float = 1.0
    spread: float = 1.0
