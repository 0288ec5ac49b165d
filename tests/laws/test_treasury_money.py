"""Money is where the book says, once, and a plan's moves are booked once: nothing is made or lost but the fees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.errors import InvariantError, Refused
from perpbook.model.account import Balance, MarginMode
from perpbook.model.book import LayerBalance, Transfer, Unread
from perpbook.runs.check import load_all_terms
from perpbook.snapshot import load_snapshot
from perpbook.treasury.facts_load import packaged_facts
from perpbook.treasury.holdings import Holding, Holdings
from perpbook.treasury.pots import price_of
from perpbook.treasury.standing import standing_of
from perpbook.treasury.standing_money import booked, holdings_of, place_of, total_virtual
from perpbook.treasury.task import Lane, Need, Plan, Spare, Task
from tests.laws.strategies import Situation, situations

DESK = load_snapshot(Path(__file__).parents[2] / "src/perpbook/examples/desk/book.toml")
FACTS = packaged_facts()


def held_of(found: Situation) -> Holdings:
    return holdings_of(found.snapshot.book, found.snapshot.market, found.terms, FACTS)


@given(situations())
@settings(max_examples=25)
def test_every_dollar_of_the_book_stands_in_one_place(found: Situation) -> None:
    book, prices = found.snapshot.book, found.snapshot.market.asset_prices
    coins = [one for account in book.accounts for one in account.collateral]
    coins += [one.balance for one in book.layers]
    known = [(one.amount, price_of(one.asset, prices)) for one in coins]
    known += [(one.amount, price_of(one.asset, prices)) for one in book.transfers]
    there = sum(amount * price for amount, price in known if price is not None)
    assert total_virtual(held_of(found)) == pytest.approx(there, rel=1e-9, abs=1e-6)


@given(situations())
@settings(max_examples=25)
def test_what_can_leave_an_account_is_no_more_than_what_stands_above_its_margin(found: Situation) -> None:
    held, free = held_of(found), standing_of(found.snapshot, found.terms).free
    for account in found.snapshot.book.accounts:
        mine = [one for one in held.holdings.values() if one.place == account.id]
        dollars = sum(one.free for one in mine if one.asset in ("USDC", "USDT"))
        assert dollars <= max(free[account.id], 0.0) * (1.0 + 1e-9) + 1e-6
        assert all(min(one.free, one.posted, one.owed) >= 0.0 for one in mine)
        if account.mode is MarginMode.ISOLATED:
            assert all(one.free == 0.0 for one in mine)


def task_of(sent: float, rate: float, fixed: float, asset: str = "USDC") -> tuple[Task, Plan]:
    lane = Lane(
        number=0, spare=0, need=0, words="a way", fixed=fixed, rate=rate, least=0.0, most=1e6, seconds=60.0, typical=30.0,
        pipes=("hyperliquid-bridge-in",),
    )  # fmt: skip
    task = Task(
        needs=(Need(place="hl-main", dollars=1e4, seconds=60.0, why="", assets=(asset,)),),
        spares=(Spare(place="arbitrum", asset="USDC", dollars=6e4),), lanes=(lane,),
    )  # fmt: skip
    nothing = np.zeros(1)
    plan = Plan(
        sent=np.array([sent]), reduced=np.zeros(0), short=nothing, short_after={}, cost=0.0, waiting_cost=0.0,
        slowest_seconds=60.0, method="exact",
    )  # fmt: skip
    return task, plan


def desk() -> Holdings:
    return holdings_of(DESK.book, DESK.market, load_all_terms(DESK), FACTS)


@given(st.floats(10.0, 6e4), st.floats(0.0, 0.01), st.floats(0.0, 5.0), st.sampled_from(["USDC", "USDT"]))
def test_booking_a_plan_loses_its_fees_and_nothing_else(sent: float, rate: float, fixed: float, asset: str) -> None:
    before, (task, plan) = DESK_HELD, task_of(sent, rate, fixed, asset)
    after = booked(before, task, plan, departs_ns=1)
    assert total_virtual(before) - total_virtual(after) == pytest.approx(sent * rate + fixed, abs=1e-6)
    source = after.holdings["arbitrum", "USDC"]
    assert (source.leaving, source.free) == (sent, before.holdings["arbitrum", "USDC"].free)
    assert after.flights[-1].destination == "hl-main" and after.flights[-1].asset == asset


DESK_HELD = desk()


def test_what_a_coin_counts_for_in_a_need_is_no_loss_of_money() -> None:
    task, plan = task_of(10_000.0, 0.001, 2.0)
    half = replace(task, lanes=(replace(task.lanes[0], worth=0.5),))
    after = booked(DESK_HELD, half, plan, departs_ns=1)
    assert after.flights[-1].dollars == pytest.approx(10_000.0 * 0.999 - 2.0)
    assert total_virtual(DESK_HELD) - total_virtual(after) == pytest.approx(12.0)


def test_a_plan_is_booked_once_and_a_second_one_finds_the_money_gone() -> None:
    task, plan = task_of(40_000.0, 0.0, 1.0)
    after = booked(DESK_HELD, task, plan, departs_ns=1)
    with pytest.raises(Refused, match="booked already"):
        booked(after, task, plan, departs_ns=1)
    with pytest.raises(InvariantError, match=r"20,000\.00 can leave"):
        booked(after, task, plan, departs_ns=2)


@pytest.mark.parametrize(
    "change",
    [
        {"unread": (Unread(what="starknet", why="its RPC is silent"),)},
        {"transfers": (Transfer(asset="USDC", amount=1.0, source="arbitrum", destination="arbitrun"),)},
        {"transfers": (Transfer(asset="XYZ", amount=1.0, source="arbitrum", destination="hl-main"),)},
        {
            "transfers": (
                Transfer(asset="USDC", amount=1.0, source="arbitrum", destination="hl-main", routes=("bridge",)),
            )
        },
    ],
)
def test_while_anything_is_unread_nothing_new_may_start(change: dict[str, object]) -> None:
    found = holdings_of(replace(DESK.book, **change), DESK.market, load_all_terms(DESK), FACTS)  # type: ignore[arg-type]
    assert not found.may_start
    task, plan = task_of(10.0, 0.0, 0.0)
    with pytest.raises(Refused, match="unread"):
        booked(found, task, plan, departs_ns=1)


def test_what_is_locked_or_gas_or_stuck_is_not_free() -> None:
    layers = (
        LayerBalance(layer="arbitrum", balance=Balance(asset="USDC", amount=100.0), locked=40.0),
        LayerBalance(layer="ethereum", balance=Balance(asset="ETH", amount=2.0)),
        LayerBalance(layer="base", balance=Balance(asset="ETH", amount=2.0), gas=False),
    )
    stuck = Transfer(asset="USDC", amount=7.0, source="arbitrum", destination="base", stuck=True)
    book = replace(DESK.book, layers=layers, transfers=(stuck,))
    held = holdings_of(book, DESK.market, load_all_terms(DESK), FACTS).holdings
    assert (held["arbitrum", "USDC"].free, held["arbitrum", "USDC"].locked) == (60.0, 40.0)
    assert (held["ethereum", "ETH"].gas, held["ethereum", "ETH"].free) == (6_000.0, 0.0)
    assert (held["base", "ETH"].gas, held["base", "ETH"].free) == (0.0, 6_000.0)
    assert held["base", "USDC"] == Holding(place="base", asset="USDC", locked=7.0)


def test_names_of_places() -> None:
    names = ("hl-main", "arbitrum", "Arbitrum One", "binance", "wallet:binance-coinm", "nowhere")
    found = [place_of(name, DESK.book, FACTS) for name in names]
    assert found[0] == "hl-main" and found[1] == "arbitrum" and found[3:] == ["wallet:binance", "wallet:binance", None]
