"""The simulated venue's margin is `margin`'s, its funding the terms', its liquidations the venues' own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.margin.assess import assess
from perpbook.model.account import Balance, MarginMode
from perpbook.model.book import Book
from perpbook.model.market import Market, Quote, Snapshot
from perpbook.model.units import HOUR_NS
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.happened import Liquidated, Seizure, Settled
from perpbook.simulation.ladder import DepthProfile
from perpbook.simulation.market import Prices
from perpbook.simulation.setting import Setting
from perpbook.terms.load import load_terms
from perpbook.terms.terms import Manner
from tests.exchange.venues import MARKS, MINUTE_NS, START_NS, Act, one_account, perform, scripts, some_venue, trader

DEEP = DepthProfile(levels=20, notional=5e6)


def book_of(exchange: Exchange) -> Book:
    return Book(as_of_ns=exchange.now_ns, source="", accounts=tuple(map(exchange.account, exchange.accounts)))


def market_of(exchange: Exchange) -> Market:
    quotes = {}
    for symbol in exchange.symbols:
        now = exchange.prices(symbol)
        quotes[exchange.name, symbol] = Quote(
            venue=exchange.name,
            symbol=symbol,
            mark_price=now.mark,
            oracle_price=now.oracle,
            open_interest=now.open_interest,
        )
    return Market(as_of_ns=exchange.now_ns, source="", quotes=quotes)


@given(st.sampled_from(list(MARKS)), scripts)
def test_what_a_venue_reports_is_what_margin_assesses(venue: str, script: list[Act]) -> None:
    exchange = some_venue(venue, 10.0)
    perform(exchange, script)
    book = book_of(exchange)
    found = assess(Snapshot(book=book, market=market_of(exchange)), {venue: exchange.terms}).assessment
    positions = {(one.account, one.symbol): one for one in found.positions}
    for account, view in zip(book.accounts, found.accounts, strict=True):
        assert account.reported.equity == pytest.approx(view.summary.equity, rel=1e-9, abs=1e-6)
        assert account.reported.maintenance_margin == pytest.approx(view.summary.maintenance_margin, rel=1e-9, abs=1e-9)
        for held in account.positions:
            own = positions[account.id, held.symbol]
            assert held.reported.maintenance_margin == pytest.approx(own.maintenance_margin, rel=1e-9)
            assert held.reported.initial_margin == pytest.approx(own.initial_margin, rel=1e-9)
            assert held.reported.liquidation_price == (
                own.liquidation_price and pytest.approx(own.liquidation_price, rel=1e-7)
            )


def test_other_coins_count_as_margin_counts_them_at_the_start_and_are_lost_with_the_account() -> None:
    """Binance's multi-assets mode: BTC at 0.95 of its price."""
    coins = (Balance(asset="USDT", amount=1_000.0), Balance(asset="BTC", amount=0.1))
    me = replace(trader("binance", "me", 0.0, ("BTCUSDT", 0.5, 60_000.0)), collateral=coins)
    setting = Setting(coin_prices={"BTC": 60_000.0})
    exchange = Exchange(load_terms("binance"), (me,), START_NS, {"BTCUSDT": Prices(mark=60_000.0)}, setting=setting)
    assert exchange.account("me").reported.equity == pytest.approx(1_000.0 + 0.1 * 0.95 * 60_000.0)
    assert exchange.account("me").collateral == coins
    exchange.advance(START_NS + MINUTE_NS, {"BTCUSDT": Prices(mark=40_000.0)})
    assert exchange.account("me").reported.equity == 0.0 and abs(exchange.total()) < 1e-4


@pytest.mark.parametrize("venue", list(MARKS))
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_position_lives_to_its_liquidation_price_and_no_further(venue: str, side: float) -> None:
    symbol = next(iter(MARKS[venue]))
    exchange = one_account(venue, (symbol, side, 60_000.0))
    price = exchange.account("me").positions[0].reported.liquidation_price
    assert price is not None
    exchange.advance(START_NS + MINUTE_NS, {symbol: Prices(mark=price * (1.0 + side * 1e-6), funding_rate=0.0)})
    assert exchange.account("me").positions[0].quantity == side
    exchange.advance(START_NS + 2 * MINUTE_NS, {symbol: Prices(mark=price * (1.0 - side * 1e-3))})
    assert any(isinstance(one.what, Liquidated) for one in exchange.drain())


@pytest.mark.parametrize(("venue", "symbol"), [("hyperliquid", "BTC"), ("dydx", "BTC-USD"), ("binance", "BTCUSDT")])
def test_funding_is_position_times_price_times_rate_at_every_boundary(venue: str, symbol: str) -> None:
    exchange = one_account(venue, (symbol, -0.5, 60_000.0))
    interval = exchange.terms.funding.interval_ns
    exchange.advance(
        exchange.next_funding_ns() - 1, {symbol: Prices(mark=61_000.0, oracle=60_900.0, funding_rate=0.0003)}
    )
    assert not [one for one in exchange.drain() if isinstance(one.what, Settled)]
    exchange.advance(exchange.next_funding_ns() + interval)
    paid = [one.what for one in exchange.drain() if isinstance(one.what, Settled)]
    price = 61_000.0 if venue == "binance" else 60_900.0
    assert [one.cash for one in paid] == pytest.approx([0.5 * price * 0.0003] * 2)


def test_hyperliquid_caps_an_hours_rate_at_four_per_cent() -> None:
    """Source: the venue's funding page; `terms` carry the cap."""
    exchange = one_account("hyperliquid", ("BTC", 0.1, 60_000.0))
    exchange.advance(START_NS + HOUR_NS, {"BTC": Prices(mark=60_000.0, funding_rate=0.5)})
    assert exchange.prices("BTC").funding_rate == 0.04


def liquidations(exchange: Exchange) -> list[Liquidated]:
    return [one.what for one in exchange.drain() if isinstance(one.what, Liquidated)]


def test_hyperliquid_closes_a_fifth_waits_thirty_seconds_and_closes_the_rest() -> None:
    """Above 100,000 USDC (its page on liquidations)."""
    exchange = one_account("hyperliquid", ("BTC", 5.0, 60_000.0), cash=15_000.0, profile=DEEP)
    dead = Prices(mark=57_700.0)
    exchange.advance(START_NS + MINUTE_NS, {"BTC": dead})
    assert [one.quantity for one in liquidations(exchange)] == [pytest.approx(-1.0)]
    exchange.advance(exchange.now_ns + MINUTE_NS // 4, {"BTC": Prices(mark=57_540.0)})
    assert liquidations(exchange) == []
    exchange.advance(exchange.now_ns + MINUTE_NS // 2, {"BTC": Prices(mark=57_540.0)})
    assert [one.quantity for one in liquidations(exchange)][:1] == [pytest.approx(-4.0)]


def test_hyperliquids_backstop_takes_position_and_margin_under_two_thirds() -> None:
    exchange = one_account("hyperliquid", ("BTC", 5.0, 60_000.0), cash=15_000.0)
    exchange.advance(START_NS + MINUTE_NS, {"BTC": Prices(mark=57_300.0)})
    assert [one.manner for one in liquidations(exchange)] == [Seizure.TAKEN, Seizure.REST]
    assert exchange.account("me").reported.equity == 0.0 and exchange.account("me").positions == ()


def test_an_account_that_owes_is_made_whole_by_the_venue() -> None:
    exchange = one_account("binance", ("BTCUSDT", 5.0, 60_000.0), cash=15_000.0)
    exchange.advance(START_NS + MINUTE_NS, {"BTCUSDT": Prices(mark=50_000.0)})
    rest = liquidations(exchange)[-1]
    assert rest.manner is Seizure.REST and rest.cash == pytest.approx(35_000.0 + 0.012 * 250_000.0)
    assert exchange.account("me").reported.equity == 0.0
    assert exchange.total() == pytest.approx(0.0, abs=1e-6)


def test_dydx_waits_for_a_price_between_oracle_and_bankruptcy() -> None:
    """A book far from the oracle fills no liquidation order until the account has sunk far enough (fillable price)."""
    wide = DepthProfile(half_spread=0.004)
    exchange = one_account("dydx", ("BTC-USD", 5.0, 60_000.0), cash=15_000.0, profile=wide)
    price = exchange.account("me").positions[0].reported.liquidation_price
    assert price is not None
    exchange.advance(START_NS + MINUTE_NS, {"BTC-USD": Prices(mark=price * 0.9999)})
    assert liquidations(exchange) == []
    exchange.advance(START_NS + 2 * MINUTE_NS, {"BTC-USD": Prices(mark=price * 0.997)})
    assert liquidations(exchange)


def dying(manner: Manner) -> Exchange:
    """An account of Binance's tiers just past its liquidation price, were Binance to liquidate in some manner."""
    terms = load_terms("binance")
    terms = replace(terms, liquidation=replace(terms.liquidation, manner=manner, penalty_rate=0.005))
    me = trader("binance", "me", 600_000.0, ("BTCUSDT", 200.0, 60_000.0))
    exchange = Exchange(terms, (me,), START_NS, {"BTCUSDT": Prices(mark=60_000.0)}, profile=DEEP)
    price = exchange.account("me").positions[0].reported.liquidation_price
    assert price is not None
    exchange.advance(START_NS + MINUTE_NS, {"BTCUSDT": Prices(mark=price * 0.9995)})
    return exchange


def test_down_the_tiers_ends_a_hair_inside_the_tier_that_is_enough() -> None:
    exchange = dying(Manner.TIERS)
    table, left = exchange.terms.contracts["BTCUSDT"].tiers, exchange.account("me").positions[0].quantity
    bounds = [tier.lower / exchange.prices("BTCUSDT").mark for tier in table.tiers]
    assert any(left == pytest.approx(bound, abs=0.002) for bound in bounds)


def test_as_needed_closes_just_enough() -> None:
    exchange = dying(Manner.AS_NEEDED)
    now = exchange.account("me").reported
    assert now.equity is not None and now.maintenance_margin is not None
    assert now.maintenance_margin <= now.equity <= now.maintenance_margin * 1.02


def test_an_isolated_position_dies_alone() -> None:
    cross, own = trader("hyperliquid", "me", 1e5), trader("hyperliquid", "me/BTC", 3_000.0, ("BTC", 1.0, 60_000.0))
    own = replace(own, mode=MarginMode.ISOLATED, parent="me")
    exchange = Exchange(some_venue().terms, (cross, own), START_NS, {"BTC": Prices(mark=60_000.0)}, profile=DEEP)
    exchange.advance(START_NS + MINUTE_NS, {"BTC": Prices(mark=57_000.0)})
    assert exchange.account("me/BTC").positions == () and exchange.account("me").reported.equity == 1e5
