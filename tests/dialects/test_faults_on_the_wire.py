"""Each fault, seen by a client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import ccxt
import pytest

from perpbook.simulation.faults import Faults
from perpbook.simulation.market import Path, Prices, Step
from tests.dialects.clients import answer, ccxt_binance, ccxt_hyperliquid, talk, wait_for
from tests.dialects.served import Served, a_venue, prices_of, served

BTC = "BTC/USDC:USDC"
IOC = {"timeInForce": "Ioc", "reduceOnly": True}
CLOID = "0x" + "a" * 32


def trades(one: Served) -> int:
    return len(one.venues["hyperliquid"].trades["hyperliquid-main"])


async def sell(client: Any) -> Any:
    return await client.create_order(BTC, "limit", "sell", 0.25, 59_000, {**IOC, "clientOrderId": CLOID})


def heard(
    one: Served, channel: dict[str, Any], seconds: float, enough: Callable[[list[str]], bool] = lambda out: False
) -> list[str]:
    """What a websocket client of Hyperliquid is sent, as it comes, for so long or until it is enough."""

    async def listen() -> list[str]:
        out: list[str] = []
        async with aiohttp.ClientSession() as session:
            try:
                socket = await session.ws_connect(one.at("hyperliquid") + "/ws")
            except aiohttp.WSServerHandshakeError:
                return ["closed"]
            await socket.send_json({"method": "subscribe", "subscription": channel})
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0 and not enough(out):
                try:
                    message = await socket.receive(timeout=left)
                except TimeoutError:
                    break
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return [*out, "closed"]
                out.append(message.data)
        return out

    return asyncio.run(listen())


def books(texts: list[str]) -> list[dict[str, Any]]:
    return [one["data"] for one in map(json.loads, texts) if one["channel"] == "l2Book"]


def times_of(texts: list[str]) -> list[int]:
    return [book["time"] for book in books(texts)]


def is_late(times: list[int]) -> bool:
    return times != sorted(times)


def is_of_another(texts: list[str]) -> bool:
    """Whether a book is of a contract that is worth less."""
    return any(float(book["levels"][0][0]["px"]) < 10_000 for book in books(texts))


BOOK = {"type": "l2Book", "coin": "BTC"}
TICKS = Path(steps=tuple(Step(at_ns=tick * 10**8, prices=prices_of("hyperliquid")) for tick in range(1, 100)))
"""A market that is told ten times a second."""


def test_a_500_leaves_nothing_done() -> None:
    async def say(client: Any) -> None:
        with pytest.raises(Exception, match="500"):
            await sell(client)

    with served("hyperliquid", faults=Faults(error=1.0)) as one:
        talk(ccxt_hyperliquid(one), say)
        assert trades(one) == 0
        assert answer(one, "hyperliquid", "/info", {"type": "l2Book", "coin": "BTC"})[0] == 500


def test_a_request_that_hangs_has_acted() -> None:
    async def say(client: Any) -> None:
        client.timeout = 300
        with pytest.raises(ccxt.RequestTimeout):
            await sell(client)

    with served("hyperliquid", faults=Faults(hang=1.0)) as one:
        talk(ccxt_hyperliquid(one), say)
        assert trades(one) == 1


def test_a_hanging_request_is_found_by_its_own_id_and_not_done_twice() -> None:
    async def say(client: Any) -> None:
        client.timeout = 300
        with pytest.raises(ccxt.RequestTimeout):
            await sell(client)
        client.timeout = 5000
        found = await client.fetch_order(CLOID)
        assert (found["status"], found["filled"]) == ("closed", 0.25)

    with served("hyperliquid", faults=Faults(hang=1.0)) as one:
        talk(ccxt_hyperliquid(one), say)
        assert trades(one) == 1


def test_a_rejection_names_no_fault_of_the_client() -> None:
    async def say(client: Any) -> None:
        with pytest.raises(Exception, match="try again later"):
            await sell(client)

    with served("hyperliquid", faults=Faults(reject=1.0)) as one:
        talk(ccxt_hyperliquid(one), say)


def test_a_partial_fill_is_less_than_was_asked() -> None:
    async def say(client: Any) -> float:
        return float((await sell(client))["filled"])

    with served("hyperliquid", faults=Faults(partial=1.0)) as one:
        filled = talk(ccxt_hyperliquid(one), say)
        held = one.venues["hyperliquid"].truth.account("hyperliquid-main").positions[0].quantity
        assert 0.0 < filled < 0.25 and held == pytest.approx(1.0 - filled)


def test_every_message_comes_twice() -> None:
    with served("hyperliquid", faults=Faults(duplicate=1.0), path=TICKS) as one:
        times = times_of(heard(one, BOOK, 5.0, lambda out: len(times_of(out)) >= 3))[1:]
        assert len(times) >= 2 and times[0] == times[1]


def test_late_messages_come_out_of_order() -> None:
    late = Faults(delay=0.5, delay_max_ns=500_000_000)
    with served("hyperliquid", faults=late, path=TICKS) as one:
        assert is_late(times_of(heard(one, BOOK, 8.0, lambda out: is_late(times_of(out)))))


def test_dropped_messages_never_come() -> None:
    with served("hyperliquid", faults=Faults(drop=1.0), path=TICKS) as one:
        assert len(books(heard(one, BOOK, 0.5))) == 1


def test_malformed_messages_are_not_json_or_hold_no_numbers() -> None:
    def is_sound(text: str) -> bool:
        try:
            return any(letter.isdigit() for letter in text) and bool(json.loads(text))
        except json.JSONDecodeError:
            return False

    with served("hyperliquid", faults=Faults(malformed=1.0), path=TICKS) as one:
        assert not all(map(is_sound, heard(one, BOOK, 5.0, lambda out: not all(map(is_sound, out)))))


def test_a_message_of_the_wrong_symbol_shows_another_contracts_prices() -> None:
    with served("hyperliquid", faults=Faults(wrong_symbol=1.0), path=TICKS) as one:
        assert is_of_another(heard(one, BOOK, 8.0, is_of_another))


def test_a_disconnect_closes_the_socket_and_a_silent_one_only_says_nothing() -> None:
    with served("hyperliquid", faults=Faults(disconnect=1.0)) as one:
        assert heard(one, BOOK, 2.0)[-1] == "closed"
    with served("hyperliquid", faults=Faults(disconnect=1.0, silent=1.0), path=TICKS) as one:
        time.sleep(0.2)
        got = heard(one, BOOK, 0.5)
        assert "closed" not in got and len(books(got)) == 1


def test_an_account_may_be_as_it_was() -> None:
    venue = a_venue("hyperliquid", faults=Faults(stale_account=1.0))
    for _ in range(20):
        venue.beat()
    time.sleep(0.05)
    venue.catch_up()
    assert venue.seen("hyperliquid-main")[0].at_ns < venue.truth.now_ns


def test_a_skewed_clock_is_in_every_time_and_clients_that_sign_with_their_own_are_refused() -> None:
    async def say(client: Any) -> None:
        with pytest.raises(Exception, match="-1021"):
            await client.fetch_balance()
        await client.load_time_difference()
        client.options["adjustForTimeDifference"] = True
        assert (await client.fetch_balance())["USDT"]["total"] > 0

    with served("binance", faults=Faults(skew_ns=60_000_000_000)) as one:
        talk(ccxt_binance(one), say)


def test_own_hand_trades_what_nobody_asked() -> None:
    venue = a_venue("hyperliquid", faults=Faults(own_hand=1.0))
    venue.beat()
    assert venue.trades["hyperliquid-main"] and venue.faults_struck() == {"own_hand": 1}


def test_where_time_stops_by_a_bug_of_ours_nobody_is_answered_as_if_it_ran() -> None:
    unfit = Path(steps=(Step(at_ns=10**8, prices={"BTC": Prices(mark=float("nan"))}),))
    with served("hyperliquid", path=unfit) as one:
        wait_for(lambda: answer(one, "hyperliquid", "/info", {"type": "meta"})[0] == 503)
        assert heard(one, BOOK, 0.1) == ["closed"]
