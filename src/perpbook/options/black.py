"""Black-76 for arrays of options, checked: the seam between options and their kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perpbook.errors import InputError
from perpbook.kernels import black, implied
from perpbook.kernels.types import Flags, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """(n,) each, of one option long on one coin, discounted: `delta` and `gamma` to the forward, `vega` per 1.00 of volatility,
    `theta` per year with the forward held still."""

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotGreeks:
    """Of one option whose forward is `spot` grown at `rate` less `dividend`, to the spot: `theta` per year, `rho` and
    `dividend_rho` per 1.00 of either rate, `elasticity` percent of price per percent of spot."""

    price: float
    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float
    dividend_rho: float
    elasticity: float


def prices(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    call: ArrayLike,
    discount: ArrayLike = 1.0,
) -> Floats:
    """(n,) discounted prices of European options, in the money of the strike; arguments broadcast.

    Raises
    ------
    InputError : a forward, strike or discount that is not above 0, a negative time or volatility, or nan.
    """
    f, k, y, v, d, c = _checked(forward, strike, years, volatility, discount, call)
    out = np.empty(f.size)
    black.black_prices(f, k, y, v, d, c, out)
    return out


def greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    call: ArrayLike,
    discount: ArrayLike = 1.0,
) -> Greeks:
    """Price and greeks, arguments and errors as `prices`."""
    f, k, y, v, d, c = _checked(forward, strike, years, volatility, discount, call)
    out = np.empty((5, f.size))
    black.black_greeks(f, k, y, v, d, c, out)
    return Greeks(price=out[0], delta=out[1], gamma=out[2], vega=out[3], theta=out[4])


def implied_volatilities(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    call: ArrayLike,
    discount: ArrayLike = 1.0,
) -> Floats:
    """(n,) volatilities at which Black-76 gives the prices, nan where none does; arguments and errors as `prices`."""
    f, k, y, p, d, c = _checked(forward, strike, years, price, discount, call)
    out = np.empty(f.size)
    implied.implied_volatilities(p, f, k, y, d, c, out)
    return out


def spot_greeks(
    spot: float, strike: float, years: float, volatility: float, *, rate: float, dividend: float, call: bool
) -> SpotGreeks:
    """Greeks to the spot of one option; errors as `prices`."""
    discount, forward = math.exp(-rate * years), spot * math.exp((rate - dividend) * years)
    found = greeks(forward, strike, years, volatility, call, discount)
    price, delta = float(found.price[0]), float(found.delta[0])
    growth = forward / spot
    rolled = delta * forward
    return SpotGreeks(
        price=price,
        delta=delta * growth,
        gamma=float(found.gamma[0]) * growth**2,
        vega=float(found.vega[0]),
        theta=float(found.theta[0]) - (rate - dividend) * rolled,
        rho=years * (rolled - price),
        dividend_rho=-years * rolled,
        elasticity=delta * growth * spot / price if price > 0.0 else math.nan,
    )


NEEDS = (
    ("forward", True),
    ("strike", True),
    ("time", False),
    ("volatility or price", False),
    ("discount factor", True),
)


def _checked(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, fourth: ArrayLike, discount: ArrayLike, call: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats, Floats, Flags]:
    found = np.broadcast_arrays(*(np.atleast_1d(np.asarray(one, dtype=np.float64)) for one in (
        forward, strike, years, fourth, discount, call,
    )))  # fmt: skip
    for (name, positive), one in zip(NEEDS, found, strict=False):
        if not np.isfinite(one).all() or (one < 0.0).any() or (positive and (one == 0.0).any()):
            wanted = "above 0" if positive else "0 or more"
            raise InputError(f"a {name} of an option is {one.min():g}; it must be a number {wanted}")
    f, k, y, v, d, _ = (np.ascontiguousarray(one, dtype=np.float64).ravel() for one in found)
    return f, k, y, v, d, np.ascontiguousarray(found[5] != 0).ravel().astype(np.uint8)
