"""The smallest journey there is, and the smallest drill: what compiling is done on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perpbook.engine.backtest import Journey
from perpbook.engine.drill import Drill
from perpbook.model.account import Account, Balance
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.book import Book
from perpbook.model.units import HOUR_NS
from perpbook.playbook.schema import Playbook
from perpbook.scenario.sources import still_source
from perpbook.strategies.table import Leg, TargetTable
from perpbook.terms.load import load_terms


def smallest_journey() -> Journey:
    """One account, one contract, four bars at one price."""
    price = np.full((1, 4), 100.0)
    none = Settlements(times_ns=np.zeros(0, dtype=np.int64), rates=np.zeros(0), interval_ns=np.zeros(0, dtype=np.int64))
    bars = Bars(
        bar_ns=HOUR_NS,
        open_ns=HOUR_NS * np.arange(4, dtype=np.int64),
        series=(SeriesKey(venue="hyperliquid", symbol="BTC"),),
        open=price,
        high=price.copy(),
        low=price.copy(),
        close=price.copy(),
        stale=np.zeros((1, 4), dtype=np.uint8),
        settlements=(none,),
        simulated=True,
        source="made up",
    )
    leg = Leg(account="only", venue="hyperliquid", symbol="BTC")
    collateral = (Balance(asset="USDC", amount=1000.0),)
    return Journey(
        book=Book(
            as_of_ns=0, source="made up", accounts=(Account(id="only", venue="hyperliquid", collateral=collateral),)
        ),
        terms={"hyperliquid": load_terms("hyperliquid")},
        bars=bars,
        playbook=Playbook(schema_version=1),
        targets=TargetTable(bar=np.array([0], dtype=np.int64), legs=(leg,), exposure=np.full((1, 1), 0.5)),
    )


def smallest_drill() -> Drill:
    """One future of that journey, in which nothing moves."""
    return Drill(journey=replace(smallest_journey(), targets=None), source=still_source(np.zeros(1)), paths=1, seed=0)
