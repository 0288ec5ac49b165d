"""Books with sleeves for the tests of rebalancing: seeded, and small ones written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from perpbook.allocation.problem import Problem, Wish
from perpbook.model.account import Account, Balance
from perpbook.model.book import LayerBalance
from perpbook.model.market import Depth, Snapshot
from perpbook.runs.check import CheckResult, check_snapshot
from perpbook.runs.rebalance import Asked, Rebalance, problem_of, rebalance_of
from perpbook.terms.terms import VenueTerms
from tests.unit.sizing_books import all_terms, playbook, seeded_book, snapshot

TERMS = all_terms()
ASKED = Asked(book=Path("book.toml"))

SLEEVES = """
schema_version = 1
[[capital.sleeves]]
name = "majors"
target = 0.5
symbols = ["BTC*", "ETH*"]
[[capital.sleeves]]
name = "others"
target = 0.2
symbols = ["*"]
[[capital.sleeves]]
name = "reserve"
target = 0.3
[rebalance]
drift = 0.05
"""

RULES = """
[survival]
moves = [0.05, 0.10]
kinds = ["joint", "asset"]
[leverage.account]
effective = 9
[leverage.book]
gross = 6
[venues]
max_share = 0.7
"""


def with_layer(book: Snapshot, amount: float, layer: str = "arbitrum", asset: str = "USDC") -> Snapshot:
    """The book with money on a layer."""
    held = LayerBalance(layer=layer, balance=Balance(asset=asset, amount=amount))
    return replace(book, book=replace(book.book, layers=(*book.book.layers, held)))


def seeded(seed: int) -> Snapshot:
    """A seeded book of `sizing_books` with money on a layer and an account without positions."""
    book = seeded_book(seed)
    idle = Account(id="idle", venue="binance", collateral=(Balance(asset="USDT", amount=2_000.0 * seed),))
    return with_layer(
        replace(book, book=replace(book.book, accounts=(*book.book.accounts, idle))), 15_000.0 + 4_000.0 * seed
    )


def two_sleeves(
    money: float,
    *positions: tuple[str, float],
    layer: float = 0.0,
    depths: Mapping[tuple[str, str], Depth] | None = None,
) -> Snapshot:
    """One Hyperliquid account whose positions belong to two sleeves."""
    from tests.unit.sizing_books import account

    book = snapshot(account("hl", "hyperliquid", money, *positions), depths=depths)
    return with_layer(book, layer) if layer else book


def coarse(lots: Mapping[str, float], venue: str = "hyperliquid") -> dict[str, VenueTerms]:
    """The venues' terms with other lots for some contracts."""
    contracts = dict(TERMS[venue].contracts)
    for symbol, lot in lots.items():
        one = contracts[symbol]
        contracts[symbol] = replace(one, contract=replace(one.contract, lot_size=lot))
    return TERMS | {venue: replace(TERMS[venue], contracts=contracts)}


def checked(book: Snapshot, text: str = SLEEVES, terms: Mapping[str, VenueTerms] = TERMS) -> CheckResult:
    return check_snapshot(book, playbook(text), terms, with_plans=False)


def rebalanced(
    book: Snapshot,
    text: str = SLEEVES,
    terms: Mapping[str, VenueTerms] = TERMS,
    asked: Asked = ASKED,
    wishes: Sequence[Wish] = (),
) -> Rebalance:
    return rebalance_of(checked(book, text, terms), terms, asked, wishes)


def laid(book: Snapshot, text: str = SLEEVES, terms: Mapping[str, VenueTerms] = TERMS, asked: Asked = ASKED) -> Problem:
    return problem_of(checked(book, text, terms), terms, asked)[0]
