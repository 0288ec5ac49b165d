"""How likely one price touches a barrier: exactly, at checks only, and the correction between the two. For one position's
liquidation in closed form, and as what simulated paths are held to.
"""

from __future__ import annotations

import math

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.types import Floats

BGK = 0.5825971579390106
"""-zeta(1/2) / sqrt(2 pi): how far, in standard deviations between two checks, a barrier seems to lie beyond itself (Broadie,
Glasserman and Kou, 1997)."""

NODES = 400
"""Gauss-Legendre nodes that a density is carried on."""

REACH = 10.0
"""Standard deviations beyond which a density is nothing."""


def normal_cdf(x: float) -> float:
    """P(Z <= x)."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def first_passage(price: float, barrier: float, drift: float, volatility: float, years: float) -> float:
    """P(a geometric Brownian motion touches `barrier` within `years`), watched all the time.

    drift : of the price, a year.  volatility : a year's.  By the reflection principle (Harrison, 1985).

    Raises
    ------
    InputError : a price, barrier, volatility or time that is not above 0.
    """
    side, distance, spread, mean = _setting(price, barrier, drift, volatility, years)
    if distance <= 0.0:
        return 1.0
    return normal_cdf((-distance + side * mean) / spread) + _reflected(distance, side * mean, spread)


def _reflected(distance: float, mean: float, spread: float) -> float:
    """exp(2 m d / s^2) N((-d - m) / s) without overflow."""
    tail = normal_cdf((-distance - mean) / spread)
    return 0.0 if tail == 0.0 else math.exp(2.0 * mean * distance / spread**2 + math.log(tail))


def _setting(
    price: float, barrier: float, drift: float, volatility: float, years: float
) -> tuple[float, float, float, float]:
    """Side of the barrier (-1 below), log distance to it, standard deviation and mean of the log move."""
    for name, value in (("price", price), ("barrier", barrier), ("volatility", volatility), ("time", years)):
        if not value > 0.0:
            raise InputError(f"the {name} is {value:g}: it must be above 0")
    side = 1.0 if barrier > price else -1.0
    return side, abs(math.log(barrier / price)), volatility * math.sqrt(years), (drift - 0.5 * volatility**2) * years


def first_passage_corrected(
    price: float, barrier: float, drift: float, volatility: float, years: float, checks: int
) -> float:
    """The chance that one of `checks` evenly spaced checks finds the price beyond the barrier, by moving the barrier."""
    shift = BGK * volatility * math.sqrt(years / checks)
    moved = barrier * math.exp(shift if barrier > price else -shift)
    return first_passage(price, moved, drift, volatility, years)


def first_passage_checked(
    price: float, barrier: float, drift: float, volatility: float, years: float, checks: int
) -> float:
    """The same, by carrying the density of what has survived from check to check (Gauss-Legendre)."""
    side, distance, spread, mean = _setting(price, barrier, drift, volatility, years)
    step, move = spread / math.sqrt(checks), side * mean / checks
    low = min(distance, 0.0) - REACH * spread - abs(mean)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    at: Floats = 0.5 * (distance - low) * nodes + 0.5 * (distance + low)
    weights = 0.5 * (distance - low) * weights
    density = _normal_density(at, move, step)
    onward = _normal_density(at[:, None] - at[None, :], move, step)
    for _ in range(checks - 1):
        density = onward @ (weights * density)
    return float(1.0 - weights @ density)


def _normal_density(x: Floats, mean: float, spread: float) -> Floats:
    out: Floats = np.exp(-0.5 * ((x - mean) / spread) ** 2) / (spread * math.sqrt(2.0 * math.pi))
    return out
