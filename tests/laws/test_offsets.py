"""Laws of ways to pay less: nothing is saved by waiting, chances grow with time, baskets never borrow, bases converge."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.errors import MissingData
from perpbook.funding.dated import Dated, basis_curve, expiries, spot_price, with_dated
from perpbook.funding.offsets import judged
from perpbook.funding.planner import Planner, Sum, Way, break_even, chance_above, netted, saved_by, saved_over
from perpbook.funding.tracking import basket_of, least_error, strayed
from perpbook.funding.ways import ways
from perpbook.margin.assess import assess
from perpbook.model.market import Depth
from perpbook.model.trade import Trade
from perpbook.model.units import DAY_NS
from tests.unit.test_offsets import HORIZONS, NOW, PRICE, desk, planner

CLOSE = Way(kind="smaller", words="", trades=(Trade(account="hl", symbol="BTC", quantity=-1.0),), kept=0.5)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 1.0), st.floats(0.0, 1.0), st.integers(0, 20), st.integers(0, 20))
def test_more_time_under_way_never_raises_what_a_saving_way_nets(
    rate: float, width: float, first: int, more: int
) -> None:
    at = planner(desk(), dear=rate, width=width)
    early, late = (netted(at, CLOSE, 50.0, days * DAY_NS)[0] for days in (first, first + more))
    assert late.mean <= early.mean + 1e-9 and late.high <= early.high + 1e-9
    assert late.low <= late.mean <= late.high


def test_what_arrives_after_the_horizon_saves_nothing() -> None:
    at = planner(desk())
    net, lost = netted(at, CLOSE, 50.0, 99 * DAY_NS)
    assert (net.mean, net.low, net.high) == pytest.approx((-50.0, -50.0, -50.0))
    assert lost == pytest.approx(saved_over(at, CLOSE, at.horizon).mean)


def test_the_position_pays_on_while_money_is_under_way() -> None:
    at = replace(planner(desk(bn=1_000.0)), part=0.5)
    slow = replace(at, send=lambda *ends: replace(at.send(*ends), seconds=2 * 86_400.0))
    quick, late = (judged(one, "BTC", next(way for way in _ways(one) if way.kind == "venue")) for one in (at, slow))
    assert late.waiting == pytest.approx(2 * PRICE * 0.2 * 2 / 365) and late.net.mean < quick.net.mean
    assert late.net.mean == pytest.approx(late.saved.mean - late.cost - late.waiting)
    assert late.break_even_ns is not None and late.break_even_ns - 2 * DAY_NS == pytest.approx(
        late.cost / (2 * PRICE * 0.2) * 365 * DAY_NS
    )


def _ways(at: Planner) -> list[Way]:
    position = assess(at.desk.snapshot, at.desk.terms).assessment.positions[0]
    return list(ways(at, position, []))


@given(st.floats(0.01, 1.0), st.floats(0.0, 2.0), st.floats(0.0, 1e4))
def test_the_chance_of_profit_grows_with_the_horizon_where_carry_goes_on(
    rate: float, width: float, cost: float
) -> None:
    at = planner(desk(), dear=rate, width=width)
    nets = [netted(replace(at, horizon=number), CLOSE, cost)[0] for number in range(len(HORIZONS))]
    chances = [chance_above(net, 0.9) for net in nets]
    assert all(one <= next_ + 1e-12 for one, next_ in pairwise(chances))
    assert all(0.0 <= one <= 1.0 for one in chances)


@given(st.floats(-10.0, 10.0), st.floats(0.01, 10.0), st.floats(0.01, 10.0), st.sampled_from((0.5, 0.9)))
def test_an_interval_that_ends_at_nothing_leaves_half_of_what_it_misses(
    mean: float, under: float, over: float, level: float
) -> None:
    net = Sum(mean=mean, low=mean - under, high=mean + over)
    above, below = chance_above(net, level), chance_above(Sum(mean=-mean, low=-net.high, high=-net.low), level)
    assert above + below == pytest.approx(1.0) and (above - 0.5) * mean >= 0.0
    assert chance_above(Sum(mean=under, low=0.0, high=9.0), level) == pytest.approx(0.5 * (1.0 + level))


@given(st.floats(0.1, 3.0))
def test_what_is_saved_and_spent_without_depth_is_linear_in_dollars(times: float) -> None:
    at = planner(desk(long=50.0, hl=1e6))
    more = replace(CLOSE, trades=(Trade(account="hl", symbol="BTC", quantity=-times),))
    one, other = (netted(at, way, at.desk.cost(way.trades[0]))[0] for way in (CLOSE, more))
    assert (other.mean, other.low, other.high) == pytest.approx((times * one.mean, times * one.low, times * one.high))


def test_what_is_saved_by_a_time_lies_between_the_horizons() -> None:
    at = planner(desk())
    assert saved_by(at, CLOSE, 0) == 0.0
    assert saved_by(at, CLOSE, 3 * DAY_NS) == pytest.approx(PRICE * 0.3 * 3 / 365)
    assert saved_by(at, CLOSE, 90 * DAY_NS) == saved_over(at, CLOSE, len(HORIZONS) - 1).mean


# Futures that expire

QUOTE = Dated(
    venue="binance", symbol="BTCUSDT_261225", asset="BTC", expiry_ns=NOW + 85 * DAY_NS, bid=60_590.0, ask=60_610.0,
    bid_size=10.0, ask_size=10.0, like="BTCUSDT",
)  # fmt: skip


def test_a_basis_is_paid_by_its_expiry_and_no_more() -> None:
    days = (1, 17, 85, 200)
    paid = [one.mean for one in basis_curve(QUOTE, PRICE, [day * DAY_NS for day in days], NOW, 0.9)]
    assert paid == pytest.approx([0.01 / 85, 0.002, 0.01, 0.01])
    assert QUOTE.yearly(PRICE, NOW) == pytest.approx(0.01 * 365 / 85)


def test_a_basis_is_over_the_quotes_own_index_then_that_of_its_venue() -> None:
    at = desk()
    quotes = at.snapshot.market.quotes
    own = {**quotes, ("binance", "BTCUSDT"): replace(quotes["binance", "BTCUSDT"], index_price=60_100.0)}
    at = replace(at, snapshot=replace(at.snapshot, market=replace(at.snapshot.market, quotes=own)))
    assert spot_price(at, QUOTE) == 60_100.0 and spot_price(at, replace(QUOTE, index=60_050.0)) == 60_050.0
    assert spot_price(at, replace(QUOTE, venue="okx")) == PRICE and spot_price(at, replace(QUOTE, asset="SOL")) is None


def test_a_way_does_not_pay_for_itself_after_its_contract_has_expired() -> None:
    at = planner(desk())
    ends = replace(at, ends_ns={("hyperliquid", "BTC"): NOW + 10 * DAY_NS})
    cost = 12 * PRICE * 0.3 / 365
    assert break_even(at, CLOSE, cost) == pytest.approx(12 * DAY_NS) and break_even(ends, CLOSE, cost) is None


def test_a_future_margins_like_the_contract_it_names_and_takes_its_own_depth() -> None:
    at = with_dated(desk(), (QUOTE,))
    whole = [
        assess(at.after((Trade(account="bn", symbol=symbol, quantity=0.5),)).snapshot, at.terms).assessment.accounts[1]
        for symbol in ("BTCUSDT", QUOTE.symbol)
    ]
    like, dated = (one.summary for one in whole)
    assert dated.maintenance_margin / QUOTE.middle == pytest.approx(like.maintenance_margin / PRICE, rel=1e-6)
    assert at.slippage(Trade(account="bn", symbol=QUOTE.symbol, quantity=1.0))[0] == pytest.approx(10.0 / QUOTE.middle)
    done = at.after((Trade(account="bn", symbol=QUOTE.symbol, quantity=11.0),))
    assert done.assumed == (f"more {QUOTE.symbol} than the depth given: the rest at its last price",)


def test_the_same_in_a_future_saves_the_difference_to_its_basis() -> None:
    base = planner(desk())
    curve = basis_curve(QUOTE, PRICE, HORIZONS, NOW, 0.9)
    at = replace(
        base, desk=with_dated(base.desk, (QUOTE,)), curves={**base.curves, QUOTE.key: curve}, ends_ns=expiries((QUOTE,))
    )
    way = next(one for one in _ways(at) if one.kind == "dated")
    found = judged(at, "BTC", way)
    dollars = way.trades[1].quantity * QUOTE.middle
    assert found.saved.mean == pytest.approx(2 * PRICE * 0.3 * 14 / 365 - dollars * 0.01 * 14 / 85)
    assert found.chance is None and "sure only if held to 2026-12-25" in found.assumed[-1]
    early = replace(at, ends_ns={QUOTE.key: NOW + 5 * DAY_NS})
    assert not any(one.kind == "dated" for one in _ways(early))


# Baskets


def moves(seed: int, days: int = 800) -> np.ndarray:
    """An asset that is 0.7 of one coin and 0.5 of another, some noise, and a coin that has nothing to do with it."""
    draw = np.random.default_rng(seed).standard_normal
    coins = 0.03 * draw((3, days))
    return np.vstack([0.7 * coins[0] + 0.5 * coins[1] + 0.01 * draw(days), coins])


def test_a_basket_finds_the_coins_that_an_asset_is_made_of() -> None:
    found = basket_of("X", ("A", "B", "C"), moves(1), 14, 0.9)
    assert found.weights["A"] == pytest.approx(0.7, abs=0.05) and found.weights["B"] == pytest.approx(0.5, abs=0.05)
    assert found.weights.get("C", 0.0) < 0.05 and found.back == pytest.approx(0.87, abs=0.05)
    wide = 1.645 * 0.01 * 14**0.5
    assert found.low == pytest.approx(-wide, rel=0.35) and found.high == pytest.approx(wide, rel=0.35)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_weights_never_borrow_and_no_change_of_one_makes_the_error_less(seed: int) -> None:
    found = moves(seed, 300)
    weights = least_error(found[0], found[1:])
    error = np.var(found[0] - weights @ found[1:])
    assert (weights >= 0.0).all()
    for number in np.flatnonzero(weights):
        for step in (-0.01, 0.01):
            other = weights.copy()
            other[number] += step
            assert np.var(found[0] - other @ found[1:]) >= error


def test_what_a_basket_strays_was_never_in_its_fit() -> None:
    past = moves(3, 500)
    changed = past.copy()
    changed[0, -10:] += 0.5
    one, other = strayed(past[0], past[1:]), strayed(changed[0], changed[1:])
    assert one.size == 500 - 250 and (one[:-10] == other[:-10]).all() and (other[-10:] < one[-10:] - 0.4).all()


def test_a_basket_of_too_little_or_of_strangers_is_refused() -> None:
    with pytest.raises(MissingData, match="out of sample"):
        basket_of("X", ("A", "B", "C"), moves(4, 260), 14, 0.9)
    with pytest.raises(MissingData, match="no coin moves with X"):
        basket_of("X", ("A",), np.vstack([moves(5)[0], -moves(5)[0]]), 1, 0.9)


# How much can be taken

LEVELS = Depth(bids=((60_000.0, 1.0), (59_940.0, 1.0), (59_400.0, 5.0)), asks=((60_000.0, 9.0),))


@given(st.floats(1e-5, 0.02), st.floats(0.05, 1.0))
def test_what_can_be_taken_loses_no_more_than_is_allowed(loss: float, share: float) -> None:
    at = desk(depth=LEVELS)
    sell = Trade(account="hl", symbol="BTC", quantity=-1.0)
    dollars = at.reach(sell, loss, share)
    rests = sum(price * quantity for price, quantity in LEVELS.bids)
    assert dollars is not None and 0.0 < dollars <= share * rests + 1e-6
    assert at.slippage(replace(sell, quantity=-dollars / 60_000.0))[0] <= loss + 1e-12
    wider = at.reach(sell, 2.0 * loss, share)
    assert wider is not None and wider >= dollars


def test_the_share_of_depth_and_the_loss_both_bind() -> None:
    at, sell = desk(depth=LEVELS), Trade(account="hl", symbol="BTC", quantity=-1.0)
    assert at.reach(sell, 5e-4, 1.0) == pytest.approx(60_000.0 + 59_940.0)
    assert at.reach(sell, 1.0, 0.5) == pytest.approx(0.5 * (60_000.0 + 59_940.0 + 5 * 59_400.0))
    assert desk().reach(sell, 1.0, 1.0) is None
