"""What seeded runs found wrong in the tick, each at its smallest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perpbook.ledger.apply import fold
from perpbook.model.account import Account, Balance, MarginMode, Position
from perpbook.model.book import Transfer
from tests.runs import laws
from tests.runs.instants import compare
from tests.runs.small import START, journey_of


def account(
    venue: str, *positions: tuple[str, float, float], mode: MarginMode = MarginMode.CROSS, **coins: float
) -> Account:
    held = tuple(Position(symbol=symbol, quantity=size, entry_price=entry) for symbol, size, entry in positions)
    money = tuple(Balance(asset=asset, amount=amount) for asset, amount in coins.items())
    return Account(id=venue, venue=venue, mode=mode, positions=held, collateral=money)


def test_funding_paid_in_a_coin_is_worth_something_at_the_next_close() -> None:
    journey = journey_of(
        [account("bitmex", ("XBTUSD", 60_000.0, 60_000.0), BTC=1.0)],
        {("bitmex", "XBTUSD"): [60_000.0] * 4},
        rates=[0.001, 0.001],
    )
    outcome = laws.travel(journey).outcome
    assert outcome.curve[0] == pytest.approx([60_000.0, 59_940.0, 59_880.0, 59_880.0], rel=1e-12)


def test_a_dollar_contract_of_a_coin_venue_pays_dollars() -> None:
    journey = journey_of(
        [account("deribit", ("BTC_USDC-PERPETUAL", 1.0, 60_000.0), USDC=30_000.0)],
        {("deribit", "BTC_USDC-PERPETUAL"): [60_000.0, 61_000.0, 61_000.0]},
        rates=[0.001],
    )
    run = laws.travel(journey)
    book = fold(journey.book, run.outcome.events(), journey.terms)
    (held,) = book.accounts[0].collateral
    assert held.asset == "USDC" and held.amount == pytest.approx(29_940.0)


def test_coins_alone_over_the_net_cap_are_seen_by_every_screen() -> None:
    journey = journey_of(
        [account("bitmex", ("XBTUSD", 30_000.0, 60_000.0), BTC=1.0)],
        {("bitmex", "XBTUSD"): [60_000.0] * 40},
        playbook="[leverage.book]\nnet = 0.5\n[guardrails]\ncooldown_minutes = 60",
    )
    laws.identical(laws.travel(journey), laws.travel(journey, forced=True), "screens")


def test_what_a_row_held_ends_at_nothing_when_it_was_closed_in_parts() -> None:
    closes = [60_000.0, 59_000.0, *np.linspace(57_500.0, 40_000.0, 30).tolist()]
    journey = journey_of(
        [account("dydx", ("BTC-USD", 20.123456789, 60_000.0), USDC=130_000.0)],
        {("dydx", "BTC-USD"): closes},
        rates=[0.0001] * 31,
    )
    outcome = laws.travel(journey).outcome
    left = outcome.quantities(0)[1]
    assert left.size > 3 and left[-1] == 0.0
    closed = int(outcome.what[:, 0].max())
    assert all(event.tick <= closed for event in outcome.funding_events())


def test_a_halt_is_lifted_at_the_same_bar_by_screens_though_the_new_day_begins_in_a_hole() -> None:
    """Halted at noon; at midnight the market has no bar, and the halt ends with the first bar that has one."""
    key = ("hyperliquid", "BTC")
    journey = journey_of(
        [account("hyperliquid", ("BTC", 1.0, 60_000.0), USDC=60_000.0)],
        {key: [60_000.0, 60_000.0, 50_000.0, *[50_000.0] * 37]},
        playbook='[guardrails]\ndaily_drawdown = 0.1\ndrawdown_action = "halt"',
        holes={key: [10, 11, 12, 13]},
    )
    run = laws.travel(journey)
    laws.identical(run, laws.travel(journey, forced=True), "screens")
    assert run.outcome.what[run.outcome.what[:, 1] == 10, 0].tolist() == [2, 14]


def test_money_on_its_way_to_where_it_counts_for_nothing_stays_on_its_way() -> None:
    journey = journey_of(
        [account("bitmex", ("XBTUSD", 6_000.0, 60_000.0), BTC=1.0)], {("bitmex", "XBTUSD"): [60_000.0] * 3}
    )
    sent = Transfer(asset="USDC", amount=500.0, source="bank", destination="bitmex", arrives_ns=START)
    journey = replace(journey, book=replace(journey.book, transfers=(sent,)))
    run = laws.travel(journey)
    laws.folded_book_is_the_arrays_book(run)
    assert run.outcome.curve[0, -1] == 60_000.0 and run.outcome.equity.tolist() == [60_500.0] * 3


CORE = '[capital]\nsleeves = [{ name = "core", symbols = ["BTCUSDT"] }, { name = "rest", symbols = ["ETH*"] }]'
SEEN_ALIKE = {
    "the fee to close counts as initial margin in a sleeve": (
        account("bybit", ("BTCUSDT", 1.0, 60_000.0), ("ETHUSDT", -30.0, 3_000.0), USDT=90_000.0), CORE,
    ),
    "an inverse contract's profit stays a coin when it is cut": (
        account("bitmex", ("XBTUSD", 60_000.0, 50_000.0), BTC=0.1), "[survival]\nmoves = [0.4]",
    ),
    "cutting costs the taker fee": (
        account("binance", ("BTCUSDT", 1.0, 60_000.0), USDT=9_000.0), "[survival]\nmoves = [0.3]",
    ),
    "a broken hedge has one floor": (
        account("binance", ("SOLUSDT", -100.0, 150.0), USDT=90_000.0),
        '[survival]\nmoves = [0.4]\nkinds = ["broken"]\ncorrelation_stress = 0.2',
    ),
    "the least collateral is no rate": (
        account("gmx", ("BTC/USD", 0.01, 60_000.0), USDC=60.0, mode=MarginMode.ISOLATED),
        "[leverage.account]\neffective = 2.0",
    ),
    "an idle account's settlement coin counts": (account("bitmex", BTC=1.0), "[leverage.book]\nnet = 0.5"),
    "dollars a venue does not take count for nothing": (
        account("hyperliquid", ("BTC", 1.0, 60_000.0), USDC=30_000.0, USDT=5_000.0), "[leverage.book]\nnet = 0.5",
    ),
}  # fmt: skip
CLOSES = {
    "bybit": {"BTCUSDT": [60_000.0, 60_500.0], "ETHUSDT": [3_000.0, 3_010.0]},
    "bitmex": {"XBTUSD": [60_000.0, 60_500.0]},
    "binance": {"BTCUSDT": [60_000.0, 60_500.0], "SOLUSDT": [150.0, 151.0]},
    "gmx": {"BTC/USD": [60_000.0, 60_500.0]},
    "hyperliquid": {"BTC": [60_000.0, 60_500.0]},
}


@pytest.mark.parametrize("law", SEEN_ALIKE)
def test_check_and_the_run_see_alike(law: str) -> None:
    held, playbook = SEEN_ALIKE[law]
    closes = {(held.venue, symbol): prices for symbol, prices in CLOSES[held.venue].items()}
    journey = journey_of([held], closes, playbook=playbook, betas={"SOL": 6.0})
    assert compare(laws.travel(journey, until=1), 0) > 4
