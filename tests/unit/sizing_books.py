"""Books for the tests of sizing: seeded, and small ones written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.margin.arrays import fee_to_close
from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import Book
from perpbook.model.market import Depth, Market, Quote, Snapshot
from perpbook.model.units import from_iso
from perpbook.model.verdict import Finding
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.schema import Playbook
from perpbook.runs.check import CheckResult, Recheck, check_snapshot
from perpbook.sizing.build import cost_lines, limits_of
from perpbook.sizing.cheapest import CostLines
from perpbook.sizing.limits import Limits, MarginLimits, margin_limits
from perpbook.terms.load import load_terms
from perpbook.terms.terms import Tier, TierTable, VenueTerms

NOW = from_iso("2026-11-20T12:00:00Z")

MARKS = {
    ("hyperliquid", "BTC"): 90_000.0,
    ("hyperliquid", "ETH"): 3_100.0,
    ("hyperliquid", "SOL"): 140.0,
    ("binance", "BTCUSDT"): 90_020.0,
    ("binance", "ETHUSDT"): 3_101.0,
    ("okx", "BTC-USDT-SWAP"): 90_050.0,
    ("okx", "ETH-USDT-SWAP"): 3_099.0,
    ("deribit", "BTC-PERPETUAL"): 90_010.0,
}

STRICT = """
schema_version = 1
[survival]
moves = [0.05, 0.10, 0.15]
kinds = ["joint", "asset", "beta", "broken"]
buffer = 0.1
[leverage.asset]
BTC = 3.0
default = 2.0
[leverage.account]
gross = 8
effective = 7
"""

SURVIVE_ONLY = """
schema_version = 1
[survival]
moves = [0.15]
kinds = ["joint"]
buffer = 0.0
"""


def whole_tiers(*tiers: tuple[float, float]) -> TierTable:
    """An OKX-like table: (contracts from which it holds, maintenance fraction)."""
    from perpbook.terms.terms import TierMode, TierUnit

    return TierTable(
        tiers=tuple(
            Tier(lower=lower, maintenance_margin_fraction=rate, initial_margin_fraction=2.5 * rate)
            for lower, rate in tiers
        ),
        unit=TierUnit.CONTRACTS,
        mode=TierMode.WHOLE_POSITION,
        upper_inclusive=True,
    )


def all_terms(okx: TierTable | None = None) -> dict[str, VenueTerms]:
    """The venues' own terms, OKX's BTC swap with steep tiers of ours."""
    terms = {venue: load_terms(venue) for venue in ("hyperliquid", "binance", "okx", "deribit")}
    swap = terms["okx"].contracts["BTC-USDT-SWAP"]
    table = okx or whole_tiers((0, 0.004), (300, 0.015), (600, 0.04), (1200, 0.08))
    contracts = dict(terms["okx"].contracts) | {"BTC-USDT-SWAP": replace(swap, tiers=table)}
    return terms | {"okx": replace(terms["okx"], contracts=contracts)}


def market(depths: Mapping[tuple[str, str], Depth] | None = None) -> Market:
    known = depths or {}
    return Market(
        as_of_ns=NOW,
        source="test",
        quotes={
            key: Quote(venue=key[0], symbol=key[1], mark_price=price, depth=known.get(key))
            for key, price in MARKS.items()
        },
        betas={"ETH": 1.2, "SOL": 1.5},
    )


def snapshot(*accounts: Account, depths: Mapping[tuple[str, str], Depth] | None = None) -> Snapshot:
    return Snapshot(book=Book(as_of_ns=NOW, source="test", accounts=accounts), market=market(depths))


def account(name: str, venue: str, money: float, *positions: tuple[str, float], coin: str | None = None) -> Account:
    """An account whose positions were entered at today's mark."""
    asset = coin or {"hyperliquid": "USDC"}.get(venue, "USDT")
    return Account(
        id=name,
        venue=venue,
        collateral=(Balance(asset=asset, amount=money),),
        positions=tuple(
            Position(symbol=symbol, quantity=quantity, entry_price=MARKS[venue, symbol], leverage=10)
            for symbol, quantity in positions
        ),
    )


def some_depth(price: float, dollars: float) -> Depth:
    """Three levels each side, each 5 basis points further out and of the same size."""
    base = dollars / price
    levels = [(5e-4 * step, base) for step in (1, 2, 3)]
    return Depth(
        bids=tuple((price * (1 - away), size) for away, size in levels),
        asks=tuple((price * (1 + away), size) for away, size in levels),
    )


def seeded_book(seed: int) -> Snapshot:
    """Four accounts, hedges across them, an inverse account, whole-position tiers and, for some, depth."""
    draw = np.random.default_rng(seed)
    btc, eth = draw.uniform(1.0, 6.0), draw.uniform(10.0, 90.0)
    side = float(draw.choice([-1.0, 1.0]))
    swap = round(draw.uniform(1.0, 14.0), 4)
    accounts = [
        account("hl", "hyperliquid", draw.uniform(3e4, 9e4), ("BTC", side * round(btc, 5)), ("ETH", round(eth, 4)),
                ("SOL", -side * round(draw.uniform(50, 900), 2))),
        account("bn", "binance", draw.uniform(2e4, 8e4), ("BTCUSDT", -side * round(btc * draw.uniform(0.6, 1.1), 3)),
                ("ETHUSDT", -round(eth * draw.uniform(0.5, 1.2), 3))),
        account("ok", "okx", draw.uniform(0.04, 0.2) * swap * 9e4, ("BTC-USDT-SWAP", float(draw.choice([-1.0, 1.0])) * swap)),
        account("coin", "deribit", draw.uniform(0.2, 1.5), ("BTC-PERPETUAL", 10.0 * round(draw.uniform(-8e3, 4e3))), coin="BTC"),
    ]  # fmt: skip
    depths = {key: some_depth(price, draw.uniform(2e4, 4e5)) for key, price in MARKS.items() if draw.random() < 0.5}
    return snapshot(*accounts, depths=depths)


def playbook(text: str = STRICT) -> Playbook:
    return parse_playbook(text, "test")


def checked(
    book: Snapshot, text: str = STRICT, terms: dict[str, VenueTerms] | None = None, *, with_plans: bool = True
) -> CheckResult:
    return check_snapshot(book, playbook(text), terms or all_terms(), with_plans=with_plans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A check's limits and costs, for tests that call the optimiser itself."""

    result: CheckResult
    limits: Limits
    laid: MarginLimits
    costs: Sequence[CostLines]


def laid_out(result: CheckResult) -> Laid:
    decision = result.decision
    limits = limits_of(result.assessed, decision.state, decision.policy, decision.names)
    items = [result.assessed.arrays.items[row] for row in limits.rows]
    costs = [cost_lines(item, fee_to_close(item, result.assessed.arrays.prices)) for item in items]
    return Laid(result=result, limits=limits, laid=margin_limits(limits), costs=costs)


def findings_at(
    result: CheckResult, terms: dict[str, VenueTerms], quantities: Mapping[tuple[str, str], float]
) -> tuple[Finding, ...]:
    """The playbook's findings after cutting some positions, (account, symbol) -> quantity, by the checking path."""
    arrays = result.assessed.arrays
    changes = {}
    for row in arrays.positions():
        item = arrays.items[row]
        assert item.position is not None
        wanted = quantities.get((arrays.accounts[item.account].id, item.position.symbol))
        if wanted is not None:
            closed = 1.0 - wanted / item.position.quantity
            changes[row] = (wanted, float(arrays.held.close_cost[row]) * closed)
    return Recheck(result.snapshot, result.playbook, terms, result.assessed).findings(changes)
