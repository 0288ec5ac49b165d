"""Chains of the Starknet kind and Hyperliquid's own layer: what is malformed, of another chain, late or a lie is named."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from perpbook.engine.clock import now_ns
from perpbook.errors import ProviderError
from perpbook.health.hyperliquid import HyperliquidNode
from perpbook.health.node import Tip
from perpbook.health.starknet import StarknetNode, starknet_node
from perpbook.health.watched_load import packaged_clocks
from perpbook.health.wire import Limits, Wire, address_of
from tests.anvil.relay import Answer, Change, relay
from tests.unit.test_health_faces import ask, document, serve

RECORDED = Path(os.environ.get("PERPBOOK_RECORDINGS", "none")) / "venue_payloads" / "hyperliquid"
HYPE = packaged_clocks()["hyperliquid-l1"].chain
MAIN, PARADEX = (packaged_clocks()[one].chain for one in ("starknet", "paradex"))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as out:
        yield out


def wire(stack: ExitStack, change: Change) -> Wire:
    served = stack.enter_context(relay(change=change))
    out = Wire(address_of(served.url, "a test"), Limits(seconds=1.0))
    stack.callback(out.close)
    return out


def named(chain: str) -> str:
    """A chain's name as nodes write it."""
    return "0x" + chain.encode().hex()


@dataclass(slots=True, kw_only=True)
class Cairo:
    """A chain with a block a second, accepted below five hours later, of which a block can be spoilt."""

    chain: str = MAIN
    behind: int = 1
    fork: str = ""
    spoilt: tuple[tuple[str, object], ...] = ()
    proved: bool = True

    def __call__(self, question: Answer, _: Answer) -> Answer:
        out: Answer = {"jsonrpc": "2.0", "id": question["id"]}
        if question["method"] == "starknet_chainId":
            return out | {"result": named(self.chain)}
        (which,), last = question["params"], now_ns() // 10**9 - self.behind
        if which == "l1_accepted" and not self.proved:
            return out | {"error": {"code": -32602, "message": "Invalid params"}}
        tags = {"latest": last, "l1_accepted": last - 18_000}
        height = tags[which] if isinstance(which, str) else which["block_number"]
        if height > last:
            return out | {"error": {"code": 24, "message": "Block not found"}}
        return out | {"result": self._block(height, proved=which == "l1_accepted") | dict(self.spoilt)}

    def _block(self, height: int, *, proved: bool) -> Answer:
        name = hashlib.sha256(f"{self.fork}{height}".encode()).hexdigest()[:60]
        price = {"price_in_fri": "0x1", "price_in_wei": hex(2 * 10**9)}
        return {
            "status": "ACCEPTED_ON_L1" if proved else "ACCEPTED_ON_L2", "block_number": height, "timestamp": height,
            "block_hash": hex(int(name, 16)), "l1_gas_price": price, "l1_data_gas_price": price, "transactions": [],
        }  # fmt: skip


def starknet(stack: ExitStack, **words: Any) -> StarknetNode:
    return starknet_node(wire(stack, Cairo(**words)))


def test_a_starknet_node_is_read_as_its_specification_writes(stack: ExitStack) -> None:
    node = starknet(stack)
    tip = node.tip()
    assert node.chain() == "SN_MAIN" and tip == node.at(tip.height) and tip.time_s == tip.height
    assert len(tip.hash) == 66 and node.at(tip.height + 1_000) is None
    proved = node.tagged("finalized")
    assert proved is not None and node.tip().height - proved.height >= 18_000
    assert (node.fees().base_gwei, node.fees().blob_gwei) == (2.0, 2.0)


@pytest.mark.parametrize(
    "spoilt",
    [
        ("block_number", "0x10"), ("block_number", "16"), ("block_number", True), ("block_number", 17), ("block_number", -1),
        ("timestamp", "0x64"), ("timestamp", "100"), ("timestamp", 1.5), ("timestamp", None),
        ("block_hash", 16), ("block_hash", "16"), ("block_hash", "0x0"), ("block_hash", "0x"), ("block_hash", None),
        ("status", "PENDING"), ("status", "PRE_CONFIRMED"), ("status", "REJECTED"), ("status", None), ("status", []),
    ],
)  # fmt: skip
def test_a_starknet_block_that_is_none_is_refused(stack: ExitStack, spoilt: tuple[str, object]) -> None:
    with pytest.raises(ProviderError):
        starknet(stack, spoilt=(spoilt,)).at(16)


@pytest.mark.parametrize("price", [None, {}, {"price_in_wei": 5}, {"price_in_wei": "5"}, {"price_in_fri": "0x5"}])
def test_a_price_that_is_none_is_refused(stack: ExitStack, price: object) -> None:
    with pytest.raises(ProviderError, match="l1_gas_price"):
        starknet(stack, spoilt=(("l1_gas_price", price),)).fees()


@pytest.mark.parametrize("said", ["SN_MAIN", "0x00", 5, None, "0x0", "0x1f", "0xff"])
def test_a_chain_id_that_is_no_name_is_refused(stack: ExitStack, said: object) -> None:
    node = starknet_node(wire(stack, lambda question, _: {"jsonrpc": "2.0", "id": question["id"], "result": said}))
    with pytest.raises(ProviderError):
        node.chain()


def test_only_the_answer_that_there_is_no_such_block_means_that(stack: ExitStack) -> None:
    error: Answer = {"code": 24, "message": "x"}
    node = starknet_node(wire(stack, lambda question, _: {"jsonrpc": "2.0", "id": question["id"], "error": error}))
    assert node.at(5) is None
    error.update(code=25, message="Block not found")
    with pytest.raises(ProviderError, match="refuses"):
        node.at(5)


def test_starknet_lives_and_what_is_accepted_below_is_its_batches(stack: ExitStack) -> None:
    code, found = document(*serve(stack, Cairo(), Cairo(), layer="starknet"), "--forget")
    (layer,) = found["data"]["layers"]
    assert code == 0 and layer["state"] == "ok" and layer["fees"]["base_gwei"] == 2.0
    assert layer["clocks"]["batches"]["age_s"] == pytest.approx(18_000, abs=5)
    old = [Cairo(proved=False), Cairo(proved=False)]
    code, found = document(*serve(stack, *old, layer="starknet"), "--forget")
    assert code == 20 and found["data"]["layers"][0]["clocks"]["batches"]["state"] == "unknown"


@pytest.mark.parametrize(
    ("chains", "code", "told"),
    [
        ([Cairo(behind=600), Cairo(behind=600)], 10, "halted"),
        ([Cairo(), Cairo(fork="x")], 20, "nobody can be believed"),
        ([Cairo(), Cairo(), Cairo(fork="x")], 0, "gives another block at that depth"),
        ([Cairo(), Cairo(), Cairo(behind=900)], 0, "blocks behind the others"),
        ([Cairo(), Cairo(), Cairo(chain="SN_SEPOLIA")], 0, "is of chain SN_SEPOLIA, not of SN_MAIN"),
        ([Cairo(chain=PARADEX), Cairo(chain=PARADEX)], 20, "can be believed"),
        ([Cairo(behind=-600), Cairo(behind=-600)], 20, "ahead of this machine's"),
    ],
)
def test_starknet_halts_liars_and_other_chains_are_named(
    stack: ExitStack, chains: list[Cairo], code: int, told: str
) -> None:
    found, out = ask(*serve(stack, *chains, layer="starknet"), "--forget")
    assert found == code and told in out


def test_a_rollback_of_starknet_is_seen_at_the_next_look_and_paradex_is_its_kin(
    stack: ExitStack, tmp_path: Path
) -> None:
    for layer, chain in (("starknet", MAIN), ("paradex", PARADEX)):
        one = Cairo(chain=chain)
        words = [*serve(stack, one, one, layer=layer), "--memory", str(tmp_path / f"{layer}.json")]
        assert ask(*words)[0] == 0
        one.fork = "after"
        code, out = ask(*words)
        assert code == 10 and "is another one than before" in out


@dataclass(slots=True, kw_only=True)
class Core:
    """Hyperliquid's info endpoint: its exchange and an account's state, each so many seconds behind."""

    coin: str = HYPE
    exchange: float = 0.5
    account: float = 0.5
    special: object = None

    def __call__(self, question: Answer, _: Answer) -> Any:
        now_ms = now_ns() // 10**6
        return {
            "spotMeta": {"universe": [], "tokens": [{"name": "USDC", "tokenId": "0x1"}, {"name": "HYPE", "tokenId": self.coin}]},
            "exchangeStatus": {"specialStatuses": self.special, "time": now_ms - round(1_000 * self.exchange)},
            "clearinghouseState": {"assetPositions": [], "time": now_ms - round(1_000 * self.account)},
        }[question["type"]]  # fmt: skip


def test_hyperliquid_lives_by_the_older_of_two_times(stack: ExitStack) -> None:
    code, found = document(*serve(stack, Core(), Core(), layer="hyperliquid-l1"), "--forget")
    (layer,) = found["data"]["layers"]
    assert code == 0 and layer["state"] == "ok" and layer["clocks"]["head"]["age_s"] < 3.0
    for late in (Core(exchange=60.0), Core(account=60.0)):
        assert ask(*serve(stack, late, late, layer="hyperliquid-l1"), "--forget")[0] == 10


@pytest.mark.parametrize(
    ("cores", "code", "told"),
    [
        ([Core()], 20, "is no quorum"),
        ([Core(), Core(), Core(account=40.0)], 0, "seconds behind the others"),
        ([Core(), Core(), Core(coin="0x7317beb7cceed72ef0b346074cc8e7ab")], 0, "is of chain 0x7317"),
        ([Core(), Core(special={"halted": True})], 0, "says that its state is special (127.0.0.1:"),
        ([Core(exchange=-60.0, account=-60.0)] * 2, 20, "ahead of this machine's"),
    ],
)
def test_hyperliquid_providers_that_lag_lie_or_warn_are_named(
    stack: ExitStack, cores: list[Core], code: int, told: str
) -> None:
    words = [*serve(stack, *cores, layer="hyperliquid-l1"), "--forget"]
    found, out = ask(*words)
    assert found == code and told in " ".join(out.split())
    assert code != 0 or ask(*words, "--strict")[0] == 11


@pytest.mark.parametrize(
    "said", [[], None, {}, {"time": "1700000000000"}, {"time": 1.7e12}, {"time": True}, {"time": 0}, {"time": -5}]
)
def test_a_state_without_a_time_is_refused(stack: ExitStack, said: object) -> None:
    with pytest.raises(ProviderError):
        HyperliquidNode(wire=wire(stack, lambda question, _: json.dumps(said).encode())).tip()


@pytest.mark.parametrize(
    "tokens", [None, {}, [5], [{"name": "HYPE"}], [{"name": "HYPE", "tokenId": 5}], [{"name": "X"}]]
)
def test_coins_that_name_no_chain_are_refused(stack: ExitStack, tokens: object) -> None:
    with pytest.raises(ProviderError, match="which chain"):
        HyperliquidNode(wire=wire(stack, lambda question, _: {"tokens": tokens})).chain()


def test_a_clock_that_goes_back_behind_what_was_seen_is_a_rollback(stack: ExitStack, tmp_path: Path) -> None:
    core = Core()
    words = [*serve(stack, core, core, layer="hyperliquid-l1"), "--memory", str(tmp_path / "health.json")]
    assert ask(*words)[0] == 0
    core.account = 30.0
    code, out = ask(*words)
    assert code == 10 and "the chain is shorter than it was" in out


@pytest.mark.skipif(not RECORDED.is_dir(), reason="PERPBOOK_RECORDINGS names no recordings")
def test_the_time_of_a_recorded_state_is_read(stack: ExitStack) -> None:
    state = json.loads((RECORDED / "http_clearinghouse_state_negative_total_raw_usd.json").read_text(encoding="utf-8"))
    later = {"specialStatuses": None, "time": state["time"] + 60_000}
    node = HyperliquidNode(
        wire=wire(stack, lambda question, _: later if question["type"] == "exchangeStatus" else state)
    )
    assert node.tip() == Tip(height=1_700_000_000, hash="", time_s=1_700_000_000)
    assert not node.special() and node.at(1_700_000_001) is None


def test_balances_are_refused_where_only_health_is_read(tmp_path: Path) -> None:
    file = tmp_path / "health.toml"
    head = 'schema = "health/1"\n[layers.starknet]\nproviders = ["https://a.example", "https://b.example"]\n'
    for line in ('accounts = ["0x12"]', 'tokens = { USDC = "0x12" }'):
        file.write_text(head + line + "\n")
        code, out = ask("--providers", str(file))
        assert code == 3 and "cannot be read on this layer" in out
