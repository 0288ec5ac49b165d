"""A Solana node, read only: slots and balances. Heights are slots; slots without a block are passed over."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from perpbook.health.node import Tip
from perpbook.health.rpc import Rpc
from perpbook.health.wire import Wire

KEY = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
BACK = 64
"""How many slots below one are looked at for a block: more than that in a row without one is a halt."""

CONFIRMED = {"commitment": "confirmed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SolanaNode:
    """One node."""

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
        """The hash of its first block."""
        return self._key(self.rpc.ask("getGenesisHash"), "its first block's hash")

    def tip(self) -> Tip:
        """The newest slot that is confirmed, by its time; the hash is asked for further down, where blocks are kept."""
        slot = self.rpc.count(self.rpc.ask("getSlot", CONFIRMED), "its slot")
        return Tip(height=slot, hash="", time_s=self.rpc.count(self.rpc.ask("getBlockTime", slot), "a slot's time"))

    def at(self, height: int) -> Tip | None:
        """The newest block up to a slot, None where there is none near it."""
        found = self.rpc.ask("getBlocks", max(0, height - BACK), height, CONFIRMED)
        if not isinstance(found, list):
            raise self.rpc.fault("gives slots that are no list")
        slots = [self.rpc.count(one, "a slot") for one in found]
        if not slots:
            return None
        last = max(slots)
        if last > height:
            raise self.rpc.fault("gives slots that were not asked for")
        block = self.rpc.ask(
            "getBlock", last, {**CONFIRMED, "transactionDetails": "none", "rewards": False, "maxSupportedTransactionVersion": 0}
        )  # fmt: skip
        if not isinstance(block, dict):
            return None
        return Tip(
            height=last,
            hash=self._key(block.get("blockhash"), "a block's hash"),
            time_s=self.rpc.count(block.get("blockTime"), "a block's time"),
        )

    def native(self, account: str) -> int:
        """What an account holds of SOL, in lamports."""
        return self.rpc.count(self._value(self.rpc.ask("getBalance", account, CONFIRMED)), "a balance")

    def token(self, mint: str, account: str) -> tuple[int, int | None]:
        """What an account's token accounts hold of a token, in its smallest unit, and the token's decimals (None for no
        account)."""
        asked = {"encoding": "jsonParsed", **CONFIRMED}
        rows = self._value(self.rpc.ask("getTokenAccountsByOwner", account, {"mint": mint}, asked))
        if not isinstance(rows, list):
            raise self.rpc.fault("gives token accounts that are no list")
        amounts = [self._amount(row, mint) for row in rows]
        decimals = {one for _, one in amounts}
        if len(decimals) > 1:
            raise self.rpc.fault("gives one token with several decimals")
        return sum(units for units, _ in amounts), decimals.pop() if decimals else None

    def _amount(self, row: Any, mint: str) -> tuple[int, int]:
        try:
            told = row["account"]["data"]["parsed"]["info"]
            amount, of = told["tokenAmount"], told["mint"]
            units, decimals = amount["amount"], amount["decimals"]
        except (KeyError, TypeError):
            raise self.rpc.fault("gives a token account that is none") from None
        if of != mint or not isinstance(units, str) or not re.fullmatch(r"[0-9]{1,20}", units):
            raise self.rpc.fault("gives a token account that is none")
        return int(units), self.rpc.count(decimals, "a token's decimals")

    def _value(self, found: object) -> Any:
        if not isinstance(found, dict) or "value" not in found:
            raise self.rpc.fault("answers without a value")
        return found["value"]

    def _key(self, found: object, what: str) -> str:
        if not isinstance(found, str) or not KEY.fullmatch(found):
            raise self.rpc.fault(f"gives {what} as {self.rpc.shown(found)}, which is none")
        return found


def solana_node(wire: Wire) -> SolanaNode:
    """A node at an address."""
    return SolanaNode(wire=wire, rpc=Rpc(wire))
