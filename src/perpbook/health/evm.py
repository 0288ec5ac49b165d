"""An EVM node, read only: blocks, what is final, fees, balances, the sequencer's uptime feed, what was posted last."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from perpbook.health.node import Tip
from perpbook.health.rpc import ADDRESS, HASH, Rpc, signed
from perpbook.health.wire import Wire
from perpbook.model.health import Fees

LATEST_ROUND_DATA = "0xfeaf968c"
BALANCE_OF = "0x70a08231"
DECIMALS = "0x313ce567"
PAUSED = "0x5c975abb"
"""First four bytes of the Keccak hash of latestRoundData(), balanceOf(address), decimals() and paused()."""

GWEI = 1e9
FEE_BLOCKS = 20
"""How many blocks' base fees "of late" means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What an uptime feed says: whether the sequencer is down, and since when that is so (seconds since 1970). It is written on
    the layer itself: while that stands still it shows what was before."""

    down: bool
    since_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvmNode:
    """One node; heights are block numbers."""

    wire: Wire
    rpc: Rpc

    @property
    def name(self) -> str:
        """The provider's host."""
        return self.wire.name

    def close(self) -> None:
        """Let its connections go."""
        self.wire.close()

    def chain(self) -> str:
        """The chain id, as a decimal number."""
        return str(self.rpc.quantity(self.rpc.ask("eth_chainId"), "the chain id"))

    def tip(self) -> Tip:
        """Its newest block."""
        found = self._block("latest")
        if found is None:
            raise self.rpc.fault("has no newest block")
        return found

    def at(self, height: int) -> Tip | None:
        """The block at a height; None where there is none yet, or no more."""
        found = self._block(hex(height))
        if found is not None and found.height != height:
            raise self.rpc.fault(f"gives block {found.height} where block {height} was asked for")
        return found

    def tagged(self, tag: str) -> Tip | None:
        """The block that is "safe" (posted below) or "finalized" (final below); None where the node knows none."""
        return self._block(tag)

    def fees(self) -> Fees:
        """What gas costs now and of late."""
        found = self.rpc.ask("eth_feeHistory", hex(FEE_BLOCKS), "latest", [])
        bases = found.get("baseFeePerGas") if isinstance(found, dict) else None
        if not isinstance(bases, list) or not bases or len(bases) > FEE_BLOCKS + 1:
            raise self.rpc.fault("gives a history of fees without base fees")
        gwei = [self.rpc.quantity(one, "a base fee") / GWEI for one in bases]
        blobs = found.get("baseFeePerBlobGas")
        blob = None
        if isinstance(blobs, list) and blobs:
            blob = self.rpc.quantity(blobs[-1], "the base fee of blobs") / GWEI
        return Fees(base_gwei=gwei[-1], median_gwei=median(gwei), blob_gwei=blob or None)

    def native(self, account: str, height: int) -> int:
        """What an account holds of the chain's own coin at a block, in its smallest unit."""
        return self.rpc.quantity(self.rpc.ask("eth_getBalance", checked(account), hex(height)), "a balance")

    def token(self, token: str, account: str, height: int) -> int:
        """What an account holds of an ERC-20 token at a block, in its smallest unit."""
        return self._call(token, BALANCE_OF + padded(account), height, 1, "a balance")[0]

    def decimals(self, token: str, height: int) -> int:
        """How many decimals a token has."""
        found = self._call(token, DECIMALS, height, 1, "a token's decimals")[0]
        if found > 77:
            raise self.rpc.fault(f"says that a token has {found} decimals")
        return found

    def feed(self, address: str, height: int) -> Feed:
        """The uptime feed at a block: answer 0 is up, 1 is down."""
        _, answer, started, _, _ = self._call(address, LATEST_ROUND_DATA, height, 5, "the uptime feed")
        if signed(answer) not in (0, 1):
            raise self.rpc.fault(f"says that the uptime feed answers {signed(answer)}, which is neither 0 nor 1")
        if started == 0:
            raise self.rpc.fault("says that the uptime feed has no round yet")
        return Feed(down=signed(answer) == 1, since_s=started)

    def paused(self, address: str, height: int) -> bool:
        """Whether a contract says that it is paused."""
        return self._call(address, PAUSED, height, 1, "whether a contract is paused")[0] != 0

    def last_log(self, address: str, topic: str, height: int, back: int) -> int | None:
        """The height of a contract's newest event among the `back` blocks up to a height; topic "" for any. None for no event."""
        within = {"address": checked(address), "fromBlock": hex(max(0, height - back)), "toBlock": hex(height)}
        if topic:
            within["topics"] = [topic]  # type: ignore[assignment]
        found = self.rpc.ask("eth_getLogs", within)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self.rpc.fault("gives events that are no list")
        heights = [self.rpc.quantity(one.get("blockNumber"), "the block of an event") for one in found]
        if heights and not height - back <= max(heights) <= height:
            raise self.rpc.fault("gives events of blocks that were not asked for")
        return max(heights, default=None)

    def last_sent(self, account: str, height: int, back: int) -> int | None:
        """The height at which an account last sent a transaction, among the `back` blocks up to a height; None where it sent
        none."""
        low, high = max(0, height - back), height
        now, before = self._sent(account, high), self._sent(account, low)
        if now == before:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._sent(account, middle) == now else (middle, high)
        return high

    def _sent(self, account: str, height: int) -> int:
        found = self.rpc.ask("eth_getTransactionCount", checked(account), hex(height))
        return self.rpc.quantity(found, "a count of transactions")

    def _call(self, to: str, data: str, height: int, words: int, what: str) -> tuple[int, ...]:
        found = self.rpc.ask("eth_call", {"to": checked(to), "data": data}, hex(height))
        return self.rpc.words(found, words, what)

    def _block(self, which: str) -> Tip | None:
        found: Any = self.rpc.ask("eth_getBlockByNumber", which, False)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise self.rpc.fault("gives a block that is none")
        return Tip(
            height=self.rpc.quantity(found.get("number"), "a block's number"),
            hash=self.rpc.hash(found.get("hash"), "a block's hash"),
            time_s=self.rpc.quantity(found.get("timestamp"), "a block's time"),
        )


def evm_node(wire: Wire) -> EvmNode:
    """A node at an address."""
    return EvmNode(wire=wire, rpc=Rpc(wire))


def checked(address: str) -> str:
    """An account's or a contract's address; what is read from files is checked there."""
    assert ADDRESS.fullmatch(address), "an address has 20 bytes"
    return address.lower()


def padded(address: str) -> str:
    """An address as a word of a call."""
    return checked(address)[2:].rjust(64, "0")


def is_topic(text: str) -> bool:
    """True for the hash of an event's signature."""
    return HASH.fullmatch(text) is not None
