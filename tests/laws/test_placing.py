"""Trims of the whole book on the best legs: as much of every asset and side, nothing opened, what is named stays."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.execution.chances import Swings
from perpbook.execution.exit_margin import accounts_after, nearer_than
from perpbook.execution.placing import is_of_the_book, placed
from perpbook.execution.reduce import Weighing
from perpbook.guard.desk import Desk
from perpbook.guard.view import View, Wanted
from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import Book
from perpbook.model.market import Depth, Market, Quote, Snapshot
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen
from perpbook.model.verdict import Trim
from perpbook.playbook.load import parse_playbook
from perpbook.runs.check import check_snapshot, load_all_terms
from perpbook.runs.guard_decide import Judge
from perpbook.runs.guard_legs import best_legs

PRICE, LOT = 100.0, 0.01
WEIGHING = Weighing(swings=Swings(other=0.9), horizon_seconds=30 * 86_400.0)
DEPTH = Depth(bids=((99.9, 0.5), (99.0, 900.0)), asks=((100.1, 0.5), (101.0, 900.0)))
RULES = """
schema_version = 1
[leverage.book]
gross = 2
[automation]
volatility = { default = 2.0 }
"""


def book(*held: tuple[float, float], depth: Depth | None = DEPTH) -> Snapshot:
    """Accounts of (SOL, dollars)."""
    accounts = tuple(
        Account(
            id=f"a{number}", venue="hyperliquid", collateral=(Balance(asset="USDC", amount=cash),),
            positions=(Position(symbol="SOL", quantity=quantity, entry_price=PRICE),),
        )
        for number, (quantity, cash) in enumerate(held)
    )  # fmt: skip
    quote = Quote(venue="hyperliquid", symbol="SOL", mark_price=PRICE, depth=depth)
    market = Market(as_of_ns=0, source="test", quotes=MappingProxyType({("hyperliquid", "SOL"): quote}))
    return Snapshot(book=Book(as_of_ns=0, source="test", accounts=accounts), market=market)


def trim(number: int, before: float, closed: float, rule: str = "leverage.book.gross") -> Trim:
    """A plan's trim."""
    side = 1.0 if before > 0.0 else -1.0
    return Trim(
        account=f"a{number}", symbol="SOL", quantity_before=before, quantity_after=round(before - side * closed, 2),
        notional_closed=closed * PRICE, fees=0.0, slippage=0.0, slippage_known=True, rules=(rule,),
    )  # fmt: skip


SIZES = st.integers(10, 300).map(lambda lots: lots * LOT)
SIDES = st.sampled_from([1.0, -1.0])


@settings(max_examples=8)
@given(held=st.lists(st.tuples(SIZES, SIDES), min_size=2, max_size=3), share=st.floats(0.1, 0.9))
def test_as_much_is_closed_of_every_side_and_nothing_is_opened(held: list[tuple[float, float]], share: float) -> None:
    sizes = [round(size * side, 2) for size, side in held]
    snapshot = book(*((size, abs(size) * 20.0) for size in sizes))
    plan = [trim(0, sizes[0], max(LOT, round(abs(sizes[0]) * share, 2)))]
    found = placed(snapshot, load_all_terms(snapshot), plan, WEIGHING)
    closed = sum(abs(one.quantity_before - one.quantity_after) for one in found)
    assert closed == pytest.approx(abs(plan[0].quantity_before - plan[0].quantity_after), abs=1e-9)
    for one in found:
        assert one.quantity_before == sizes[int(one.account[1:])] and one.quantity_before * sizes[0] > 0.0
        assert 0.0 <= one.quantity_after / one.quantity_before < 1.0


def test_the_account_that_may_die_is_made_smaller_in_place_of_the_one_that_was_named() -> None:
    snapshot = book((1.0, 500.0), (1.0, 12.0))
    (found,) = placed(snapshot, load_all_terms(snapshot), [trim(0, 1.0, 0.3)], WEIGHING)
    assert found.account == "a1" and found.quantity_after == pytest.approx(0.7)


def test_what_a_rule_of_one_position_names_stays_and_is_done_first() -> None:
    snapshot = book((1.0, 500.0), (1.0, 12.0))
    own = trim(0, 1.0, 0.4, "guardrails.position_loss")
    found = placed(snapshot, load_all_terms(snapshot), [own, trim(0, 1.0, 0.2)], WEIGHING)
    assert own in found and {one.account for one in found} == {"a0", "a1"}
    assert not is_of_the_book(["leverage.book.gross", "survival.joint"]) and is_of_the_book(["leverage.asset"])


def test_without_the_depth_of_every_leg_the_plan_stays() -> None:
    snapshot, plan = book((1.0, 500.0), (1.0, 12.0), depth=None), (trim(0, 1.0, 0.3),)
    assert placed(snapshot, load_all_terms(snapshot), plan, WEIGHING) == plan


def wanted_of(snapshot: Snapshot, rules: str, desk: Desk) -> tuple[Wanted, ...]:
    """What the guard wants of a book whose venue says what the book says."""
    (key, quote), at = next(iter(snapshot.market.quotes.items())), {"at_ns": 0, "received_ns": 0}
    assert quote.depth is not None
    seen = {one.id: AccountSeen(account=one, at_ns=0, received_ns=0) for one in snapshot.book.accounts}
    view = View(
        now_ns=0, accounts=seen, unknown=frozenset(), desk=desk,
        books={key: BookSeen(venue=key[0], symbol=key[1], depth=quote.depth, **at)},
        marks={key: MarkSeen(venue=key[0], symbol=key[1], mark_price=PRICE, **at)},
    )  # fmt: skip
    judge = Judge(base=snapshot, playbook=parse_playbook(rules, "p.toml"), terms=load_all_terms(snapshot))
    return tuple(judge(view).wanted)


def test_the_guard_trims_the_leg_at_risk_where_the_playbook_says_how_prices_swing() -> None:
    snapshot = book((6.0, 500.0), (6.0, 80.0))
    (wanted,) = wanted_of(snapshot, RULES, Desk())
    assert wanted.rule == "leverage.book.gross" and [leg.account for leg in wanted.legs] == ["a1"]
    plain = RULES.split("[automation]")[0]
    (cheapest,) = wanted_of(snapshot, plain, Desk())
    assert sum(leg.quantity for leg in cheapest.legs) == pytest.approx(
        sum(leg.quantity for leg in wanted.legs), abs=LOT
    )


def test_no_account_comes_nearer_to_its_liquidation_by_the_choice() -> None:
    """A leg that its own account's other asset leans on is cheaper to carry away, and stays."""
    snapshot, playbook = book((6.0, 500.0), (6.0, 80.0)), parse_playbook(RULES, "p.toml")
    terms = load_all_terms(snapshot)
    result = check_snapshot(snapshot, playbook, terms)
    plan = next(one for one in result.verdict.plans if one.method == "cheapest")
    found = best_legs(result, plan.trims, playbook, terms)
    before = accounts_after(result.assessed.arrays)
    left = {one.account: one.quantity_after for one in found}
    smaller = replace(
        snapshot.book,
        accounts=tuple(
            replace(one, positions=tuple(replace(p, quantity=left.get(one.id, p.quantity)) for p in one.positions))
            for one in snapshot.book.accounts
        ),
    )
    after = accounts_after(check_snapshot(replace(snapshot, book=smaller), playbook, terms).assessed.arrays)
    assert not any(nearer_than("trims", before, after))
