"""Providers that cannot be trusted: what is malformed, too large, too slow or of another question is refused, and no key is
ever told."""

from __future__ import annotations

import base64
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from perpbook.errors import InputError, ProviderError
from perpbook.health.cosmos import CosmosNode
from perpbook.health.evm import EvmNode, evm_node
from perpbook.health.node import Tip
from perpbook.health.rpc import signed
from perpbook.health.solana import SolanaNode, solana_node
from perpbook.health.status_pages import read_status
from perpbook.health.wire import Limits, Wire, address_of
from tests.anvil.relay import Relay, relay

KEY = "s3cr3tk3y"
HASH = "0x" + "ab" * 32
USDC = "0xaf88d065e77c8cC2239327C5EDb3A432268e5831"
LIMITS = Limits(seconds=0.5, most_bytes=10_000)
SOL = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as out:
        yield out


def wired(
    stack: ExitStack, says: Callable[[dict[str, Any]], object], status: list[int] | None = None
) -> tuple[Wire, Relay]:
    """A provider that answers each question by a function: bytes as they are, else as the result of a JSON-RPC call."""

    def change(question: dict[str, Any], _: dict[str, Any]) -> Any:
        said = says(question)
        return said if isinstance(said, bytes) else {"jsonrpc": "2.0", "id": question.get("id"), "result": said}

    served = stack.enter_context(relay(change=change, status=status))
    wire = Wire(address_of(f"{served.url}/v2/{KEY}?token={KEY}", "a test"), LIMITS)
    stack.callback(wire.close)
    return wire, served


def node(stack: ExitStack, says: object) -> EvmNode:
    return evm_node(wired(stack, says if callable(says) else lambda _: says)[0])


BLOCK = {"number": "0x10", "hash": HASH, "timestamp": "0x64"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"<html>gateway</html>", "not JSON"),
        (b"[" * 5_000, "not JSON"),
        (b"[]", "no JSON-RPC"),
        (b'{"jsonrpc": "1.0", "id": 1, "result": "0x1"}', "no JSON-RPC"),
        (b'{"jsonrpc": "2.0", "id": 7, "result": "0x1"}', "another question"),
        (b'{"jsonrpc": "2.0", "id": true, "result": "0x1"}', "another question"),
        (b'{"jsonrpc": "2.0", "id": 1}', "without a result"),
        (
            b'{"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "bad key s3cr3tk3y \\u001b[2J"}}',
            "bad key *** [2J",
        ),
        (b'{"jsonrpc": "2.0", "id": 1, "error": 5}', "refuses eth_chainId: 5"),
        (b" " * 10_001, "more than 10,000 bytes"),
        ("42161", "no hexadecimal"),
        ("0x01", "no hexadecimal"),
        ("0x" + "f" * 65, "no hexadecimal"),
        (42161, "no hexadecimal"),
        ([], "no hexadecimal"),
    ],
)
def test_an_answer_that_is_none_is_refused_in_words_without_a_key(stack: ExitStack, said: object, told: str) -> None:
    with pytest.raises(ProviderError) as error:
        node(stack, said).chain()
    assert told in str(error.value) and KEY not in str(error.value) and str(error.value).startswith("127.0.0.1:")


def test_a_busy_provider_is_asked_again_but_not_for_ever(stack: ExitStack) -> None:
    wire, served = wired(stack, lambda _: "0xa4b1", [503])
    assert evm_node(wire).chain() == "42161" and len(served.asked) == 2
    wire, served = wired(stack, lambda _: "0xa4b1", [429, 503, 503])
    with pytest.raises(ProviderError, match="HTTP 503"):
        evm_node(wire).chain()
    assert len(served.asked) == 2
    wire, served = wired(stack, lambda _: "0xa4b1", [401])
    with pytest.raises(ProviderError, match="HTTP 401"):
        evm_node(wire).chain()
    assert len(served.asked) == 1


@contextmanager
def dripping(head: bytes, drop: bytes) -> Iterator[str]:
    """A server that sends a little again and again: every wait is short, the whole is long."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        ended = threading.Event()

        def serve() -> None:
            caught, _ = server.accept()
            with caught:
                caught.recv(65_536)
                try:
                    caught.sendall(head)
                    while not ended.wait(0.05):
                        caught.sendall(drop)
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/{KEY}"
        ended.set()
        thread.join()


def test_an_answer_that_drips_or_is_packed_is_cut_off(stack: ExitStack) -> None:
    for head, told in (
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", "within 0.5 s"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n", "packs its answer"),
    ):
        url = stack.enter_context(dripping(head, b" "))
        wire = Wire(address_of(url, "a test"), LIMITS)
        stack.callback(wire.close)
        with pytest.raises(ProviderError, match=told):
            wire.post({})


def test_nobody_there_is_told_by_the_host_alone_and_logs_have_no_key(
    stack: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = Wire(address_of(f"http://user:{KEY}@127.0.0.1:{free.getsockname()[1]}/{KEY}", "a test"), LIMITS)
    stack.callback(gone.close)
    with pytest.raises(ProviderError, match="cannot be reached"):
        gone.get("/x")
    wire, served = wired(stack, lambda _: "0x1")
    assert evm_node(wire).chain() == "1" and served.asked == ["eth_chainId"]
    assert KEY not in caplog.text and KEY not in repr(address_of(f"https://host/{KEY}", "x"))


@pytest.mark.parametrize("url", ["ws://host/k3y", "host/k3y", "https://", "http://host:port/k3y", "file:///k3y", ""])
def test_an_address_that_cannot_be_asked_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match="a test is no http") as error:
        address_of(url, "a test")
    assert "k3y" not in str(error.value)


@pytest.mark.parametrize(
    "block",
    [5, [], {}, BLOCK | {"hash": "0x12"}, BLOCK | {"timestamp": None}, BLOCK | {"number": "0x11"}, BLOCK | {"hash": 5}],
)
def test_a_block_that_is_none_is_refused(stack: ExitStack, block: object) -> None:
    with pytest.raises(ProviderError):
        node(stack, block).at(16)


def test_blocks_words_and_signs_are_read_as_they_are_written(stack: ExitStack) -> None:
    assert node(stack, BLOCK).at(16) == Tip(height=16, hash=HASH, time_s=100) and node(stack, None).at(9) is None
    words = "0x" + "".join(f"{one:064x}" for one in (1, 1, 77, 77, 1))
    assert node(stack, words).feed(USDC, 1).down and node(stack, words).feed(USDC, 1).since_s == 77
    assert signed(2**256 - 1) == -1 and signed(5) == 5


@pytest.mark.parametrize(
    "words",
    ["0x", "0x12", "0x" + "0" * 64 * 4, "0x" + f"{2:064x}" * 5, "0x" + "0" * 64 * 5, "0x" + "f" * 64 * 5, 5],
)
def test_a_feed_that_says_neither_up_nor_down_is_refused(stack: ExitStack, words: object) -> None:
    with pytest.raises(ProviderError):
        node(stack, words).feed(USDC, 1)


@pytest.mark.parametrize(
    "history", [None, [], {}, {"baseFeePerGas": []}, {"baseFeePerGas": ["1"]}, {"baseFeePerGas": ["0x1"] * 99}]
)
def test_fees_that_are_none_are_refused(stack: ExitStack, history: object) -> None:
    with pytest.raises(ProviderError):
        node(stack, history).fees()


def test_events_of_blocks_that_were_not_asked_for_are_refused(stack: ExitStack) -> None:
    assert node(stack, []).last_log(USDC, "", 100, 50) is None
    assert node(stack, [{"blockNumber": "0x40"}, {"blockNumber": "0x3c"}]).last_log(USDC, "", 100, 50) == 64
    wrong: list[object] = [[{"blockNumber": "0x1"}], [{"blockNumber": "0x65"}], [5], {}]
    for said in wrong:
        with pytest.raises(ProviderError):
            node(stack, said).last_log(USDC, "", 100, 50)


@pytest.mark.parametrize("sent_at", [51, 60, 99, 100])
def test_the_last_transaction_of_a_sender_is_found_by_its_count(stack: ExitStack, sent_at: int) -> None:
    def says(question: dict[str, Any]) -> str:
        return hex(7 if int(question["params"][1], 16) >= sent_at else 6)

    assert node(stack, says).last_sent(USDC, 100, 50) == sent_at
    assert node(stack, "0x7").last_sent(USDC, 100, 50) is None


def cosmos(stack: ExitStack, pages: dict[str, bytes]) -> CosmosNode:
    """A node whose pages are found by the end of their path."""

    def says(question: dict[str, Any]) -> bytes:
        path = question["path"].removeprefix(f"/v2/{KEY}").replace(f"token={KEY}", "").rstrip("?&")
        return pages.get(path.split("/cosmos/")[1], b"{}")

    return CosmosNode(wire=wired(stack, says)[0])


COSMOS_HASH = base64.b64encode(bytes.fromhex("ab" * 32))
COSMOS_BLOCK = (
    b'{"block_id": {"hash": "%s"}, "block": {"header": {"chain_id": "noble-1", "height": "16", "time": "%s"}}}'
)
LATEST = "base/tendermint/v1beta1/blocks/latest"


def test_a_cosmos_chain_is_read_by_rest(stack: ExitStack) -> None:
    block = COSMOS_BLOCK % (COSMOS_HASH, b"1970-01-01T00:01:40.123456789Z")
    first = b'{"balances": [{"denom": "uusdc", "amount": "5000000"}], "pagination": {"next_key": "a+b="}}'
    second = b'{"balances": [{"denom": "adydx", "amount": "7"}], "pagination": {"next_key": null}}'
    me = "noble1" + "q" * 38
    at = {f"bank/v1beta1/balances/{me}": first, f"bank/v1beta1/balances/{me}?pagination.key=a%2Bb%3D": second}
    found = cosmos(stack, {LATEST: block, "base/tendermint/v1beta1/blocks/16": block, **at})
    assert found.chain() == "noble-1" and found.tip() == found.at(16) == Tip(height=16, hash=HASH, time_s=100)
    assert found.balances(me) == {"uusdc": 5_000_000, "adydx": 7}


@pytest.mark.parametrize(
    "page",
    [
        b"[]",
        b"{}",
        b'{"block": {"header": {"height": "x", "time": "1970-01-01T00:01:40Z"}}, "block_id": {"hash": "QUJD"}}',
        COSMOS_BLOCK % (COSMOS_HASH, b"1970-13-01T00:01:40Z"),
        COSMOS_BLOCK % (COSMOS_HASH, b"yesterday"),
        COSMOS_BLOCK % (b"QUJD", b"1970-01-01T00:01:40Z"),
    ],
)
def test_a_cosmos_block_that_is_none_is_refused(stack: ExitStack, page: bytes) -> None:
    with pytest.raises(ProviderError):
        cosmos(stack, {LATEST: page}).tip()


def solana(stack: ExitStack, said: dict[str, object]) -> SolanaNode:
    return solana_node(wired(stack, lambda question: said[question["method"]])[0])


def test_solana_is_read_by_slots_and_what_has_no_block_is_passed_over(stack: ExitStack) -> None:
    account = {"account": {"data": {"parsed": {"info": {"mint": SOL, "tokenAmount": {"amount": "25", "decimals": 6}}}}}}
    found = solana(
        stack,
        {
            "getGenesisHash": SOL, "getSlot": 120, "getBlockTime": 100, "getBlocks": [97, 99], "getBalance": {"value": 5},
            "getBlock": {"blockhash": SOL, "blockTime": 90}, "getTokenAccountsByOwner": {"value": [account, account]},
        },
    )  # fmt: skip
    assert found.chain() == SOL and found.tip().height == 120
    assert found.at(100) == Tip(height=99, hash=SOL, time_s=90)
    assert found.native(SOL) == 5 and found.token(SOL, SOL) == (50, 6)


@pytest.mark.parametrize(
    "said", [{"getBlocks": [101]}, {"getBlocks": 5}, {"getBlocks": [True]}, {"getBlocks": [99], "getBlock": {}}]
)
def test_slots_that_are_none_are_refused(stack: ExitStack, said: dict[str, object]) -> None:
    with pytest.raises(ProviderError):
        solana(stack, said).at(100)


def test_a_status_page_is_read_by_its_indicator_and_nothing_else_will_do(stack: ExitStack) -> None:
    def page(said: bytes) -> Wire:
        return wired(stack, lambda _: said)[0]

    found = read_status(page(b'{"status": {"indicator": "critical", "description": "Block production is stalled"}}'))
    assert (found.level, found.said) == (2, "Block production is stalled")
    for said in (b"{}", b"[]", b'{"status": {"indicator": "purple"}}', b'{"status": {"indicator": []}}'):
        with pytest.raises(ProviderError, match="no status"):
            read_status(page(said))
