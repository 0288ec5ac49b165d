"""What money must do: reserves, gas, what losses leave; seen alike by runs, and proposed from no other reserve."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.drill import example
from perpbook.engine.backtest import Journey
from perpbook.engine.drive import Driver, Routes, asked_every, drive, window_of
from perpbook.errors import InputError, PlaybookError
from perpbook.examples.catalogue import book_file
from perpbook.kernels.journal import WANTED
from perpbook.kernels.state import LAYER_GAS, LAYER_RESERVE
from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import LayerBalance, Transfer, Unread
from perpbook.model.event import EventKind
from perpbook.model.market import STABLECOINS
from perpbook.model.verdict import MoneyMove, Status
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.losses import losses_of
from perpbook.playbook.schema import Playbook
from perpbook.report.run_measures import wants_of
from perpbook.runs.check import CheckResult, assess_under, check_snapshot
from perpbook.snapshot import load_snapshot
from perpbook.strategies.orders import Orders
from perpbook.strategies.protocol import View
from perpbook.strategies.table import Leg
from perpbook.terms.load import load_terms
from tests.laws.strategies import Situation, situations
from tests.laws.test_decide import judged
from tests.runs import laws
from tests.runs.futures import paths_are_backtests
from tests.runs.instants import compare
from tests.runs.small import START, journey_of


def rules(text: str) -> Playbook:
    return parse_playbook(f"schema_version = 1\n{text}", "upkeep")


# What losses leave

N_LESS_ONE = rules(
    '[survival]\nmoves = [0.1, 0.3]\nkinds = ["joint", "asset", "broken"]\nbuffer = 0.5\n'
    "[venues]\nsurvive_loss_of_any = true\n[layers]\nsurvive_loss_of_any = true\n"
)


def without(found: Situation, *, venue: str = "", layer: str = "") -> Situation:
    """The book as if what is lost had never been there."""
    book = found.snapshot.book
    accounts = tuple(one for one in book.accounts if one.venue != venue and (not layer or one.layer != layer))
    gone = {one.id for one in book.accounts} - {one.id for one in accounts} | {layer}
    left = replace(
        book,
        accounts=accounts,
        layers=tuple(one for one in book.layers if one.layer != layer),
        transfers=tuple(one for one in book.transfers if one.destination not in gone),
    )
    return Situation(replace(found.snapshot, book=left), found.terms)


def least_left(found: Situation) -> float:
    """What accounts that keep their margin and money outside come to, at the worst of now and every scenario."""
    assessed = assess_under(found.snapshot, N_LESS_ONE, found.terms)
    grid, measures = assessed.grid, assessed.measures
    alive = measures.equity >= measures.maintenance
    totals = [float(measures.equity[alive].sum()) + sum(assessed.outside.exposures.values())]
    for s, scenario in enumerate(assessed.scenarios):
        keeps = alive & (1.5 * grid.maintenance[:, s] <= grid.equity[:, s] * (1.0 + 1e-9))
        coins = sum(
            value * (1.0 if asset in STABLECOINS else 1.0 + scenario.moves.get(asset, 0.0))
            for asset, value in assessed.outside.exposures.items()
        )
        totals.append(float(grid.equity[keeps, s].sum()) + coins)
    return min(totals)


@given(situations())
@settings(max_examples=25)
def test_a_loss_leaves_what_the_book_without_it_would_keep(found: Situation) -> None:
    decision = judged(found, N_LESS_ONE)[1]
    size = float(np.abs(decision.state.accounts.equity).sum()) + 1.0
    for names, key, left in (
        (decision.names.venues, "venue", decision.state.venue_left),
        (decision.names.layers, "layer", decision.state.layer_left),
    ):
        for name, dollars in zip(names, left, strict=True):
            lost: dict[str, Any] = {key: name}
            assert dollars == pytest.approx(least_left(without(found, **lost)), rel=1e-9, abs=1e-9 * size)


@given(situations())
@settings(max_examples=8)
def test_nothing_is_reckoned_that_nobody_asks_for(found: Situation) -> None:
    assessed, decision = judged(found, rules(""))
    left = losses_of(assessed, rules(""), decision.names, decision.policy)
    assert np.isnan(left["venue_left"]).all() and np.isnan(left["layer_left"]).all()
    assert decision.findings == () or decision.findings[0].rule == "account.margin"


# What stands on layers


def desk(text: str, **changes: Any) -> CheckResult:
    snapshot = load_snapshot(book_file("desk"))
    changed = replace(snapshot, book=replace(snapshot.book, **changes))
    terms = {one.venue: load_terms(one.venue) for one in changed.book.accounts}
    return check_snapshot(changed, rules(text), terms)


def found_of(result: CheckResult, rule: str) -> dict[str, float]:
    return {one.subject: one.measured for one in result.verdict.findings if one.rule == rule}


def on(layer: str, asset: str, amount: float, **more: Any) -> LayerBalance:
    return LayerBalance(layer=layer, balance=Balance(asset=asset, amount=amount), **more)


def sent(amount: float, destination: str, asset: str = "USDC", **more: Any) -> Transfer:
    return Transfer(asset=asset, amount=amount, source="ethereum", destination=destination, **more)


def test_what_comes_counts_and_what_cannot_leave_does_not() -> None:
    layers = (
        on("arbitrum", "USDC", 900.0, locked=200.0),
        on("arbitrum", "USDT", 50.0, gas=True),
        on("arbitrum", "ETH", 0.03),
    )
    flights = (
        sent(40.0, "arbitrum"), sent(1e6, "arbitrum", stuck=True), sent(7.0, "hl-main"), sent(0.02, "arbitrum", "ETH"),
    )  # fmt: skip
    result = desk(
        "[layers]\nreserves = { arbitrum = 740, base = 1 }\ngas = { arbitrum = 0.05 }", layers=layers, transfers=flights
    )
    assert found_of(result, "layers.reserves") == {"arbitrum": pytest.approx(740.0), "base": 0.0}
    assert found_of(result, "layers.gas") == {"arbitrum": pytest.approx(0.05)}
    states = {one.subject: one.status for one in result.verdict.findings if one.rule.startswith("layers.")}
    assert states["base"] is Status.BREACH and states["arbitrum"] is Status.NEAR


def test_a_stablecoin_counts_wherever_it_stands() -> None:
    result = desk("[layers]\nstablecoin_max_share = 1.0\nbridge_max_share = 1.0")
    equity = result.assessment.book.equity
    positions = {(one.account, one.symbol): one.unrealized_pnl for one in result.assessment.positions}
    profit = sum(value for (account, _), value in positions.items() if account.startswith(("hl", "dydx")))
    held = 180_000.0 + 9_000.0 + 70_000.0 + 60_000.0 + 20_000.0 + profit
    assert found_of(result, "layers.stablecoin_max_share")["USDC"] == pytest.approx(held / equity)
    (under_way,) = found_of(result, "layers.bridge_max_share").values()
    assert under_way == pytest.approx(20_000.0 / equity)


def test_a_transfer_without_a_route_may_go_over_any_bridge() -> None:
    flights = (
        sent(100.0, "arbitrum", routes=("cctp-standard-l2",)),
        sent(10.0, "base"),
        sent(5.0, "base", routes=("across",)),
    )
    result = desk("[layers]\nbridge_max_share = 1.0", transfers=flights)
    dollars = {
        name: share * result.assessment.book.equity
        for name, share in found_of(result, "layers.bridge_max_share").items()
    }
    assert sorted(dollars.values()) == pytest.approx([15.0, 110.0])


# Proposed transfers


@given(st.floats(1_000.0, 200_000.0), st.floats(0.0, 100_000.0), st.sampled_from(["never", "propose"]))
@settings(max_examples=6)
def test_what_is_proposed_is_there_and_no_reserve_is_taken_from(base: float, arbitrum: float, top_up: str) -> None:
    text = f'[survival]\n[margin]\ntop_up = "{top_up}"\n[layers]\nreserves = {{ base = {base}, arbitrum = {max(arbitrum, 1.0)} }}'
    result = desk(text)
    moves, equity = result.verdict.moves, {one.id: one.summary.equity for one in result.assessment.accounts}
    short = {one.subject: one.limit - one.measured for one in result.verdict.findings if one.rule == "layers.reserves"}
    for place, missing in short.items():
        mine = [one for one in moves if (one.rule, one.place) == ("layers.reserves", place)]
        told = sum(one.dollars - one.fee for one in mine)
        assert told == pytest.approx(max(missing, 0.0), abs=0.02)
    assert sum(one.dollars for one in moves if one.source == "Arbitrum One") <= max(60_000.0 - arbitrum, 0.0) + 0.01
    for name, dollars in equity.items():
        assert sum(one.dollars for one in moves if one.source == name) <= max(dollars, 0.0)
    assert (
        any(one.rule == "margin.top_up" for one in moves) == (top_up == "propose") == bool(result.verdict.money_wanted)
    )


def test_nothing_is_proposed_while_something_cannot_be_read() -> None:
    result = desk("[layers]\nreserves = { base = 500 }", unread=(Unread(what="binance-1", why="the venue is away"),))
    (move,) = result.verdict.moves
    assert not move.source and "the venue is away" in move.why


def test_gas_that_the_book_has_nowhere_is_to_be_bought() -> None:
    result = desk('[layers]\ngas = { starknet = 3 }\ngas_coins = { starknet = "ETH" }', layers=(), transfers=())
    (move,) = result.verdict.moves
    assert isinstance(move, MoneyMove) and move.asset == "ETH" and "buy it" in move.why
    assert move.dollars == pytest.approx(9_000.0)


def test_names_that_nobody_knows_and_coins_that_nobody_knows_are_refused() -> None:
    with pytest.raises(InputError) as error:
        desk("[layers]\nreserves = { arbitrun = 5 }\ngas = { hyperliquid-l1 = 1, binance = 2 }")
    assert [one.key for one in error.value.problems] == [
        "layers.reserves.arbitrun", "layers.gas.hyperliquid-l1", "layers.gas.binance",
    ]  # fmt: skip
    with pytest.raises(PlaybookError) as refused:
        rules('[margin]\ntop_up = "auto"')
    assert "guard" in refused.value.problems[0].message


# Runs


def drained(text: str) -> Journey:
    """One account and a layer with 1,000 dollars and some gas, ten hours."""
    account = Account(
        id="main", venue="hyperliquid", layer="hyperliquid-l1",
        positions=(Position(symbol="BTC", quantity=0.1, entry_price=60_000.0),), collateral=(Balance(asset="USDC", amount=9e3),),
    )  # fmt: skip
    journey = journey_of([account], {("hyperliquid", "BTC"): [60_000.0 + 10.0 * n for n in range(10)]}, playbook=text)
    layers = (on("arbitrum", "USDC", 1_000.0), on("arbitrum", "ETH", 0.5))
    legs = (Leg(account="main", venue="hyperliquid", symbol="BTC"),)
    return replace(journey, book=replace(journey.book, layers=layers), legs=legs)


def to_and_fro(view: View, orders: Orders) -> None:
    """Take 600 dollars off the layer at noon plus 3 hours, and send 700 there at plus 5."""
    hour = round((view.now_ns - START) / 3.6e12)
    if hour == 3:
        orders.transfer(600.0, "arbitrum", "main")
    if hour == 5:
        orders.transfer(700.0, "main", "arbitrum")


@pytest.mark.parametrize("reserve", [300.0, 800.0, 1_000.0, 5_000.0])
def test_a_layer_that_comes_short_is_told_once_whether_every_bar_is_ticked_or_not(reserve: float) -> None:
    outcomes = []
    for forced in (False, True):
        journey = drained(f"[layers]\nreserves = {{ arbitrum = {reserve} }}\ngas = {{ arbitrum = 0.4 }}")
        driver = Driver(
            strategy=to_and_fro,
            asked=asked_every(10, 1),
            window=window_of(journey, journey.legs, 3),
            routes=Routes(bars=2),
        )
        outcomes.append(drive(journey, driver, forced=forced))
    one, other = outcomes
    assert np.array_equal(one.what, other.what) and np.array_equal(one.figures, other.figures)
    told = [(want.bar, want.had) for want in wants_of(one)]
    expected = {300.0: [], 800.0: [(3, 400.0)], 1_000.0: [(3, 400.0)], 5_000.0: [(0, 1_000.0)]}
    assert told == expected[reserve]
    events = [event for event in one.events() if event.kind is EventKind.WANTED]
    assert [(event.account, event.reason) for event in events] == [("arbitrum", "layers.reserves")] * len(told)


def test_a_run_sees_layers_as_check_does() -> None:
    journey = drained("[layers]\nreserves = { arbitrum = 2000, base = 1 }")
    layers = (on("arbitrum", "USDC", 1_000.0, locked=150.0), on("arbitrum", "USDT", 40.0, gas=True))
    flights = (sent(300.0, "arbitrum"), sent(900.0, "arbitrum", stuck=True))
    run = laws.travel(replace(journey, book=replace(journey.book, layers=layers, transfers=flights)), until=4)
    assert compare(run, 3) > 4
    assert [want.had for want in wants_of(run.outcome)] == [1_150.0, 0.0]


def test_gas_that_is_short_is_told_and_screens_change_nothing() -> None:
    journey = drained("[layers]\nreserves = { arbitrum = 2000 }\ngas = { arbitrum = 0.6, base = 1 }")
    journey = replace(journey, book=replace(journey.book, transfers=(sent(0.05, "arbitrum", "ETH"),)))
    run = laws.travel(journey)
    laws.identical(run, laws.travel(journey, forced=True), "screens")
    told = run.outcome.what[:, 1] == WANTED
    assert run.outcome.what[told, 4].tolist() == [LAYER_RESERVE, LAYER_GAS, LAYER_GAS]
    assert run.outcome.figures[told, 4].tolist() == [1_000.0, 0.55, 0.0]


def test_an_imagined_future_of_a_short_layer_is_the_backtest_of_it() -> None:
    drill = example(3, steps=12)
    text = "[layers]\nreserves = { arbitrum = 1e9, base = 5 }\n[leverage.book]\ngross = 0.5"
    paths_are_backtests(replace(drill, journey=replace(drill.journey, playbook=rules(text), due=None)), range(2))
