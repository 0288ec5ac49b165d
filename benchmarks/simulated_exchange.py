"""A step of the simulated exchange through faults: three accounts and contracts, books of ten levels, an order in ten steps.

The baseline is one `margin.assess` of the same three accounts, which is what the venue's own lines in the price stand for.
"""

from __future__ import annotations

import os

os.environ.setdefault("PERPBOOK_KERNELS", "plain")

import contextlib
import time
from collections.abc import Callable

import numpy as np

from benchmarks.document import median, publish
from perpbook.errors import OutcomeUnknown
from perpbook.margin.assess import assess
from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import Book
from perpbook.model.market import Market, Quote, Snapshot
from perpbook.model.order import OrderRequest
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.faults import Faults
from perpbook.simulation.faulty import FaultyExchange
from perpbook.simulation.market import Prices
from perpbook.terms.load import load_terms

STEPS = 100
START_NS = 1_795_000_000 * 10**9
MARKS = {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0}
ACCOUNTS = tuple(
    Account(
        id=name,
        venue="hyperliquid",
        collateral=(Balance(asset="USDC", amount=100_000.0),),
        positions=(
            Position(symbol="BTC", quantity=3.0, entry_price=60_000.0),
            Position(symbol="ETH", quantity=-20.0, entry_price=3_000.0),
        ),
    )
    for name in ("one", "two", "three")
)
SOME = Faults(error=0.05, hang=0.05, duplicate=0.02, delay=0.02, drop=0.02, disconnect=0.01, own_hand=0.02)


def run(seed: int) -> None:
    """One seed: a venue, and `STEPS` minutes of it."""
    chance = np.random.default_rng(seed)
    truth = Exchange(
        load_terms("hyperliquid"), ACCOUNTS, START_NS, {symbol: Prices(mark=mark) for symbol, mark in MARKS.items()}
    )
    venue = FaultyExchange(truth, SOME, chance.random)
    moves = np.exp(np.cumsum(0.001 * chance.standard_normal((STEPS, len(MARKS))), axis=0)).tolist()
    for number, row in enumerate(moves):
        now = truth.now_ns + 60 * 10**9
        truth.advance(now, {symbol: Prices(mark=MARKS[symbol] * move) for symbol, move in zip(MARKS, row, strict=True)})
        venue.step(now)
        if number % 10 == 0:
            order(venue, number, now)
        venue.drain(now)


def order(venue: FaultyExchange, number: int, now_ns: int) -> None:
    """A sale that may hang or fail."""
    price = venue.truth.whole_ticks("ETH", 0.99)
    request = OrderRequest(
        client_id=f"{number:032x}", account="two", venue="hyperliquid", symbol="ETH", quantity=-0.5, limit_price=price,
        reduce_only=False,
    )  # fmt: skip
    with contextlib.suppress(OutcomeUnknown):
        venue.place(request, now_ns)


def assessed() -> None:
    """The accounts through `margin.assess`, once."""
    quotes = {
        ("hyperliquid", symbol): Quote(venue="hyperliquid", symbol=symbol, mark_price=mark)
        for symbol, mark in MARKS.items()
    }
    market = Market(as_of_ns=START_NS, source="", quotes=quotes)
    book = Book(as_of_ns=START_NS, source="", accounts=ACCOUNTS)
    assess(Snapshot(book=book, market=market), {"hyperliquid": load_terms("hyperliquid")})


def processor_seconds(job: Callable[[], object], repeat: int) -> float:
    """Median processor time of a job, after one that is not counted."""
    job()
    out = []
    for _ in range(repeat):
        start = time.process_time()
        job()
        out.append(time.process_time() - start)
    return median(out)


def five() -> None:
    """Five seeds."""
    for seed in range(5):
        run(seed)


def main() -> None:
    step = processor_seconds(five, 7) / (5 * STEPS)
    whole = processor_seconds(assessed, 20)
    publish(
        {
            "name": "a step of the simulated exchange, three accounts and contracts, processor time",
            "unit": "seconds",
            "value": step,
            "baseline": {"name": "one margin.assess of its accounts, plain", "value": whole},
            "ratio": whole / step,
            "floor": None,
            "budget": 0.0003,
        },
        ("numpy",),
    )


if __name__ == "__main__":
    main()
