"""Hyperliquid's own layer by its info endpoint, read only: how old its state is, and what its exchange says.

The endpoint tells no blocks, so a height is a second of the layer's clock and has no hash: providers are compared by their time
alone, and another past behind the same time is not seen.
https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from perpbook.health.node import Tip
from perpbook.health.wire import Wire

COIN = "HYPE"
COIN_ID = re.compile(r"0x[0-9a-fA-F]{32}")
NOBODY = "0x" + "0" * 40
"""An account that everybody may ask for: its state is empty, and has the time all the same."""

MILLISECONDS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HyperliquidNode:
    """One provider of the endpoint, or a node that serves it."""

    wire: Wire

    @property
    def name(self) -> str:
        """The provider's host."""
        return self.wire.name

    def close(self) -> None:
        """Let its connections go."""
        self.wire.close()

    def chain(self) -> str:
        """The id of its own coin: it says no name of the chain, and every chain has its coin under another id."""
        tokens = self._ask({"type": "spotMeta"}).get("tokens")
        rows = [one for one in tokens if isinstance(one, dict)] if isinstance(tokens, list) else []
        found = [one.get("tokenId") for one in rows if one.get("name") == COIN]
        if len(found) != 1 or not isinstance(found[0], str) or not COIN_ID.fullmatch(found[0]):
            raise self.wire.fault(f"does not say which chain it is of: its coins have no {COIN}, or several")
        return found[0].lower()

    def tip(self) -> Tip:
        """The second of its state: the older of what the exchange and an account's state say, for either may be a clock that
        runs on."""
        exchange = self._time(self._status(), "the exchange's status")
        account = self._time(self._ask({"type": "clearinghouseState", "user": NOBODY}), "an account's state")
        second = min(exchange, account) // MILLISECONDS
        return Tip(height=second, hash="", time_s=second)

    def at(self, height: int) -> Tip | None:
        """A second that is past; None where its clock has not come so far."""
        return Tip(height=height, hash="", time_s=height) if self.tip().height >= height else None

    def special(self) -> bool:
        """Whether the exchange says that its state is special; what is ordinary is told as null."""
        found = self._status()
        if "specialStatuses" not in found:
            raise self.wire.fault("gives a status of the exchange that is none")
        return found["specialStatuses"] is not None

    def _status(self) -> dict[str, Any]:
        return self._ask({"type": "exchangeStatus"})

    def _time(self, found: dict[str, Any], what: str) -> int:
        told = found.get("time")
        if isinstance(told, bool) or not isinstance(told, int) or told <= 0:
            raise self.wire.fault(f"gives {what} without a time")
        return told

    def _ask(self, body: dict[str, str]) -> dict[str, Any]:
        found = self.wire.post(body)
        if not isinstance(found, dict):
            raise self.wire.fault(f"answers {body['type']} with something that is no document")
        return found
