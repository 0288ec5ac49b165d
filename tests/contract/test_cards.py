"""The contract of the venue port, card by card, the same for every carrier."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from perpbook.model.order import OrderState, RejectReason, TimeInForce
from perpbook.simulation.happened import Settled
from tests.contract.carriers import CARRIERS, LIVE, Carrier, carrier, slowly
from tests.dialects.served import Served, served

pytest.importorskip("google.protobuf", reason="ccxt encodes dYdX orders with protobuf: perpbook[live]")


@pytest.fixture(scope="module")
def venues() -> Iterator[Served]:
    with served(*LIVE) as one:
        yield one


@pytest.fixture(scope="module", params=slowly(CARRIERS, "bybit"))
def one(request: pytest.FixtureRequest, venues: Served) -> Carrier:
    return carrier(request.param, venues)


def test_01_an_account_is_as_the_venue_has_it(one: Carrier) -> None:
    seen = one.play(lambda venue: venue.account(one.account))
    truth = one.truth.account(one.account)
    assert (seen.account.id, seen.account.venue) == (one.account, one.venue)
    assert {p.symbol: p.quantity for p in seen.account.positions} == {p.symbol: p.quantity for p in truth.positions}
    assert [p.entry_price for p in seen.account.positions] == pytest.approx([p.entry_price for p in truth.positions])
    assert sum(b.amount for b in seen.account.collateral) == pytest.approx(sum(b.amount for b in truth.collateral))
    assert 0 <= seen.received_ns - seen.at_ns < 5_000_000_000


def test_02_a_book_is_in_order_around_the_price(one: Carrier) -> None:
    seen = one.play(lambda venue: venue.book(one.btc))
    truth = one.truth.book(one.btc).depth
    assert (seen.venue, seen.symbol) == (one.venue, one.btc)
    assert seen.depth.bids[0][0] < 60_000 < seen.depth.asks[0][0]
    for side in ("bids", "asks"):
        shown, true = getattr(seen.depth, side), getattr(truth, side)
        assert len(shown) >= 10 and sum(shown, ()) == pytest.approx(sum(true[: len(shown)], ()), rel=1e-3)


def test_03_a_reduce_only_ioc_order_fills(one: Carrier) -> None:
    before = one.held
    report = one.play(lambda venue: venue.place(one.order(3, -0.1, 59_000)))
    assert (report.state, report.filled) == (OrderState.FILLED, -0.1)
    assert (report.account, report.venue, report.symbol) == (one.account, one.venue, one.btc)
    assert one.held == pytest.approx(before - 0.1)


def test_04_what_does_not_fill_at_its_limit_is_gone(one: Carrier) -> None:
    best = one.truth.book(one.btc).depth.bids[0]
    wanted = round(best[1] + 0.5, 3)

    async def say(venue: Any) -> Any:
        opened = await venue.place(one.order(40, wanted, 61_000, reduce_only=False))
        part = await venue.place(one.order(4, -wanted, best[0]))
        return opened, part, await venue.account(one.account)

    opened, part, seen = one.play(say)
    assert opened.state is OrderState.FILLED
    assert part.state is OrderState.CANCELED and -wanted < part.filled < 0.0
    assert seen.account.positions[0].quantity == pytest.approx(one.held) and not seen.account.orders


def test_05_nothing_fills_beyond_the_limit(one: Carrier) -> None:
    before = one.held
    report = one.play(lambda venue: venue.place(one.order(5, -0.1, 65_000)))
    assert report.state in (OrderState.CANCELED, OrderState.REJECTED)
    assert report.filled == 0.0 and one.held == before


def test_06_a_post_only_order_that_would_trade_is_refused(one: Carrier) -> None:
    request = one.order(6, -0.1, 59_000, reduce_only=False, time_in_force=TimeInForce.POST)
    report, before = one.play(lambda venue: venue.place(request)), one.held
    assert (report.state, report.reason) == (OrderState.REJECTED, RejectReason.POST_ONLY)
    assert report.why and one.held == before


def test_07_an_order_rests_is_told_and_is_taken_back(one: Carrier) -> None:
    request = one.order(7, -0.1, 65_000, reduce_only=False, time_in_force=TimeInForce.GTC)

    async def say(venue: Any) -> Any:
        placed = await venue.place(request)
        listed, seen = await venue.open_orders(one.account), await venue.account(one.account)
        return placed, listed, seen, await venue.cancel(one.account, one.btc, request.client_id), venue

    placed, listed, seen, canceled, _ = one.play(say)
    assert placed.state is OrderState.OPEN and canceled.state is OrderState.CANCELED and canceled.filled == 0.0
    assert [(r.client_id, r.state) for r in listed] == [(request.client_id, OrderState.OPEN)]
    resting = seen.account.orders[0]
    assert (resting.symbol, resting.quantity, resting.limit_price) == (one.btc, -0.1, 65_000)
    assert one.play(lambda venue: venue.open_orders(one.account)) == ()


def test_08_a_second_order_of_an_id_is_a_duplicate_and_trades_nothing(one: Carrier) -> None:
    first = one.play(lambda venue: venue.place(one.order(8, -0.01, 59_000)))
    before = one.held
    second = one.play(lambda venue: venue.place(one.order(8, -0.01, 59_000)))
    assert first.state is OrderState.FILLED
    assert (second.state, second.reason, second.filled) == (OrderState.REJECTED, RejectReason.DUPLICATE, 0.0)
    assert one.held == before


def test_17_a_timer_of_the_venue_is_set_and_taken_off(one: Carrier) -> None:
    by_symbol = one.btc if one.venue == "binance" else ""

    async def say(venue: Any) -> Any:
        if not venue.capabilities.dead_man:
            return [await venue.set_timer(one.account, by_symbol, 30_000_000_000)]
        return [await venue.set_timer(one.account, by_symbol, wait_ns) for wait_ns in (30_000_000_000, 0)]

    assert not timers(one)
    words = one.play(say)
    without = one.venue in ("dydx", "bybit")
    assert len(words) == 1 and "no timer" in words[0] if without else words == ["", ""]
    assert not timers(one)
    if not without:
        assert one.play(lambda venue: venue.set_timer(one.account, by_symbol, 30_000_000_000)) == ""
        assert list(timers(one)) == [by_symbol]
        one.play(lambda venue: venue.set_timer(one.account, by_symbol, 0))


def timers(one: Carrier) -> dict[str, int]:
    """Timers of the account at the venue itself, by contract."""
    return one.truth._bucket(one.account).cancel_at


def test_09_an_order_never_heard_of_is_absent(one: Carrier) -> None:
    unknown = one.order(9, -0.1, 1.0).client_id
    report = one.play(lambda venue: venue.order(one.account, one.btc, unknown))
    assert (report.state, report.filled, report.client_id) == (OrderState.ABSENT, 0.0, unknown)


def test_10_trades_carry_our_id_after_a_restart(one: Carrier) -> None:
    request = one.order(10, -0.02, 59_000)
    one.play(lambda venue: venue.place(request))

    async def again(venue: Any) -> Any:
        await venue.order(one.account, one.btc, request.client_id)
        return await venue.fills(one.account, 0)

    fills = one.play(again)
    mine = [fill for fill in fills if fill.client_id == request.client_id]
    assert sum(fill.quantity for fill in mine) == pytest.approx(-0.02)
    assert all(fill.price >= 59_000 and fill.fee > 0.0 and fill.symbol == one.btc for fill in mine)
    assert len({fill.trade_id for fill in fills}) == len(fills)
    assert [fill.time_ns for fill in fills] == sorted(fill.time_ns for fill in fills)


def test_11_reduce_only_never_opens_and_never_turns(one: Carrier) -> None:
    report = one.play(lambda venue: venue.place(one.order(11, 0.1, 61_000)))
    assert (report.state, report.reason) == (OrderState.REJECTED, RejectReason.REDUCE_ONLY)
    assert report.why and report.filled == 0.0
    one.play(lambda venue: venue.place(one.order(110, -round(one.held, 3) - 1.0, 58_000)))
    assert one.held >= 0.0


def test_12_bought_is_above_nothing_and_sold_below(one: Carrier) -> None:
    bought = one.order(12, 0.03, 61_000, reduce_only=False)
    sold = one.order(120, -0.03, 59_000)

    async def say(venue: Any) -> Any:
        reports = await venue.place(bought), await venue.place(sold)
        return reports, await venue.fills(one.account, 0)

    reports, fills = one.play(say)
    assert [report.filled for report in reports] == [0.03, -0.03]
    by_id = {fill.client_id: fill.quantity for fill in fills}
    assert by_id[bought.client_id] > 0.0 > by_id[sold.client_id]


def test_18_funding_is_told_as_it_was_paid(one: Carrier) -> None:
    """Signed by who received, and from a time on."""
    began = settled(one, 260)

    async def say(venue: Any) -> Any:
        assert venue.capabilities.tells_funding
        last = await venue.funding(one.account, one.truth.settled(one.account)[-1].at_ns)
        return await venue.funding(one.account, began), last, await venue.rates(one.btc, began)

    seen, last, rates = one.play(say)
    told = [(p.symbol, p.at_ns, p.dollars) for p in seen.payments]
    paid = sorted((p.at_ns, p.symbol, p.cash) for p in one.truth.settled(one.account, began))
    assert told == [(symbol, at_ns, pytest.approx(cash, abs=1e-6)) for at_ns, symbol, cash in paid]
    assert (seen.venue, seen.account, seen.since_ns, seen.why) == (one.venue, one.account, began, "")
    assert [p.dollars > 0.0 for p in last.payments] == [False, True]
    assert all(p.quantity is None or p.quantity * p.dollars < 0.0 for p in seen.payments)
    steps = {b.at_ns - a.at_ns for a, b in pairwise(rates.rates)}
    assert {r.rate for r in rates.rates} == {0.0001} and steps == {one.truth.terms.funding.interval_ns}


def settled(one: Carrier, times: int) -> int:
    """Put so many settlements of before into the venue's own record: the long pays, the short receives. Since when."""
    interval, first = one.truth.terms.funding.interval_ns, one.truth.now_ns
    bucket, pits = one.truth._bucket(one.account), one.truth._floor.pits
    for number in range(times, 0, -1):
        at_ns = first // interval * interval - (number - 1) * interval
        for symbol, pit in sorted(pits.items()):
            pit.settled.append((at_ns, 0.0001))
            side = 1.0 if symbol == one.btc else -1.0
            bucket.settled.append(
                Settled(
                    account=one.account, symbol=symbol, quantity=side, rate=0.0001, price=1e4, cash=-side, at_ns=at_ns
                )
            )  # fmt: skip
    return first // interval * interval - (times - 1) * interval
