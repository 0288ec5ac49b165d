"""A chain's quotes become a surface: what each strike's volatility is, and a smile fitted to every expiry in turn."""

from __future__ import annotations

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.types import Floats
from perpbook.model.option import Expiry, OptionChain, OptionQuote
from perpbook.model.units import to_iso
from perpbook.options import black
from perpbook.options.chain import years_between
from perpbook.options.surface import Smile, Surface
from perpbook.options.svi import Points, arbitrage_of, fit_svi

FEWEST_STRIKES = 5
"""A smile of five numbers needs as many strikes."""

SOONEST_YEARS = 2.0 / (365 * 24)
"""An expiry nearer than two hours has no volatility to speak of."""

FAR_IN_DEVIATIONS = 4.0
"""Strikes farther out than this have no price that says anything."""


def fit_surface(chain: OptionChain) -> Surface:
    """A smile for every expiry that has enough strikes, none of them under the one before.

    Raises
    ------
    InputError : no expiry has enough strikes with a volatility.
    """
    smiles: list[Smile] = []
    left_out: list[str] = []
    for expiry in chain.expiries:
        years = years_between(chain.as_of_ns, expiry.expiry_ns)
        points = smile_points(expiry, years, chain.spot)
        if years < SOONEST_YEARS or points.k.size < FEWEST_STRIKES:
            why = "ends within two hours" if years < SOONEST_YEARS else f"has {points.k.size} strikes with a volatility"
            left_out.append(f"{to_iso(expiry.expiry_ns)} {why}")
            continue
        before = smiles[-1].svi.variance if smiles else None
        svi = fit_svi(points, before)
        errors = np.sqrt(svi.variance(points.k) / years) - np.sqrt(points.variance / years)
        butterfly, calendar = arbitrage_of(svi, before)
        smiles.append(
            Smile(
                expiry_ns=expiry.expiry_ns,
                years=years,
                forward=expiry.forward,
                svi=svi,
                points=int(points.k.size),
                error=float(np.sqrt(np.average(errors**2, weights=points.weight))),
                worst=float(errors[np.argmax(np.abs(errors))]),
                butterfly=butterfly,
                calendar=calendar,
            )
        )
    if not smiles:
        raise InputError(
            f"{chain.source}: no expiry of {chain.base} has {FEWEST_STRIKES} strikes with a volatility: {'; '.join(left_out)}"
        )
    return Surface(
        base=chain.base, as_of_ns=chain.as_of_ns, spot=chain.spot, smiles=tuple(smiles), left_out=tuple(left_out)
    )


def smile_points(expiry: Expiry, years: float, spot: float) -> Points:
    """The strikes of an expiry with the volatility of the option out of the money, weighted by vega, over the spread where both
    sides are quoted."""
    rows: list[tuple[float, float, float]] = []
    for quote in expiry.quotes:
        if quote.contract.is_call != (quote.contract.strike >= expiry.forward) or years <= 0.0:
            continue
        found = _volatility(quote, expiry.forward, years, spot)
        if found is not None:
            rows.append((float(np.log(quote.contract.strike / expiry.forward)), *found))
    k, volatility, spread = np.array(sorted(rows), dtype=np.float64).reshape(-1, 3).T
    near = np.abs(k) <= FAR_IN_DEVIATIONS * volatility * np.sqrt(years)
    k, volatility, spread = k[near], volatility[near], spread[near]
    if k.size == 0:
        return Points(k=k, variance=k, weight=k, years=years)
    d1 = -k / (volatility * np.sqrt(years)) + 0.5 * volatility * np.sqrt(years)
    weight = np.exp(-0.5 * d1**2) / spread
    return Points(k=k, variance=volatility**2 * years, weight=weight / weight.max(), years=years)


def _volatility(quote: OptionQuote, forward: float, years: float, spot: float) -> tuple[float, float] | None:
    """A quote's volatility, the venue's own or of its mid price, and the spread in volatility (1 where one side is missing)."""
    sides = [price for price in (quote.bid, quote.ask) if price is not None]
    width = 1.0
    if len(sides) == 2:
        bid, ask, mid = implied_by_quotes(quote, forward, years, spot)
        width = max(ask - bid, 0.005) if np.isfinite(bid) and np.isfinite(ask) else 1.0
        if quote.mark_volatility is None and np.isfinite(mid):
            return float(mid), float(width)
    return (quote.mark_volatility, float(width)) if quote.mark_volatility is not None else None


def implied_by_quotes(quote: OptionQuote, forward: float, years: float, spot: float) -> Floats:
    """(3,) volatilities of bid, ask and their mean."""
    assert quote.bid is not None and quote.ask is not None
    prices = np.array([quote.bid, quote.ask, 0.5 * (quote.bid + quote.ask)])
    discount = spot / forward if quote.contract.is_inverse else 1.0
    return black.implied_volatilities(prices, forward, quote.contract.strike, years, quote.contract.is_call, discount)
