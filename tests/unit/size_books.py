"""Books small enough to be sized by hand, on futures given one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from perpbook.engine.sized import Bounds
from perpbook.engine.trial import Bench, set_bench
from perpbook.kernels.paths import GIVEN
from perpbook.kernels.types import Floats
from perpbook.margin.arrays import book_arrays
from perpbook.model.units import HOUR_NS
from perpbook.runs.check import load_all_terms, read_inputs
from perpbook.runs.drill import DrillAsked, History, plan_drill
from perpbook.scenario.sources import still_source

ACCOUNT = """
[[accounts]]
id = "{id}"
venue = "{venue}"
mode = "{mode}"
collateral = {{ {asset} = {cash} }}
"""
POSITION = """
[[accounts.positions]]
symbol = "{symbol}"
quantity = {quantity}
entry_price = {price}
"""
MARKET = """
[[markets]]
venue = "{venue}"
symbol = "{symbol}"
mark_price = {price}
"""
PRICES = {"BTC": 90_000.0, "ETH": 3_000.0, "SOL": 140.0}


def book_of(folder: Path, venue: str, cash: float, held: Mapping[str, float], mode: str = "cross") -> Path:
    """A file with one account that holds these quantities; symbols begin with the asset."""
    settle = "USDC" if venue == "hyperliquid" else "USDT"
    text = 'schema = "book/1"\nas_of = "2026-11-20T12:00:00Z"\nsimulated = true\n'
    text += ACCOUNT.format(id="main", venue=venue, mode=mode, asset=settle, cash=cash)
    priced = {symbol: PRICES[symbol[:3]] for symbol in held}
    text += "".join(POSITION.format(symbol=one, quantity=size, price=priced[one]) for one, size in held.items())
    text += "".join(MARKET.format(venue=venue, symbol=one, price=priced[one]) for one in held)
    path = folder / "book.toml"
    path.write_text(text, encoding="utf-8")
    return path


def bench_of(book: Path, moves: Floats, bounds: Bounds) -> Bench:
    """A bench on futures given as log moves (P, C, T), columns in the order of the book's positions."""
    asked = DrillAsked(
        book=book, playbook=None, history=History(lake=Path("none"), proxies={}, funding={}, made_up=True),
        kind="student", paths=moves.shape[0], horizon_ns=moves.shape[2] * HOUR_NS,
    )  # fmt: skip
    drill = plan_drill(asked).drill
    source = still_source(np.zeros(moves.shape[1]))._replace(kind=GIVEN, given=moves)
    snapshot, _ = read_inputs(book, None, market=None, now_ns=None)
    arrays = book_arrays(snapshot.book, snapshot.market, load_all_terms(snapshot))
    journey = replace(drill.journey, book=snapshot.book, playbook=None)
    return set_bench(replace(drill, source=source, journey=journey), arrays, bounds, 1)
