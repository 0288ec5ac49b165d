"""What a simulated venue does with an order: the gate, the book, its own prices, timers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.errors import DataError, InputError, InvariantError, TermsError
from perpbook.model.account import MarginMode
from perpbook.model.market import Depth
from perpbook.model.order import OrderReport, OrderRequest, OrderState, RejectReason, TimeInForce
from perpbook.model.units import DAY_NS, SECOND_NS
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.happened import Settled
from perpbook.simulation.ladder import DepthProfile
from perpbook.simulation.market import Prices
from perpbook.simulation.setting import QueueRule
from perpbook.terms.load import load_terms
from tests.exchange.venues import MARKS, MINUTE_NS, START_NS, one_account, trader

IOC, GTC, POST = TimeInForce.IOC, TimeInForce.GTC, TimeInForce.POST
BUY, SELL = 1.0, -1.0
FLAT = DepthProfile(levels=3, half_spread=0.001, step=0.001, notional=60_000.0, growth=1.0, half_life_ns=10 * SECOND_NS)
"""At 60,000: a coin in each level, 60 apart, the first 60 from the mark."""


def send(
    exchange: Exchange,
    quantity: float,
    price: float,
    in_force: TimeInForce = IOC,
    *,
    account: str = "me",
    name: str = "a",
    reduce_only: bool = False,
    symbol: str = "",
    expires_ns: int | None = None,
) -> OrderReport:
    request = OrderRequest(
        client_id=name, account=account, venue=exchange.name, symbol=symbol or exchange.symbols[0], quantity=quantity,
        limit_price=price, reduce_only=reduce_only, time_in_force=in_force,
    )  # fmt: skip
    return exchange.place(request, exchange.now_ns, expires_ns)


def hyperliquid(held: float = 1.0, cash: float = 10_000.0, queue: QueueRule = QueueRule.RISK_AVERSE) -> Exchange:
    return one_account("hyperliquid", ("BTC", held, 60_000.0), cash=cash, profile=FLAT, queue=queue)


REFUSED = [
    (0.1, 60_000.5, IOC, False, RejectReason.PRICE),
    (0.1, 61_234.5, IOC, False, RejectReason.PRICE),
    (0.123456, 60_000.0, IOC, False, RejectReason.SIZE),
    (0.0001, 60_000.0, IOC, False, RejectReason.SIZE),
    (0.1, 60_000.0, IOC, True, RejectReason.REDUCE_ONLY),
    (-1.1, 60_000.0, IOC, True, RejectReason.REDUCE_ONLY),
    (0.1, 60_100.0, POST, False, RejectReason.POST_ONLY),
    (50.0, 60_000.0, GTC, False, RejectReason.MARGIN),
    (0.4, 90_000.0, IOC, False, RejectReason.MARGIN),
    (-0.1, 11_000.0, IOC, True, RejectReason.PRICE),
]


@pytest.mark.parametrize(("quantity", "price", "in_force", "reduce_only", "reason"), REFUSED)
def test_hyperliquid_refuses(
    quantity: float, price: float, in_force: TimeInForce, reduce_only: bool, reason: RejectReason
) -> None:
    """Steps of five figures, lots, $10, reduce-only that grows or oversizes, post-only that takes, margin, 80 % off."""
    exchange = hyperliquid()
    report = send(exchange, quantity, price, in_force, reduce_only=reduce_only)
    assert (report.state, report.reason, report.filled) == (OrderState.REJECTED, reason, 0.0) and report.why
    assert exchange.account("me").positions[0].quantity == 1.0


def test_whole_prices_are_always_allowed_on_hyperliquid() -> None:
    """Source: its page on tick and lot size."""
    exchange = Exchange(
        load_terms("hyperliquid"), (trader("hyperliquid", "me", 1e7),), START_NS, {"BTC": Prices(mark=123_456.0)}
    )
    assert send(exchange, 0.1, 123_457.0, GTC).state is OrderState.OPEN


def test_dust_that_closes_all_is_taken_where_it_is_reduce_only() -> None:
    exchange = one_account("hyperliquid", ("BTC", 0.0001, 60_000.0))
    assert send(exchange, -0.0001, 59_000.0, reduce_only=True).state is OrderState.FILLED


def test_others_shrink_a_reduce_only_order_to_the_position() -> None:
    exchange = one_account("binance", ("BTCUSDT", 0.5, 60_000.0))
    report = send(exchange, -2.0, 59_000.0, reduce_only=True)
    assert (report.state, report.filled) == (OrderState.CANCELED, -0.5) and exchange.account("me").positions == ()


def test_dydx_takes_reduce_only_orders_that_do_not_rest_alone() -> None:
    exchange = one_account("dydx", ("BTC-USD", 0.5, 60_000.0))
    assert send(exchange, -0.1, 61_000.0, GTC, reduce_only=True).reason is RejectReason.REDUCE_ONLY
    assert send(exchange, -0.1, 59_000.0, IOC, reduce_only=True, name="b").state is OrderState.FILLED


def test_the_same_id_is_refused_and_the_first_order_is_as_it_was() -> None:
    exchange = hyperliquid()
    first = send(exchange, -0.5, 61_000.0, GTC)
    again = send(exchange, -0.5, 61_000.0, GTC)
    assert again.reason is RejectReason.DUPLICATE and first.state is OrderState.OPEN
    assert exchange.open_orders("me") == (exchange.order("me", "BTC", "a"),)


def test_what_rests_is_told_with_its_own_id_and_can_be_cancelled_by_it() -> None:
    exchange = hyperliquid()
    send(exchange, -0.5, 61_000.0, GTC)
    (resting,) = exchange.account("me").orders
    assert (resting.id, resting.quantity, exchange.held("me", "BTC"), exchange.number("me", "a")) == ("a", -0.5, 1.0, 1)
    assert exchange.cancel("me", "BTC", resting.id, START_NS).state is OrderState.CANCELED
    assert exchange.cancel("me", "BTC", "never", START_NS).state is OrderState.ABSENT


def test_all_orders_of_a_contract_can_be_cancelled_at_once() -> None:
    exchange = hyperliquid()
    for name, symbol, price in (("a", "BTC", 61_000.0), ("b", "ETH", 3_100.0), ("c", "BTC", 62_000.0)):
        send(exchange, -0.1, price, GTC, name=name, symbol=symbol)
    exchange.cancel_all("me", START_NS, "BTC")
    assert [report.client_id for report in exchange.open_orders("me")] == ["b"]
    exchange.cancel_all("me", START_NS)
    assert exchange.open_orders("me") == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"account": "who"}, RejectReason.AUTH),
        ({"symbol": "NOPE"}, RejectReason.OTHER),
        ({"symbol": "BTC/USD:USDC"}, None),
    ],
)
def test_strangers_are_refused_and_unified_names_are_known(change: dict[str, str], reason: RejectReason | None) -> None:
    assert send(hyperliquid(), -0.1, 59_000.0, **change).reason is reason  # type: ignore[arg-type]


def test_an_order_for_another_venue_or_a_contract_that_does_not_trade_here_is_refused() -> None:
    exchange = hyperliquid()
    request = OrderRequest(
        client_id="a", account="me", venue="dydx", symbol="BTC", quantity=-0.1, limit_price=59_000.0, reduce_only=False
    )
    assert exchange.place(request, START_NS).why == "the order is for dydx"
    assert send(exchange, -1.0, 1.0, symbol="DOGE").why == "no such contract"


def test_a_request_from_ahead_lets_time_pass_first() -> None:
    exchange = hyperliquid()
    exchange.move("you", 1.0, exchange.next_funding_ns())
    assert type(exchange.drain()[0].what) is Settled
    assert "not a number" in exchange.move("you", math.nan, START_NS)


def test_an_isolated_bucket_takes_orders_for_its_own_contract_alone() -> None:
    account = replace(
        trader("hyperliquid", "me/BTC", 5_000.0, ("BTC", 0.1, 60_000.0)), mode=MarginMode.ISOLATED, parent="me"
    )
    prices = {symbol: Prices(mark=mark) for symbol, mark in MARKS["hyperliquid"].items()}
    exchange = Exchange(load_terms("hyperliquid"), (account,), START_NS, prices)
    assert send(exchange, 1.0, 3_010.0, account="me/BTC", symbol="ETH").reason is RejectReason.MARGIN
    assert send(exchange, 0.1, 60_100.0, account="me/BTC", name="b").state is OrderState.FILLED


def test_a_resting_reduce_only_order_ends_with_its_position() -> None:
    exchange = hyperliquid()
    send(exchange, -1.0, 60_030.0, GTC, name="rest", reduce_only=True)
    send(exchange, -1.0, 59_900.0, name="close", reduce_only=True)
    report = send(exchange, 0.5, 60_100.0, account="you", name="take")
    assert report.average_price == 60_060.0 and "no position left" in exchange.order("me", "BTC", "rest").why


def test_where_lots_and_ticks_are_not_known_any_size_and_price_is_taken() -> None:
    exchange = Exchange(
        load_terms("dydx"), (trader("dydx", "me", 1e4),), START_NS, {"LINK-USD": Prices(mark=17.123456)}
    )
    assert send(exchange, 1.2345678, 17.2345678).filled == 1.2345678


@pytest.mark.parametrize("unfit", [math.nan, math.inf])
def test_sizes_that_are_no_numbers_are_refused(unfit: float) -> None:
    assert send(hyperliquid(), unfit, 60_000.0).state is OrderState.REJECTED


def test_a_taker_walks_the_levels_to_its_limit_and_what_it_took_stays_away_and_comes_back() -> None:
    exchange = hyperliquid(held=5.0, cash=100_000.0)
    report = send(exchange, -2.5, 59_880.0)
    assert report.filled == -2.0 and report.average_price == pytest.approx((59_940.0 + 59_880.0) / 2)
    assert exchange.book("BTC").depth.bids == ((59_820.0, 1.0),)
    exchange.advance(START_NS + 10 * SECOND_NS)
    assert exchange.book("BTC").depth.bids[0] == (59_940.0, 0.5)
    assert send(exchange, -1.0, 59_950.0, name="b").state is OrderState.CANCELED


@given(
    st.floats(0.01, 4.0), st.integers(0, 6), st.lists(st.tuples(st.integers(-60, 15), st.integers(1, 15)), max_size=4)
)
def test_a_takers_cost_is_that_of_walking_what_was_shown(
    size: float, worse: int, resting: list[tuple[int, int]]
) -> None:
    """An independent walk over the book that clients saw, in which other accounts' orders stand among the market's."""
    exchange = hyperliquid(held=5.0, cash=100_000.0)
    for number, (off, lots) in enumerate(resting):
        send(exchange, 0.1 * lots, 60_000.0 + 3.0 * off, GTC, account="you", name=str(number))
    limit, left, worth = 60_000.0 - 30.0 * worse, round(size, 5), 0.0
    for price, quantity in exchange.book("BTC").depth.bids:
        part = min(left, quantity) if price >= limit else 0.0
        left, worth = left - part, worth + part * price
    report = send(exchange, -round(size, 5), limit)
    assert -report.filled * (report.average_price or 0.0) == pytest.approx(worth, rel=1e-9)
    assert -report.filled == pytest.approx(round(size, 5) - left, abs=1e-9)


def test_accounts_trade_with_each_other_at_the_older_orders_price_and_fees_are_the_terms() -> None:
    exchange = hyperliquid()
    send(exchange, 0.5, 59_990.0, GTC, account="you", name="rest")
    send(exchange, -0.5, 59_000.0, name="take")
    taker, maker = exchange.fills("me")[0], exchange.fills("you")[0]
    assert taker.price == maker.price == 59_990.0 and taker.quantity == -maker.quantity == -0.5
    fees = exchange.terms.fees[0]
    assert taker.fee == pytest.approx(0.5 * 59_990.0 * fees.taker_fee_rate)
    assert maker.fee == pytest.approx(0.5 * 59_990.0 * fees.maker_fee_rate)


def test_at_one_price_the_older_order_comes_first() -> None:
    exchange = hyperliquid(held=5.0, cash=1e6)
    send(exchange, 0.5, 59_990.0, GTC, account="you", name="old")
    send(exchange, 0.5, 59_990.0, GTC, account="you", name="new")
    send(exchange, -0.6, 59_990.0, name="take")
    assert exchange.order("you", "BTC", "old").state is OrderState.FILLED
    assert exchange.order("you", "BTC", "new").filled == pytest.approx(0.1)


def test_nobody_trades_with_itself() -> None:
    exchange = hyperliquid()
    send(exchange, 0.5, 59_990.0, GTC, name="rest")
    report = send(exchange, -0.5, 59_900.0, name="take")
    assert exchange.order("me", "BTC", "rest").state is OrderState.CANCELED
    assert report.average_price == 59_940.0


@pytest.mark.parametrize(
    ("rule", "touched", "through"), [(QueueRule.RISK_AVERSE, 0.0, -0.5), (QueueRule.OPTIMISTIC, -0.5, -0.5)]
)
def test_a_resting_order_fills_when_the_market_goes_through_it_or_touches_it(
    rule: QueueRule, touched: float, through: float
) -> None:
    exchange = hyperliquid(queue=rule)
    send(exchange, -0.5, 60_600.0, GTC)
    exchange.advance(START_NS + MINUTE_NS, {"BTC": Prices(mark=60_661.0)})
    assert exchange.order("me", "BTC", "a").filled == touched
    shown = exchange.book("BTC").depth
    assert shown.bids[0][0] < shown.asks[0][0] == (60_600.0 if touched == 0.0 else 60_722.0)
    exchange.advance(START_NS + 2 * MINUTE_NS, {"BTC": Prices(mark=60_700.0)})
    report = exchange.order("me", "BTC", "a")
    assert report.filled == through and report.average_price == 60_600.0


def test_books_that_are_given_are_what_is_traded_with() -> None:
    exchange = hyperliquid()
    given_book = Depth(bids=((59_000.0, 0.2), (58_000.0, 5.0)), asks=((61_000.0, 1.0),))
    exchange.advance(START_NS + 1, {}, {"BTC": given_book})
    report = send(exchange, -0.3, 50_000.0)
    assert report.average_price == pytest.approx((0.2 * 59_000.0 + 0.1 * 58_000.0) / 0.3)
    assert exchange.book("BTC").depth.bids == ((58_000.0, 4.9),)


UNFIT = [
    Depth(bids=((100.0, 1.0),), asks=((99.0, 1.0),)),
    Depth(bids=((100.0, 1.0), (101.0, 1.0))),
    Depth(asks=((100.0, -1.0),)),
    Depth(asks=((math.nan, 1.0),)),
]


@pytest.mark.parametrize("book", UNFIT)
def test_books_that_are_none_are_refused_and_nothing_moves(book: Depth) -> None:
    exchange = hyperliquid()
    with pytest.raises(DataError, match="BTC"):
        exchange.advance(START_NS + 1, {"BTC": Prices(mark=1.0)}, {"BTC": book})
    assert exchange.now_ns == START_NS and exchange.prices("BTC").mark == 60_000.0


@pytest.mark.parametrize("prices", [Prices(mark=math.nan), Prices(mark=-1.0), Prices(mark=1.0, funding_rate=math.inf)])
def test_prices_that_are_none_are_refused(prices: Prices) -> None:
    with pytest.raises(DataError, match="BTC"):
        hyperliquid().advance(START_NS + 1, {"BTC": prices})


def test_hyperliquids_dead_man_wants_five_seconds_and_fires_ten_times_a_day() -> None:
    """Source: the exchange endpoint's page on scheduleCancel."""
    exchange = hyperliquid()
    assert "5 seconds" in exchange.schedule_cancel("me", exchange.now_ns + 4 * SECOND_NS, exchange.now_ns)
    for number in range(10):
        send(exchange, -0.1, 61_000.0, GTC, name=str(number))
        at = exchange.now_ns + 5 * SECOND_NS
        assert exchange.schedule_cancel("me", at, exchange.now_ns) == ""
        exchange.advance(at)
        assert exchange.open_orders("me") == ()
    assert "10 times" in exchange.schedule_cancel("me", exchange.now_ns + MINUTE_NS, exchange.now_ns)
    assert exchange.schedule_cancel("me", exchange.now_ns + DAY_NS, exchange.now_ns) == ""


def test_binances_countdown_is_for_one_contract_and_can_be_cleared() -> None:
    exchange = one_account("binance", ("BTCUSDT", 0.5, 60_000.0), ("ETHUSDT", 1.0, 3_000.0))
    send(exchange, -0.1, 61_000.0, GTC, name="b")
    send(exchange, -1.0, 3_100.0, GTC, name="e", symbol="ETHUSDT")
    assert exchange.schedule_cancel("me", START_NS + 1, START_NS) != ""
    assert exchange.schedule_cancel("me", START_NS + 1, START_NS, "BTCUSDT") == ""
    exchange.schedule_cancel("me", START_NS + 1, START_NS, "ETHUSDT")
    exchange.schedule_cancel("me", None, START_NS, "ETHUSDT")
    exchange.advance(START_NS + MINUTE_NS)
    assert [report.client_id for report in exchange.open_orders("me")] == ["e"]


def test_dydx_has_no_dead_man_but_orders_that_expire() -> None:
    exchange = one_account("dydx", ("BTC-USD", 0.5, 60_000.0))
    assert exchange.schedule_cancel("me", START_NS + MINUTE_NS, START_NS) != ""
    send(exchange, -0.1, 61_000.0, GTC, expires_ns=START_NS + 20 * SECOND_NS)
    exchange.advance(START_NS + 20 * SECOND_NS)
    assert exchange.order("me", "BTC-USD", "a").why == "expired"


def test_money_that_backs_positions_does_not_leave() -> None:
    exchange = hyperliquid(cash=10_000.0)
    initial = exchange.account("me").reported.initial_margin
    assert initial == pytest.approx(1_500.0)
    assert "8500" in exchange.move("me", -8_501.0, START_NS) and exchange.move("me", -8_500.0, START_NS) == ""
    assert exchange.account("me").reported.equity == pytest.approx(1_500.0)


def test_leverage_moves_initial_margin_alone() -> None:
    exchange = hyperliquid(cash=10_000.0)
    before = exchange.account("me").reported.maintenance_margin
    assert (
        exchange.set_leverage("me", "BTC", 10.0, START_NS) == ""
        and exchange.set_leverage("me", "BTC", 5.0, START_NS) != ""
    )
    now = exchange.account("me").reported
    assert now.initial_margin == pytest.approx(6_000.0) and now.maintenance_margin == before
    assert "at most 40" in exchange.set_leverage("me", "BTC", 41.0, START_NS)


def test_nothing_reaches_a_closed_venue_and_margin_goes_on() -> None:
    exchange = hyperliquid()
    exchange.advance(START_NS + 1, {"BTC": Prices(mark=50_500.0, is_closed=True)})
    assert send(exchange, -0.1, 50_000.0).reason is RejectReason.CLOSED
    assert exchange.account("me").positions == ()


def test_what_is_not_simulated_or_does_not_fit_is_refused() -> None:
    with pytest.raises(TermsError, match="not simulated"):
        Exchange(load_terms("binance-coinm"), (), START_NS, {"BTCUSD_PERP": Prices(mark=60_000.0)})
    with pytest.raises(InputError, match="is on dydx"):
        Exchange(load_terms("hyperliquid"), (trader("dydx", "me", 1.0),), START_NS, {"BTC": Prices(mark=1.0)})
    with pytest.raises(InputError, match="two accounts"):
        Exchange(load_terms("dydx"), (trader("dydx", "me", 1.0),) * 2, START_NS, {})
    with pytest.raises(InputError, match="no price here"):
        held = trader("hyperliquid", "me", 1.0, ("ETH", 1.0, 1.0))
        Exchange(load_terms("hyperliquid"), (held,), START_NS, {"BTC": Prices(mark=1.0)})
    with pytest.raises(InvariantError, match="back"):
        hyperliquid().advance(START_NS - 1)
    with pytest.raises(InputError, match="no account"):
        hyperliquid().account("who")


@pytest.mark.parametrize("venue", list(MARKS))
def test_prices_and_sizes_of_a_drawn_book_are_whole_steps(venue: str) -> None:
    exchange = one_account(venue)
    for symbol in exchange.symbols:
        contract = exchange.terms.contracts[symbol].contract
        for price, size in (*exchange.book(symbol).depth.bids, *exchange.book(symbol).depth.asks):
            report = send(exchange, size, price, account="you", name=f"{symbol}{price}", symbol=symbol)
            assert report.state is not OrderState.REJECTED
            assert contract.lot_size == 0.0 or round(size / contract.lot_size) * contract.lot_size == pytest.approx(
                size
            )
