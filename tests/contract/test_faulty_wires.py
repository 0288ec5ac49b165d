"""The same contract where the wire fails: an answer that never comes, a 500, an answer that is none, too many requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from perpbook.errors import OutcomeUnknown, VenueUnavailable
from perpbook.model.order import OrderState, RejectReason
from perpbook.simulation.faults import Faults
from tests.contract.carriers import LIVE, live, slowly
from tests.contract.tapped import tapped
from tests.dialects.served import Served, served

pytest.importorskip("google.protobuf", reason="ccxt encodes dYdX orders with protobuf: perpbook[live]")

SENDING = {
    "hyperliquid": "/exchange", "dydx": "/rpc/broadcast", "binance": "/fapi/v1/order", "bybit": "/v5/order/create",
    "okx": "/trade/order",
}  # fmt: skip
each_venue = pytest.mark.parametrize("name", slowly(LIVE, "bybit", "okx"))


@pytest.fixture(scope="module")
def hanging() -> Iterator[Served]:
    with served(*LIVE, hang_s=1.5, faults=Faults(hang=1.0)) as one:
        yield one


@pytest.fixture(scope="module")
def broken() -> Iterator[Served]:
    with served(*LIVE, faults=Faults(error=1.0)) as one:
        yield one


@pytest.fixture(scope="module")
def whole() -> Iterator[Served]:
    with served(*LIVE) as one:
        yield one


@each_venue
def test_13_an_order_without_an_answer_is_unknown_and_then_told_as_it_is(name: str, hanging: Served) -> None:
    one = live(name, hanging, timeout_ms=700)
    request = one.order(13, -0.1, 59_000)

    async def say(venue: Any) -> Any:
        with pytest.raises(OutcomeUnknown):
            await venue.place(request)
        return await venue.order(one.account, one.btc, request.client_id)

    report = one.play(say)
    assert (report.state, report.filled, one.held) == (OrderState.FILLED, -0.1, 0.9)


@each_venue
def test_14_a_500_is_unknown_for_an_order_and_away_for_a_read(name: str, broken: Served) -> None:
    one = live(name, broken)

    async def say(venue: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            await venue.place(one.order(14, -0.1, 59_000))
        for read in (venue.account(one.account), venue.book(one.btc), venue.open_orders(one.account)):
            with pytest.raises(VenueUnavailable):
                await read

    one.play(say)
    assert one.held == 1.0


SPOILED = {
    "cut short": b'{"a',
    "text": b"<html>hello</html>",
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "numbers that are none": None,
}


@each_venue
@pytest.mark.parametrize("how", SPOILED)
def test_15_an_answer_that_is_none_is_away_for_reads_and_unknown_for_orders(name: str, how: str, whole: Served) -> None:
    with tapped(whole.url) as tap:
        one = live(name, whole, at=f"{tap.url}/{name}")

        async def say(venue: Any) -> None:
            tap.spoil = lambda path, status, body: (status, spoiled(how, body))
            reads = [venue.account(one.account), venue.book(one.btc)]
            reads += [] if how in ("a list", "numbers that are none") else [venue.fills(one.account, 0)]
            for read in reads:
                with pytest.raises(VenueUnavailable):
                    await read
            if how != "numbers that are none":
                with pytest.raises((OutcomeUnknown, VenueUnavailable)):
                    await venue.place(one.order(1500 + len(how), -0.01, 59_000))

        one.play(say)


def spoiled(how: str, body: bytes) -> bytes:
    found = SPOILED[how]
    return found if found is not None else body.replace(b'"1', b'"NaN').replace(b'"3', b'"x').replace(b'"5', b'"-')


@each_venue
def test_16_too_many_requests_refuses_an_order_and_pauses_what_opens_risk_alone(name: str, whole: Served) -> None:
    with tapped(whole.url) as tap:
        one = live(name, whole, at=f"{tap.url}/{name}")

        async def say(venue: Any) -> Any:
            tap.spoil = lambda path, was, body: (429, b"{}") if SENDING[name] in path else (was, body)
            refused = await venue.place(one.order(16, -0.01, 59_000))
            tap.spoil = lambda path, was, body: (was, body)
            with pytest.raises(VenueUnavailable, match="not sent"):
                await venue.place(one.order(160, 0.01, 61_000, reduce_only=False))
            return refused, await venue.place(one.order(161, -0.01, 59_000))

        refused, reduced = one.play(say)
        assert (refused.state, refused.reason) == (OrderState.REJECTED, RejectReason.RATE_LIMIT)
        assert reduced.state is OrderState.FILLED


UNSURE = {"bybit": b'{"retCode":10016,"retMsg":"Server error."}', "okx": b'{"code":"1","data":[{"sCode":"51054"}]}'}


@pytest.mark.parametrize("name", slowly(list(UNSURE), "okx"))
def test_a_code_that_does_not_say_whether_it_acted_is_no_refusal(name: str, whole: Served) -> None:
    with tapped(whole.url) as tap:
        one = live(name, whole, at=f"{tap.url}/{name}")

        async def say(venue: Any) -> Any:
            tap.spoil = lambda path, was, body: (200, UNSURE[name]) if SENDING[name] in path else (was, body)
            with pytest.raises(OutcomeUnknown):
                await venue.place(one.order(17, -0.01, 59_000))
            tap.spoil = lambda path, was, body: (was, body)
            return await venue.order(one.account, one.btc, one.order(17, -0.01, 59_000).client_id)

        assert one.play(say).state is OrderState.FILLED
