"""Volatility by strike and time: a smile per expiry, total variance linear in time between them.

Before the first expiry and after the last one a smile keeps its volatility at every k = ln(K/F).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.options.svi import Svi, svi_variance


@dataclass(frozen=True, slots=True, kw_only=True)
class Smile:
    """A fitted expiry. Errors are of volatility, fitted less quoted: `error` the root of their mean square weighted by vega,
    `worst` the largest by size, over `points` strikes. `butterfly` is the least g(k), `calendar` how far total variance stays
    above the expiry before, relative: both >= 0 for no arbitrage."""

    expiry_ns: int
    years: float
    forward: float
    svi: Svi
    points: int
    error: float
    worst: float
    butterfly: float
    calendar: float

    @property
    def is_free_of_arbitrage(self) -> bool:
        """Neither a butterfly nor a calendar spread costs less than nothing."""
        return self.butterfly >= 0.0 and self.calendar >= 0.0

    def volatility(self, k: float = 0.0) -> float:
        """At ln(K/F), at the money unless said."""
        return float(np.sqrt(self.svi.variance(np.array([k]))[0] / self.years))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """The smiles of one coin, soonest first. `left_out` says which expiries have none, and why."""

    base: str
    as_of_ns: int
    spot: float
    smiles: tuple[Smile, ...]
    left_out: tuple[str, ...] = ()

    def volatilities(self, k: Floats, years: Floats) -> Floats:
        """(n,) volatility at ln(K/F) and years > 0; k and years broadcast to one shape."""
        k, years = np.broadcast_arrays(k, years)
        numbers = np.array([[s.svi.a, s.svi.b, s.svi.rho, s.svi.m, s.svi.sigma] for s in self.smiles]).T
        times = np.array([s.years for s in self.smiles])
        after = np.clip(np.searchsorted(times, years), 0, times.size - 1)
        before = np.clip(after - 1, 0, times.size - 1)
        w_after, w_before = svi_variance(numbers[:, after], k), svi_variance(numbers[:, before], k)
        t_after, t_before = times[after], times[before]
        outside = (years <= times[0]) | (years >= times[-1])
        share = np.where(outside, 0.0, (years - t_before) / np.where(t_after > t_before, t_after - t_before, 1.0))
        between = w_before + share * (w_after - w_before)
        flat = w_after / t_after
        out: Floats = np.sqrt(np.maximum(np.where(outside, flat, between / np.maximum(years, 1e-12)), 1e-12))
        return out
