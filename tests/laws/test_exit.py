"""Exit plans: nothing dies on the way by its own order, everything is closed once, and a plan goes on from any positions."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.errors import InputError, MissingData
from perpbook.execution.chances import Swings
from perpbook.execution.exit_build import Pace, exit_plan
from perpbook.execution.exit_plan import ExitPlan, next_stage, plain_plan, plan_from, strangers
from perpbook.margin.assess import assess
from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import Book
from perpbook.model.market import Depth, Market, Quote, Snapshot
from perpbook.model.verdict import Status
from perpbook.playbook.exit_judge import judge_exit
from perpbook.playbook.load import parse_playbook
from perpbook.runs.check import load_all_terms

PRICES = {"BTC": 90_000.0, "ETH": 3_000.0, "SOL": 140.0}
LOTS = {"BTC": 5, "ETH": 4, "SOL": 2}
"""Decimals of a lot at the venue."""


def quote(symbol: str, *, depth: float | None) -> Quote:
    price = PRICES[symbol]
    near, far = (price * 1e-4, price * 1e-3) if depth else (0.0, 0.0)
    size = (depth or 0.0) / price
    levels = ((near, size), (far, 4 * size))
    book = Depth(
        bids=tuple((price - off, there) for off, there in levels),
        asks=tuple((price + off, there) for off, there in levels),
    )
    return Quote(venue="hyperliquid", symbol=symbol, mark_price=price, depth=book if depth else None)


def held_at(symbol: str, dollars: float) -> Position:
    price = PRICES[symbol]
    return Position(
        symbol=symbol, quantity=round(dollars / price, LOTS[symbol]), entry_price=price, tags=(symbol.lower(),)
    )


def desk(holdings: dict[str, dict[str, float]], cash: float, *, depth: float | None = 1e6) -> Snapshot:
    """Accounts by name, each with dollars by symbol."""
    accounts = tuple(
        Account(
            id=name, venue="hyperliquid", layer="hyperliquid-l1", collateral=(Balance(asset="USDC", amount=cash),),
            positions=tuple(
                held_at(one, dollars)
                for one, dollars in held.items()
            ),
        )
        for name, held in holdings.items()
    )  # fmt: skip
    quotes = {("hyperliquid", one): quote(one, depth=depth) for one in PRICES}
    market = Market(as_of_ns=0, source="test", quotes=MappingProxyType(quotes))
    return Snapshot(book=Book(as_of_ns=0, source="test", accounts=accounts), market=market)


def planned(snapshot: Snapshot, rules: str = "", pace: Pace = Pace()) -> ExitPlan:
    text = f"schema_version = 1\n[exit]\n{rules}"
    return exit_plan(snapshot, load_all_terms(snapshot), parse_playbook(text, "p.toml"), pace)


def held_in(snapshot: Snapshot) -> dict[tuple[str, str], float]:
    return {(account.id, one.symbol): one.quantity for account in snapshot.book.accounts for one in account.positions}


sizes = st.floats(20_000, 150_000).flatmap(lambda size: st.sampled_from([size, -size]))
holdings = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.dictionaries(st.sampled_from(list(PRICES)), sizes, min_size=1, max_size=3),
    min_size=1,
)
orders = st.permutations(["btc", "eth", "sol"]).map(lambda names: list(names))


@given(held=holdings, order=orders, steps=st.integers(1, 5))
@settings(max_examples=20)
def test_everything_is_closed_once_and_no_stage_brings_a_liquidation_nearer(
    held: dict[str, dict[str, float]], order: list[str], steps: int
) -> None:
    snapshot = desk(held, 60_000.0)
    named = [one for one in order if any(one.upper() in own for own in held.values())]
    plan = planned(snapshot, f"order = {json.dumps(named)}\nsteps = {steps}")
    left = held_in(snapshot)
    for stage in plan.stages:
        for leg in stage.legs:
            assert leg.reduce_only and leg.held == pytest.approx(left[leg.account, leg.symbol], abs=1e-9)
            left[leg.account, leg.symbol] += leg.quantity
        assert all(left[one.account, one.symbol] == pytest.approx(one.quantity, abs=1e-9) for one in stage.left)
        assert 0.0 <= stage.slippage_low <= stage.slippage_high + 1e-9
        for before, after in zip(plan.before, stage.accounts, strict=True):
            for was, now in ((before.joint, after.joint), (before.alone, after.alone)):
                assert now is None or now >= (math.inf if was is None else was) * 0.99 - 1e-12
    assert all(abs(one) < 1e-9 for one in left.values())
    assert plan_from(json.loads(json.dumps(plain_plan(plan)))) == plan


def test_the_hedge_of_a_pair_does_not_go_first() -> None:
    """Long BTC against short ETH with little margin: without the ETH a fall of all prices together kills."""
    snapshot = desk({"a": {"BTC": 300_000.0, "ETH": -300_000.0}}, 60_000.0)
    plan = planned(snapshot, 'order = ["eth"]\nsteps = 3')
    assert all({leg.symbol for leg in stage.legs} == {"BTC", "ETH"} for stage in plan.stages)
    assert "closed together" in plan.notes[0]
    nearest = [stage.accounts[0].nearest or math.inf for stage in plan.stages]
    assert min(nearest) >= (plan.before[0].nearest or 0.0)


def test_margin_after_a_stage_is_what_an_assessment_says() -> None:
    from perpbook.sizing.apply import with_quantities

    snapshot = desk({"a": {"BTC": 200_000.0, "SOL": 80_000.0}}, 60_000.0)
    terms = load_all_terms(snapshot)
    plan = planned(snapshot, 'order = ["sol"]\nsteps = 2')
    arrays = assess(snapshot, terms).arrays
    for stage in plan.stages[:3]:
        left, spent = held_in(snapshot), 0.0
        for done in plan.stages[: stage.number]:
            left |= {(one.account, one.symbol): one.quantity for one in done.left}
            spent += done.fees + done.slippage_high
        changes = {row: (left["a", one.position.symbol], 0.0) for row, one in enumerate(arrays.items) if one.position}
        book = with_quantities(snapshot.book, arrays, changes)
        account = book.accounts[0]
        paid = replace(account, collateral=(Balance(asset="USDC", amount=account.collateral[0].amount - spent),))
        summary = assess(replace(snapshot, book=replace(book, accounts=(paid,))), terms).assessment.accounts[0].summary
        assert stage.accounts[0].margin_ratio == pytest.approx(summary.margin_ratio, rel=1e-9)
        assert stage.accounts[0].equity == pytest.approx(summary.equity, rel=1e-9)


@given(filled=st.lists(st.floats(0, 1), min_size=1, max_size=40), steps=st.integers(1, 4))
@settings(max_examples=15)
def test_a_plan_goes_on_from_whatever_was_filled(filled: list[float], steps: int) -> None:
    """Partial fills, then full ones: it ends flat, never past it, and the way is told by positions alone."""
    snapshot = desk({"a": {"BTC": 90_000.0, "ETH": -60_000.0}, "b": {"SOL": 14_000.0}}, 60_000.0)
    plan, left, rounds = planned(snapshot, f"steps = {steps}"), held_in(snapshot), 0
    while (stage := next_stage(plan_from(plain_plan(plan)), left)) is not None and rounds < 80:
        share = filled[rounds] if rounds < len(filled) else 1.0
        for leg in stage.legs:
            assert leg.held == left[leg.account, leg.symbol] and abs(leg.quantity) <= abs(leg.held)
            done = leg.quantity if share == 1.0 else round(leg.quantity * share, LOTS[leg.symbol])
            left[leg.account, leg.symbol] = round(left[leg.account, leg.symbol] + done, 12)
        rounds += 1
    assert rounds < 80 and all(one == 0.0 for one in left.values())


def test_what_is_not_known_or_has_turned_stops_a_plan() -> None:
    plan = planned(desk({"a": {"BTC": 90_000.0}}, 60_000.0))
    with pytest.raises(MissingData, match="not known now"):
        next_stage(plan, {})
    with pytest.raises(InputError, match="has turned"):
        next_stage(plan, {("a", "BTC"): -0.1})
    with pytest.raises(InputError, match="read the account"):
        next_stage(plan, {("a", "BTC"): math.nan})
    grown = next_stage(plan, {("a", "BTC"): 1.5})
    assert grown is not None and grown.legs[0].quantity == pytest.approx(-0.75)
    assert strangers(plan, {("a", "BTC"): 1.0, ("a", "ETH"): 2.0, ("b", "SOL"): 0.0}) == (("a", "ETH"),)


@pytest.mark.parametrize("value", [None, {}, [], {"stages": 1}, {"as_of_ns": "x"}])
def test_what_is_no_plan_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="no exit plan"):
        plan_from(value)


def test_limits_are_inside_the_collar_and_whole_steps_of_lots() -> None:
    plan = planned(desk({"a": {"BTC": 90_000.0, "ETH": -60_000.0}}, 60_000.0), "slippage_max = 0.004\nsteps = 3")
    for stage in plan.stages:
        for leg in stage.legs:
            mark = PRICES[leg.symbol]
            worse = (mark - leg.limit_price) / mark * (-1 if leg.quantity > 0 else 1)
            assert -1e-12 <= worse <= 0.004 + 1e-12
            lots = abs(leg.quantity) * 10 ** LOTS[leg.symbol]
            assert lots == pytest.approx(round(lots), abs=1e-6)


def test_a_thin_book_takes_longer_and_an_unknown_one_is_said() -> None:
    held = {"a": {"BTC": 90_000.0}}
    deep, thin = (planned(desk(held, 60_000.0, depth=depth), "steps = 1") for depth in (1e6, 4_000.0))
    assert deep.seconds == 0.0 and thin.seconds == 60.0 * 4
    unknown = planned(desk(held, 60_000.0, depth=None), "steps = 1")
    assert unknown.depth_unknown == ("BTC @ a",) and unknown.slippage == (0.0, 0.0)
    inside = judge_exit(10.0, thin.seconds, (), near=0.8)
    assert inside.status is Status.OK
    assert judge_exit(10.0, unknown.seconds, unknown.depth_unknown, near=0.8).status is Status.NEAR
    assert judge_exit(3.0, thin.seconds, (), near=0.8).status is Status.BREACH


def test_nothing_within_the_limit_is_said() -> None:
    plan = planned(desk({"a": {"BTC": 90_000.0}}, 60_000.0), "slippage_max = 0.00005")
    assert any("nothing rests within the limit" in note for stage in plan.stages for note in stage.notes)


def test_a_budget_takes_steps_away_until_it_is_kept() -> None:
    snapshot = desk({"a": {"SOL": 140_000.0}}, 9_000.0)
    slow = Pace(seconds=6 * 3_600.0, swings=Swings(other=1.2))
    easy = planned(snapshot, "steps = 4", slow)
    assert len(easy.stages) == 4 and easy.dangers[0].chance > 0.01
    hurried = planned(snapshot, "steps = 4", replace(slow, budget=easy.dangers[0].chance / 3))
    assert hurried.kept and 1 <= len(hurried.stages) < 4 and "instead of 4" in hurried.notes[-1]
    thin = desk({"a": {"SOL": 140_000.0}}, 9_000.0, depth=3_000.0)
    never = planned(thin, "steps = 4\nslippage_max = 0.002", replace(slow, budget=1e-6))
    assert not never.kept and never.dangers[0].chance > 1e-6


def test_an_order_that_names_nothing_is_told_and_stops_no_exit() -> None:
    plan = planned(desk({"a": {"SOL": 14_000.0}}, 9_000.0), 'order = ["core"]')
    assert len(plan.stages) == 4 and '"core" is no sleeve, tag, venue or asset' in plan.notes[-1]
    with pytest.raises(InputError, match="needs volatilities"):
        Pace(budget=0.1)


def test_a_flat_book_has_an_empty_plan() -> None:
    plan = planned(Snapshot(book=Book(as_of_ns=0, source="test"), market=Market(as_of_ns=0, source="test")))
    assert plan.stages == () and plan.seconds == 0.0 and next_stage(plan, {}) is None
