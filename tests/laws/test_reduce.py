"""`reduce(target)`: the best way by trying all, and laws of every way."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.errors import InputError
from perpbook.execution.chances import YEAR_SECONDS, Swings, liquidation_chances
from perpbook.execution.reduce import Reduction, Target, Weighing, reduce
from perpbook.margin.arrays import book_arrays
from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import Book
from perpbook.model.market import Depth, Market, Quote, Snapshot
from perpbook.runs.check import load_all_terms
from perpbook.scenario.passage import first_passage

PRICE, LOT = 100.0, 0.01
DAY = 86_400.0
SWINGS = Swings(volatility={"SOL": 0.9, "ETH": 0.7}, correlation=0.6)


def account(number: int, quantity: float, cash: float, tags: tuple[str, ...] = ()) -> Account:
    return Account(
        id=f"a{number}", venue="hyperliquid", collateral=(Balance(asset="USDC", amount=cash),),
        positions=(Position(symbol="SOL", quantity=quantity, entry_price=PRICE, tags=tags),),
    )  # fmt: skip


def desk(
    *accounts: Account, rate: float | None = None, levels: tuple[tuple[float, float], ...] = ((99.9, 0.05), (99.0, 9.0))
) -> Snapshot:
    asks = tuple((2 * PRICE - price, quantity) for price, quantity in levels)
    quote = Quote(
        venue="hyperliquid", symbol="SOL", mark_price=PRICE, funding_rate=rate, depth=Depth(bids=levels, asks=asks)
    )
    quotes = {("hyperliquid", name): replace(quote, symbol=name) for name in ("SOL", "ETH")}
    market = Market(as_of_ns=0, source="test", quotes=MappingProxyType(quotes))
    return Snapshot(book=Book(as_of_ns=0, source="test", accounts=accounts), market=market)


def asked(snapshot: Snapshot, exposure: float, *, weight: float = 1.0, whole: tuple[str, ...] = ()) -> Reduction:
    weighing = Weighing(swings=SWINGS, horizon_seconds=30 * DAY, weight=weight)
    return reduce(snapshot, load_all_terms(snapshot), Target(asset="SOL", exposure=exposure, whole=whole), weighing)


def slow_worth(quantity: float, cash: float, closed: float, rates: tuple[float, float], weight: float) -> float:
    """One long account by hand: walk, fee, liquidation price of a flat maintenance rate, first passage."""
    taker, maintenance = rates
    first = min(closed, 0.05)
    slip = first * 0.1 + (closed - first) * 1.0
    cost = closed * PRICE * taker + slip
    left, equity = quantity - closed, cash - cost
    if left <= 1e-12:
        return cost
    death = (left * PRICE - equity) / (left * (1 - maintenance)) / PRICE
    chance = first_passage(1.0, death, 0.0, 0.9, 30 * DAY / YEAR_SECONDS) if death > 0 else 0.0
    return cost + weight * chance * equity


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_best_of_all_ways(seed: int) -> None:
    sizes, cash = [(0.2, 0.16, 0.1), (0.12, 0.2, 0.2)][seed % 2], [(2.5, 6.0, 4.0), (9.0, 2.2, 3.0)][seed // 3]
    snapshot = desk(*(account(n, q, c) for n, (q, c) in enumerate(zip(sizes, cash, strict=True))))
    terms = load_all_terms(snapshot)["hyperliquid"]
    rates = (terms.fees[0].taker_fee_rate, terms.contracts["SOL"].tiers.tiers[0].maintenance_margin_fraction)
    wanted, weight = 10 + 3 * seed, (0.0, 1.0, 5.0)[seed % 3]
    found = asked(snapshot, sum(sizes) - wanted * LOT, weight=weight)
    best = math.inf
    for lots in itertools.product(*(range(round(size / LOT) + 1) for size in sizes)):
        if sum(lots) == wanted:
            parts = zip(sizes, cash, lots, strict=True)
            best = min(best, sum(slow_worth(q, c, n * LOT, rates, weight) for q, c, n in parts))
    closed = {cut.account: -cut.quantity for cut in found.cuts}
    worth = sum(
        slow_worth(q, c, closed.get(f"a{n}", 0.0), rates, weight)
        for n, (q, c) in enumerate(zip(sizes, cash, strict=True))
    )
    assert found.exact and found.left == pytest.approx(0.0, abs=1e-9)
    assert worth == pytest.approx(best, rel=1e-9, abs=1e-9)


@given(
    sizes=st.lists(st.floats(-3, 3).filter(lambda one: abs(one) > 0.02), min_size=1, max_size=3),
    exposure=st.floats(-8, 8),
)
@settings(max_examples=25)
def test_nothing_is_opened_or_turned_and_the_target_is_never_passed(sizes: list[float], exposure: float) -> None:
    sizes = [round(one, 2) for one in sizes]
    found = asked(desk(*(account(n, q, 400.0) for n, q in enumerate(sizes))), exposure, weight=0.0)
    for cut in found.cuts:
        assert cut.quantity * cut.held < 0 and abs(cut.quantity) <= abs(cut.held) + 1e-12
        assert math.isclose(abs(cut.quantity) / LOT, round(abs(cut.quantity) / LOT), abs_tol=1e-6)
    assert abs(found.after - exposure) <= abs(found.before - exposure) + 1e-9
    assert (found.after - exposure) * (found.before - exposure) >= -1e-9
    side = [q for q in sizes if q * (found.before - exposure) > 0]
    could = min(abs(sum(side)), abs(found.before - exposure))
    assert abs(found.before - found.after) > could - LOT - 1e-9
    assert bool(found.why) == (abs(found.left) > 1e-9 * max(map(abs, side), default=1.0))


def test_the_account_that_may_die_is_made_smaller_first_although_it_costs_the_same() -> None:
    snapshot = desk(account(0, 1.0, 90.0), account(1, 1.0, 12.0))
    assert [cut.account for cut in asked(snapshot, 1.2).cuts] == ["a1"]


def test_what_pays_funding_goes_before_what_receives_it() -> None:
    snapshot = desk(account(0, 1.0, 300.0), account(1, 1.0, 300.0))
    weighing = Weighing(swings=SWINGS, horizon_seconds=30 * DAY, carry={("a0", "SOL"): 0.4, ("a1", "SOL"): -0.4})
    terms = load_all_terms(snapshot)
    for sign, name in ((1.0, "a0"), (-1.0, "a1")):
        turned = replace(weighing, carry={key: sign * rate for key, rate in weighing.carry.items()})
        (cut,) = reduce(snapshot, terms, Target(asset="SOL", exposure=1.5), turned).cuts
        assert cut.account == name and cut.carry is not None and cut.carry > 0


def test_a_hedge_that_stays_whole_is_left_alone_and_it_is_said() -> None:
    snapshot = desk(account(0, 1.0, 300.0, ("pair",)), account(1, 0.5, 300.0))
    found = asked(snapshot, 0.2, whole=("pair",))
    assert [cut.account for cut in found.cuts] == ["a1"]
    assert found.left == pytest.approx(0.8) and "stay whole" in found.why


def test_a_target_on_the_other_side_closes_what_there_is_and_says_so() -> None:
    found = asked(desk(account(0, 1.0, 300.0)), -2.0)
    assert found.after == 0.0 and "opening a position" in found.why


def test_what_is_not_known_is_refused() -> None:
    snapshot = desk(account(0, 1.0, 300.0))
    with pytest.raises(InputError, match="no account holds BTC"):
        reduce(
            snapshot,
            load_all_terms(snapshot),
            Target(asset="BTC", exposure=0.0),
            Weighing(swings=SWINGS, horizon_seconds=1.0),
        )
    with pytest.raises(InputError, match="volatility of SOL is not known"):
        reduce(
            snapshot,
            load_all_terms(snapshot),
            Target(asset="SOL", exposure=0.0),
            Weighing(swings=Swings(), horizon_seconds=1.0),
        )
    with pytest.raises(InputError, match="target is nan"):
        asked(snapshot, math.nan)


def test_a_coin_settled_leg_is_cut_in_its_own_contracts_and_the_target_is_met() -> None:
    from perpbook.examples.catalogue import book_file
    from perpbook.snapshot import load_snapshot

    found_in = load_snapshot(book_file("desk"))
    weighing = Weighing(swings=Swings(other=0.8), horizon_seconds=DAY, weight=0.0)
    found = reduce(found_in, load_all_terms(found_in), Target(asset="BTC", exposure=7.3), weighing)
    (inverse,) = [cut for cut in found.cuts if cut.venue == "deribit"]
    assert (
        inverse.quantity > 0 and inverse.quantity % 10 == 0 and inverse.base == pytest.approx(inverse.quantity / 90_010)
    )
    assert found.after <= 7.3 and found.left == pytest.approx(0.0, abs=1.2e-3)


def chances(*accounts: Account, seconds: float = 30 * DAY, swings: Swings = SWINGS) -> dict[str, float]:
    snapshot = desk(*accounts)
    return liquidation_chances(book_arrays(snapshot.book, snapshot.market, load_all_terms(snapshot)), swings, seconds)


@given(cash=st.floats(20, 300), more=st.floats(0, 300), days=st.floats(0.01, 90))
@settings(max_examples=25)
def test_more_margin_or_less_time_is_never_more_likely_to_die(cash: float, more: float, days: float) -> None:
    found = chances(account(0, 1.0, cash), account(1, 1.0, cash + more), seconds=days * DAY)
    shorter = chances(account(0, 1.0, cash), seconds=days * DAY / 2)
    assert found["a1"] <= found["a0"] + 1e-12 and shorter["a0"] <= found["a0"] + 1e-12


def test_an_account_past_its_margin_is_dead_and_one_without_positions_is_not() -> None:
    empty = Account(id="b", venue="hyperliquid", collateral=(Balance(asset="USDC", amount=1.0),))
    assert chances(account(0, 1.0, 0.5), empty) == {"a0": 1.0, "b": 0.0}


def test_several_assets_that_move_as_one_die_as_one() -> None:
    """Two assets of one volatility and full correlation are the one asset, but for drift and the logarithm."""
    alike = Swings(volatility={"SOL": 0.3, "ETH": 0.3}, correlation=1.0)
    apart = Swings(volatility={"SOL": 0.3, "ETH": 0.3}, correlation=0.0)
    one = chances(account(0, 2.0, 60.0), seconds=20 * DAY, swings=alike)["a0"]
    both = chances(with_eth(account(0, 1.0, 60.0)), seconds=20 * DAY, swings=alike)["a0"]
    assert 0.0 < both < 2 * one < 4 * both
    assert chances(with_eth(account(0, 1.0, 60.0)), seconds=20 * DAY, swings=apart)["a0"] < both


def with_eth(one: Account) -> Account:
    return replace(one, positions=(*one.positions, Position(symbol="ETH", quantity=1.0, entry_price=PRICE)))


@pytest.mark.parametrize("quantities", [(1.0, 1.0), (2.0, -1.0), (1.5, -1.5)])
def test_a_chance_over_several_assets_is_near_what_paths_say(quantities: tuple[float, float]) -> None:
    """Lognormal paths of both prices, watched 400 times; a flat maintenance rate."""
    cash, seconds, paths, steps = 45.0, 60 * DAY, 8_000, 400
    one = account(0, quantities[0], cash)
    both = replace(one, positions=(*one.positions, Position(symbol="ETH", quantity=quantities[1], entry_price=PRICE)))
    said = chances(both, seconds=seconds)["a0"]
    tiers = load_all_terms(desk(both))["hyperliquid"].contracts
    rates = np.array([tiers[name].tiers.tiers[0].maintenance_margin_fraction for name in ("SOL", "ETH")])
    sigma, size = np.array([0.9, 0.7]), np.array(quantities)
    root = np.linalg.cholesky(np.array([[1, 0.6], [0.6, 1]]))
    step = seconds / YEAR_SECONDS / steps
    draws = np.random.default_rng(3).standard_normal((paths, steps, 2)) @ root.T
    prices = PRICE * np.exp(np.cumsum(sigma * math.sqrt(step) * draws - sigma**2 * step / 2, axis=1))
    surplus = cash + (prices - PRICE) @ size - prices @ (rates * abs(size))
    died = float((surplus < 0).any(axis=1).mean())
    assert died > 0.02 and said == pytest.approx(died, rel=0.2)
