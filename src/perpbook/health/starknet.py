"""A node of a chain of the Starknet kind by its JSON-RPC, read only: blocks, what is proved below, what gas costs.

Its specification writes heights and times as numbers, hashes and prices as hexadecimal text; nothing else is taken.
https://github.com/starkware-libs/starknet-specs (0.9 and later know what is accepted below).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perpbook.health.node import Tip
from perpbook.health.rpc import Rpc
from perpbook.health.wire import Wire
from perpbook.model.health import Fees

BLOCK = "starknet_getBlockWithTxHashes"
BLOCK_NOT_FOUND = 24
TAGS = {"finalized": "l1_accepted"}
"""What is final here: accepted by the contract on the layer below."""

ACCEPTED = ("ACCEPTED_ON_L2", "ACCEPTED_ON_L1")
GWEI = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class StarknetNode:
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
        """The chain's name, as "SN_MAIN": a number whose bytes are letters."""
        told = self.rpc.quantity(self.rpc.ask("starknet_chainId"), "the chain id")
        letters = told.to_bytes((told.bit_length() + 7) // 8, "big")
        if not letters or not all(33 <= one <= 126 for one in letters):
            raise self.rpc.fault("gives a chain id that is no name")
        return letters.decode("ascii")

    def tip(self) -> Tip:
        """Its newest block that is accepted: not one that is still being filled."""
        return self._tip(self._latest())

    def at(self, height: int) -> Tip | None:
        """The block at a height; None where there is none yet, or no more."""
        found = self._block({"block_number": height})
        tip = None if found is None else self._tip(found)
        if tip is not None and tip.height != height:
            raise self.rpc.fault(f"gives block {tip.height} where block {height} was asked for")
        return tip

    def tagged(self, tag: str) -> Tip | None:
        """The newest block that is "finalized"; None where there is none."""
        found = self._block(TAGS[tag])
        if found is not None and found.get("status") != "ACCEPTED_ON_L1":
            raise self.rpc.fault("gives as accepted below a block that is not")
        return None if found is None else self._tip(found)

    def fees(self) -> Fees:
        """What the newest block charges for the gas and the blobs of the layer below; of late is not known here."""
        block = self._latest()
        gas, blob = self._wei(block, "l1_gas_price"), self._wei(block, "l1_data_gas_price")
        return Fees(base_gwei=gas / GWEI, median_gwei=gas / GWEI, blob_gwei=blob / GWEI or None)

    def _wei(self, block: dict[str, Any], name: str) -> int:
        price = block.get(name)
        return self.rpc.quantity(price.get("price_in_wei") if isinstance(price, dict) else None, f"its {name}")

    def _latest(self) -> dict[str, Any]:
        found = self._block("latest")
        if found is None:
            raise self.rpc.fault("has no newest block")
        return found

    def _block(self, which: object) -> dict[str, Any] | None:
        found = self.rpc.ask_if_there(BLOCK, BLOCK_NOT_FOUND, which)
        if found is not None and not isinstance(found, dict):
            raise self.rpc.fault("gives a block that is none")
        if found is not None and found.get("status") not in ACCEPTED:
            raise self.rpc.fault(f"gives a block whose status is {self.rpc.shown(found.get('status'))}: not accepted")
        return found

    def _tip(self, block: dict[str, Any]) -> Tip:
        told = self.rpc.quantity(block.get("block_hash"), "a block's hash")
        if told == 0:
            raise self.rpc.fault("gives a block's hash that is none")
        return Tip(
            height=self.rpc.count(block.get("block_number"), "a block's number"),
            hash=f"0x{told:064x}",
            time_s=self.rpc.count(block.get("timestamp"), "a block's time"),
        )


def starknet_node(wire: Wire) -> StarknetNode:
    """A node at an address."""
    return StarknetNode(wire=wire, rpc=Rpc(wire))
