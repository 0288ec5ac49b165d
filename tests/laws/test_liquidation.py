"""Liquidation: the price at which an account dies is where it dies, and nowhere sooner."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perpbook.kernels.liquidation import FARTHEST, LEAST, deaths_on_ray, joint_moves
from perpbook.kernels.margin import account_margins
from perpbook.kernels.types import Lines
from perpbook.margin.arrays import BookArrays, book_arrays
from perpbook.margin.assess import assess
from perpbook.margin.measures import Measures, measure, stress
from perpbook.model.account import Account, Balance, MarginMode, Position
from perpbook.model.market import Quote
from tests.laws import reference
from tests.laws.lines import random_lines
from tests.laws.strategies import (
    Situation,
    between,
    magnitudes,
    one_tier,
    real_terms,
    scenarios_for,
    single_positions,
    situation,
    situations,
    venue_of,
)

ROUNDING = 1e-9
"""Of the sum of everything that is added up: what is left of a surplus at the price where there should be none."""


def rounding(factor: float) -> float:
    """A price a millionth of the mark or less is known to fewer digits: what is solved for is the move, near -1."""
    return ROUNDING * max(1.0, 1e-6 / factor)


def read(found: Situation) -> tuple[BookArrays, Measures]:
    arrays = book_arrays(found.snapshot.book, found.snapshot.market, found.terms)
    return arrays, measure(arrays)


def at_factors(found: Situation, arrays: BookArrays, number: int, factors: Mapping[int, float]) -> reference.Standing:
    """The slow reckoning of one account with some columns' prices multiplied."""
    now = reference.prices_now(found.snapshot, found.terms)
    moved = dict(now)
    for column, factor in factors.items():
        name = arrays.columns[column]
        key = name.venue, name.symbol or f"coin:{name.asset}"
        moved[key] = now[key] * Fraction(float(factor))
    account = found.accounts[number]
    return reference.standing(account, found.terms[account.venue], found.snapshot.market, now, moved)


def with_cash(arrays: BookArrays, dollars: float) -> BookArrays:
    """The same book with more money in every account, in a coin that no price moves."""
    return replace(arrays, held=arrays.held._replace(cash=arrays.held.cash + dollars))


@given(situations())
def test_at_its_liquidation_price_an_account_has_just_its_maintenance_margin(found: Situation) -> None:
    arrays, at = read(found)
    for row, item in enumerate(arrays.items):
        for end in at.liquidation[row]:
            if math.isnan(end):
                continue
            factor = end / arrays.prices[item.column]
            slow = at_factors(found, arrays, item.account, {item.column: factor})
            assert end > 0 and abs(slow.surplus) <= rounding(factor) * slow.weight, (row, factor)


@given(situations())
def test_at_its_joint_move_too(found: Situation) -> None:
    arrays, at = read(found)
    for number in range(len(found.accounts)):
        for move in at.moves[number]:
            if not math.isnan(move):
                own = {item.column for item in arrays.items if item.account == number}
                factors = {column: max(1.0 + arrays.betas[column] * move, LEAST) for column in own}
                slow = at_factors(found, arrays, number, factors)
                assert min(factors.values()) > 0
                assert abs(slow.surplus) <= rounding(min(factors.values())) * slow.weight


@given(situations(), st.integers(0, 39))
def test_no_price_on_the_way_kills_an_account_sooner(found: Situation, step: int) -> None:
    arrays, at = read(found)
    for row, item in enumerate(arrays.items):
        now = at_factors(found, arrays, item.account, {})
        if now.surplus <= ROUNDING * now.weight:
            continue
        low, high = at.liquidation[row] / arrays.prices[item.column]
        bottom = 1e-6 if math.isnan(low) else low
        top = 1e6 if math.isnan(high) else high
        share = (step + 0.5) / 40
        for factor in (1.0 - (1.0 - bottom) * share, 1.0 * (top / 1.0) ** share):
            slow = at_factors(found, arrays, item.account, {item.column: factor})
            assert slow.surplus >= -ROUNDING * slow.weight, (low, high, factor)


@given(situations(), st.integers(0, 39))
def test_no_joint_move_on_the_way_kills_it_sooner(found: Situation, step: int) -> None:
    arrays, at = read(found)
    for number in range(len(found.accounts)):
        now = at_factors(found, arrays, number, {})
        if now.surplus <= ROUNDING * now.weight:
            continue
        down, up = at.moves[number]
        betas = [arrays.betas[item.column] for item in arrays.items if item.account == number]
        positive = [(1 - 1e-6) / beta for beta in betas if beta > 0], [(1e-6 - 1) / beta for beta in betas if beta < 0]
        down = -min([*positive[0], 1e6]) if math.isnan(down) else down
        up = min([*positive[1], 1e6]) if math.isnan(up) else up
        share = (step + 0.5) / 40
        for move in (1.0 - (1.0 - down) ** share, (1.0 + up) ** share - 1.0):
            factors = {column: max(1.0 + beta * move, LEAST) for column, beta in enumerate(arrays.betas)}
            slow = at_factors(found, arrays, number, factors)
            assert slow.surplus >= -ROUNDING * slow.weight, (down, up, move)


@given(situations(), magnitudes(1e-3, 1e7))
def test_more_equity_never_brings_liquidation_closer(found: Situation, dollars: float) -> None:
    arrays, at = read(found)
    richer = measure(with_cash(arrays, dollars))
    alive = at.equity >= at.maintenance
    assert (richer.equity >= richer.maintenance)[alive].all()
    rows = np.repeat(alive, np.diff(arrays.held.start))
    moved = at.liquidation / arrays.held.price[:, None], richer.liquidation / arrays.held.price[:, None]
    for before, after in ((at.moves[alive], richer.moves[alive]), (moved[0][rows] - 1.0, moved[1][rows] - 1.0)):
        low, high = np.nan_to_num(before[:, 0], nan=-np.inf), np.nan_to_num(before[:, 1], nan=np.inf)
        assert (np.nan_to_num(after[:, 0], nan=-np.inf) <= low + ROUNDING).all()
        assert (np.nan_to_num(after[:, 1], nan=np.inf) * (1 + ROUNDING) >= high - ROUNDING).all()


@given(single_positions(linear_only=True, sign=1.0))
def test_a_long_dies_below_the_mark_if_and_only_if_it_is_above_maintenance(found: Situation) -> None:
    _, at = read(found)
    surplus = at.equity[0] - at.maintenance[0]
    assume(abs(surplus) > 1e-9 * (abs(at.equity[0]) + at.notional[0]))
    view = assess(found.snapshot, found.terms).assessment.positions[0]
    if view.liquidation_price is None:
        assert surplus > 0
    else:
        assert (view.liquidation_price < view.mark_price) == (surplus > 0)
        assert view.liquidation_distance is not None and (view.liquidation_distance > 0) == (surplus > 0)


@given(single_positions(linear_only=True, sign=-1.0))
def test_a_short_dies_above_it_in_the_same_way(found: Situation) -> None:
    _, at = read(found)
    surplus = at.equity[0] - at.maintenance[0]
    assume(abs(surplus) > 1e-9 * (abs(at.equity[0]) + at.notional[0]))
    view = assess(found.snapshot, found.terms).assessment.positions[0]
    if view.liquidation_price is not None:
        assert (view.liquidation_price > view.mark_price) == (surplus > 0)


@given(situations(venues=("deribit", "deribit", "ours", "binance")))
def test_of_two_ends_a_position_is_shown_the_one_that_hurts_it(found: Situation) -> None:
    arrays, at = read(found)
    views = assess(found.snapshot, found.terms).assessment.positions
    for row, view in zip(arrays.positions(), views, strict=True):
        shown = [float(end) / arrays.items[row].ratio for end in at.liquidation[row] if not math.isnan(end)]
        if len(shown) == 2:
            assert view.liquidation_price == (min(shown) if view.quantity > 0 else max(shown))
        else:
            assert view.liquidation_price == (shown[0] if shown else None)


@given(single_positions())
def test_an_account_is_liquidatable_exactly_when_it_is_past_its_end(found: Situation) -> None:
    arrays, _ = read(found)
    slow = at_factors(found, arrays, 0, {})
    assume(abs(slow.surplus) > ROUNDING * slow.weight)
    account = assess(found.snapshot, found.terms).assessment.accounts[0]
    assert account.is_liquidatable == (slow.surplus < 0)
    assert (account.liquidation_move == 0.0) == account.is_liquidatable


@given(situations())
def test_bankruptcy_lies_beyond_liquidation(found: Situation) -> None:
    arrays, at = read(found)
    for row, item in enumerate(arrays.items):
        now = at_factors(found, arrays, item.account, {})
        price, (low, high) = at.bankruptcy[row], at.liquidation[row]
        if now.surplus <= ROUNDING * now.weight or math.isnan(price):
            continue
        slow = at_factors(found, arrays, item.account, {item.column: price / arrays.prices[item.column]})
        assert abs(slow.equity) <= ROUNDING * slow.weight
        mark = arrays.prices[item.column]
        if price < mark:
            assert math.isnan(low) or price <= low * (1 + 1e-9) + 1e-9 * mark
        else:
            assert math.isnan(high) or price >= high * (1 - 1e-9)


@given(between(1.1, 50.0), magnitudes(1e-4, 0.01), st.sampled_from((1.0, -1.0)), magnitudes(0.01, 1e5))
def test_a_single_position_of_one_tier_has_the_leverage_it_was_given(
    leverage: float, rate: float, sign: float, size: float
) -> None:
    found = pair(rate, leverage, [sign * size], accounts=1)
    account = assess(found.snapshot, found.terms).assessment.accounts[0]
    assert account.gross_leverage == pytest.approx(leverage, rel=1e-9)
    assert account.effective_leverage == pytest.approx(leverage, rel=1e-9)


def pair(rate: float, leverage: float, sizes: list[float], *, accounts: int) -> Situation:
    """Positions at their entry price of 100 dollars, in one account or in one each, at a gross leverage."""
    terms = one_tier(rate)
    positions = [Position(symbol="AAA-PERP", quantity=size, entry_price=100.0) for size in sizes]
    groups = [positions] if accounts == 1 else [[position] for position in positions]
    held = [
        Account(
            id=f"account-{number}",
            venue="ours",
            collateral=(Balance(asset="USDC", amount=sum(abs(one.quantity) for one in group) * 100.0 / leverage),),
            positions=tuple(group),
        )
        for number, group in enumerate(groups)
    ]
    return situation(held, [Quote(venue="ours", symbol="AAA-PERP", mark_price=100.0)], {"ours": venue_of(terms)})


@given(between(1.1, 20.0), magnitudes(1e-9, 1e-3), magnitudes(0.01, 1e5))
def test_a_hedged_pair_in_one_account_comes_to_no_leverage_as_margin_does(
    leverage: float, rate: float, size: float
) -> None:
    found = pair(rate, leverage, [size, -size], accounts=1)
    effective = assess(found.snapshot, found.terms).assessment.accounts[0].effective_leverage
    expected = 1.0 / (1.0 / (rate * leverage) - 1.0 + 1.0 / leverage)
    assert effective == pytest.approx(expected, rel=1e-6)
    assert effective < 2 * rate * leverage


@given(between(1.1, 20.0), magnitudes(1e-9, 1e-3), magnitudes(0.01, 1e5))
def test_the_same_pair_on_two_accounts_keeps_the_leverage_of_each(leverage: float, rate: float, size: float) -> None:
    found = pair(rate, leverage, [size, -size], accounts=2)
    for account in assess(found.snapshot, found.terms).assessment.accounts:
        assert account.effective_leverage == pytest.approx(leverage, rel=1e-9)


@given(situations(), st.data())
def test_deaths_on_the_way_are_deaths_at_the_end(found: Situation, data: st.DataObject) -> None:
    arrays, at = read(found)
    assets = sorted({column.asset for column in arrays.columns})
    scenarios = data.draw(scenarios_for(assets))
    moves = np.array([[one.moves.get(column.asset, 0.0) for one in scenarios] for column in arrays.columns])
    moves = moves.reshape(len(arrays.columns), len(scenarios))
    grid = stress(arrays, at.lines, moves)
    for number in range(len(found.accounts)):
        for s in range(len(scenarios)):
            slow = at_factors(found, arrays, number, dict(enumerate(1.0 + moves[:, s])))
            now = at_factors(found, arrays, number, {})
            if min(abs(slow.surplus), abs(now.surplus)) <= ROUNDING * (slow.weight + now.weight):
                continue
            fraction = grid.fraction[number, s]
            assert math.isnan(fraction) == (slow.surplus > 0 and now.surplus > 0)
            assert (fraction == 0.0) == (now.surplus < 0)
            if fraction > 0:
                there = at_factors(found, arrays, number, dict(enumerate(1.0 + fraction * moves[:, s])))
                assert abs(there.surplus) <= ROUNDING * there.weight


@given(random_lines(), st.lists(between(-0.9, 3.0), min_size=3, max_size=3))
def test_the_first_death_is_where_surplus_first_goes_below_nothing(lines: Lines, moves: list[float]) -> None:
    prices = np.full(3, 100.0)
    direction = prices * np.array(moves)
    accounts = lines.cash.size
    fractions = np.empty(accounts)
    deaths_on_ray(lines, prices, direction, fractions)
    steps = np.linspace(0.0, 1.0, 101)
    surplus = np.empty((accounts, steps.size))
    for k, step in enumerate(steps):
        equity, maintenance = np.empty(accounts), np.empty(accounts)
        account_margins(lines, prices + step * direction, equity, maintenance)
        surplus[:, k] = equity - maintenance
    for a in range(accounts):
        dead = np.flatnonzero(surplus[a] < -1e-6)
        first = steps[dead[0]] if dead.size else math.inf
        alive_until = math.inf if math.isnan(fractions[a]) else fractions[a]
        assert alive_until <= first
        assert alive_until == math.inf or (surplus[a][steps > alive_until + 1e-9] < 1e-6).all() or alive_until == 0.0


@given(random_lines(columns=1), magnitudes(1e-3, 1e6))
def test_wherever_an_account_lives_it_lives_between_its_two_ends(lines: Lines, factor: float) -> None:
    prices, accounts = np.full(1, 100.0), lines.cash.size
    moves, prices_at = np.empty((accounts, 2)), np.array([100.0 * factor])
    joint_moves(lines, prices, np.ones(1), moves)
    equity, maintenance = np.empty(accounts), np.empty(accounts)
    account_margins(lines, prices_at, equity, maintenance)
    surplus, scale = equity - maintenance, ROUNDING * (1e5 + 1e6 * factor)
    low = np.where(np.isnan(moves[:, 0]), -1.0, moves[:, 0])
    high = np.where(np.isnan(moves[:, 1]), np.inf, moves[:, 1])
    bounded = ~np.isnan(moves).all(axis=1)
    inside = (low < factor - 1.0) & (factor - 1.0 < high)
    assert (low <= high).all()
    assert inside[surplus > scale].all()
    assert not (inside & bounded)[surplus < -scale].any()


def test_nothing_beyond_the_farthest_price_is_called_a_liquidation_price() -> None:
    found = pair(1e-15, 1.0, [1.0, -1.0], accounts=1)
    _, at = read(found)
    assert FARTHEST > 1e12 and np.isnan(at.liquidation).all() and np.isnan(at.bankruptcy).all()
    assert at.effective[0] == 0.0


def test_a_fully_paid_long_has_no_liquidation_price() -> None:
    position = Position(symbol="AAA-PERP", quantity=1.0, entry_price=100.0)
    account = Account(
        id="only", venue="ours", mode=MarginMode.CROSS, positions=(position,),
        collateral=(Balance(asset="USDC", amount=100.0),),
    )  # fmt: skip
    quote = Quote(venue="ours", symbol="AAA-PERP", mark_price=100.0)
    found = situation([account], [quote], {"ours": venue_of(one_tier(0.005))})
    view = assess(found.snapshot, found.terms).assessment.positions[0]
    assert view.liquidation_price is None and view.liquidation_distance is None and view.bankruptcy_price is None


def test_a_long_beside_a_larger_short_is_still_shown_the_lower_end() -> None:
    positions = [Position(symbol="BTC-PERPETUAL", quantity=size, entry_price=100.0) for size in (50.0, -200.0)]
    account = Account(
        id="only", venue="deribit", positions=tuple(positions), collateral=(Balance(asset="BTC", amount=1.0),)
    )
    quote = Quote(venue="deribit", symbol="BTC-PERPETUAL", mark_price=100.0)
    found = situation([account], [quote], {"deribit": real_terms()["deribit"]})
    long, short = assess(found.snapshot, found.terms).assessment.positions
    assert long.liquidation_price is not None and short.liquidation_price is not None
    assert long.liquidation_price < 100.0 < short.liquidation_price


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_account_that_is_dead_already_is_infinitely_levered_and_so_is_its_book(order: tuple[int, int]) -> None:
    contracts = [one_tier(0.05), one_tier(0.1, symbol="BBB-PERP", base="BBB")]
    symbols = [one.contract.symbol for one in contracts]
    accounts = [
        Account(
            id=symbol, venue="ours", positions=(Position(symbol=symbol, quantity=1.0, entry_price=100.0),),
            collateral=(Balance(asset="USDC", amount=1.0),),
        )
        for symbol in symbols
    ]  # fmt: skip
    quotes = [Quote(venue="ours", symbol=symbol, mark_price=100.0) for symbol in symbols]
    found = situation([accounts[k] for k in order], quotes, {"ours": venue_of(*contracts)})
    assessment = assess(found.snapshot, found.terms).assessment
    assert [account.liquidation_move for account in assessment.accounts] == [0.0, 0.0]
    assert [account.effective_leverage for account in assessment.accounts] == [math.inf, math.inf]
    assert assessment.book.effective_leverage == math.inf
