"""Made-up chains: rows of quotes on a smile that is known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from perpbook.model.option import OptionChain
from perpbook.model.units import from_iso
from perpbook.options import black
from perpbook.options.chain import Origin, RawQuote, build_chain, years_between
from perpbook.options.names import MONTHS
from perpbook.options.svi import Svi

NOW_NS = from_iso("2026-08-07T00:00:00")
SPOT = 60_000.0
ORIGIN = Origin(venue="deribit", as_of_ns=NOW_NS, source="made up")
DAYS = {"14AUG26": 7, "25SEP26": 49, "25DEC26": 140}
STRIKES = tuple(range(36_000, 90_001, 3_000))


def smile(years: float) -> Svi:
    """A smile that allows no arbitrage with the others of its kind: wings, and a variance at the money of 0.16 a year."""
    return Svi(a=0.10 * years, b=0.05 + 0.1 * years, rho=-0.3, m=0.0, sigma=0.3)


def forward(years: float) -> float:
    return SPOT * math.exp(0.04 * years)


def rows(base: str = "BTC", wide: float | None = None, depth: float | None = None) -> list[RawQuote]:
    """Every strike of three expiries by the smile; with `wide`, also bid and ask so far apart over their mean."""
    out = []
    for day in DAYS:
        expiry = from_iso(f"20{day[5:]}-{MONTHS.index(day[2:5]) + 1:02}-{int(day[:2]):02}T08:00:00")
        years = years_between(NOW_NS, expiry)
        for strike in STRIKES:
            volatility = math.sqrt(smile(years).variance(np.array([math.log(strike / forward(years))]))[0] / years)
            for call in (True, False):
                coin = black.prices(forward(years), float(strike), years, volatility, call)[0] / forward(years)
                out.append(
                    RawQuote(
                        name=f"{base}-{day}-{strike}-{'C' if call else 'P'}", mark_volatility=volatility, open_interest=500.0,
                        underlying=forward(years), index=SPOT, bid_quantity=depth, ask_quantity=depth, lot_size=0.1,
                        bid=None if wide is None else coin * (1.0 - 0.5 * wide),
                        ask=None if wide is None else coin * (1.0 + 0.5 * wide),
                    )
                )  # fmt: skip
    return out


def chain(wide: float | None = None, depth: float | None = None) -> OptionChain:
    return build_chain(rows(wide=wide, depth=depth), "BTC", ORIGIN)


def written(folder: Path, found: list[RawQuote]) -> Path:
    """The rows as Deribit's get_book_summary_by_currency writes them, saved as a file, with the least trades beside."""
    summaries = [
        {
            "instrument_name": one.name, "bid_price": one.bid, "ask_price": one.ask,
            "mark_iv": 100.0 * (one.mark_volatility or 0.0), "open_interest": one.open_interest,
            "underlying_price": one.underlying, "estimated_delivery_price": one.index,
            "creation_timestamp": NOW_NS // 1_000_000,
        }
        for one in found
    ]  # fmt: skip
    path = folder / "chain.json"
    path.write_text(json.dumps({"jsonrpc": "2.0", "result": summaries, "usOut": NOW_NS // 1_000}), encoding="utf-8")
    return path
