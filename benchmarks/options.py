"""Volatilities implied by 100,000 prices, on one core, beside a loop over QuantLib's own inversion in the same run.

Prices are of options out of the money from a few days to two years, 10 % to 150 % of volatility, three deviations wide at
most; both invert to the same volatilities, and the document says how far each is off. The baseline is timed on a tenth of them.
"""

from __future__ import annotations

import numpy as np

from benchmarks.document import median, publish, seconds
from perpbook.kernels.black import black_prices
from perpbook.kernels.implied import implied_volatilities
from perpbook.kernels.types import Flags, Floats

OPTIONS = 100_000
BASELINE = 10_000
FORWARD = 60_000.0


def made_up(count: int) -> tuple[Floats, Floats, Floats, Flags, Floats]:
    """Strikes, years, volatilities, calls (the side out of the money) and prices."""
    chance = np.random.default_rng(1)
    years, volatilities = chance.uniform(3 / 365, 2.0, count), chance.uniform(0.1, 1.5, count)
    strikes = FORWARD * np.exp(chance.uniform(-3.0, 3.0, count) * volatilities * np.sqrt(years))
    calls = (strikes >= FORWARD).astype(np.uint8)
    out = np.empty(count)
    black_prices(np.full(count, FORWARD), strikes, years, volatilities, np.ones(count), calls, out)
    return strikes, years, volatilities, calls, out


def quantlib_loop(strikes: Floats, years: Floats, calls: Flags, prices: Floats) -> Floats:
    """The baseline: one call an option."""
    from QuantLib import Option, blackFormulaImpliedStdDev, nullDouble

    out = np.empty(prices.size)
    for i in range(prices.size):
        kind = Option.Call if calls[i] else Option.Put
        found = blackFormulaImpliedStdDev(
            kind, float(strikes[i]), FORWARD, float(prices[i]), 1.0, 0.0, nullDouble(), 1e-12, 100
        )
        out[i] = found / years[i] ** 0.5
    return out


def main() -> None:
    strikes, years, wanted, calls, prices = made_up(OPTIONS)
    forwards, ones, out = np.full(OPTIONS, FORWARD), np.ones(OPTIONS), np.empty(OPTIONS)
    ours = median(seconds(lambda: implied_volatilities(prices, forwards, strikes, years, ones, calls, out)))
    few = (strikes[:BASELINE], years[:BASELINE], calls[:BASELINE], prices[:BASELINE])
    theirs = quantlib_loop(*few)
    loop = median(seconds(lambda: quantlib_loop(*few), repeat=3)) * OPTIONS / BASELINE
    publish(
        {
            "name": "implied volatilities of 100,000 Black-76 prices, one core",
            "unit": "seconds",
            "value": ours,
            "baseline": {"name": "a loop over QuantLib's blackFormulaImpliedStdDev", "value": loop},
            "ratio": loop / ours,
            "floor": None,
            "budget": 0.1,
            "largest_error": float(np.abs(out - wanted).max()),
            "baseline_largest_error": float(np.abs(theirs - wanted[:BASELINE]).max()),
        },
        ("numpy", "numba", "QuantLib"),
    )


if __name__ == "__main__":
    main()
