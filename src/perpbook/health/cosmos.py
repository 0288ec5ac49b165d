"""A chain of the Cosmos family by its REST interface, read only: blocks and balances."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from perpbook.errors import ProviderError
from perpbook.health.node import Tip
from perpbook.health.wire import Wire

ACCOUNT = re.compile(r"[a-z]{1,20}1[02-9ac-hj-np-z]{6,90}")
BLOCKS = "/cosmos/base/tendermint/v1beta1/blocks"
BALANCES = "/cosmos/bank/v1beta1/balances"
MOST_PAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CosmosNode:
    """One node."""

    wire: Wire

    @property
    def name(self) -> str:
        """The provider's host."""
        return self.wire.name

    def close(self) -> None:
        """Let its connections go."""
        self.wire.close()

    def chain(self) -> str:
        """The chain's name, as "noble-1"."""
        found = self._header(self._ask(f"{BLOCKS}/latest")).get("chain_id")
        if not isinstance(found, str) or not found:
            raise self.wire.fault("does not say which chain it is of")
        return found

    def tip(self) -> Tip:
        """Its newest block."""
        return self._tip(self._ask(f"{BLOCKS}/latest"))

    def at(self, height: int) -> Tip | None:
        """The block at a height, None where it says that it has none."""
        try:
            found = self._ask(f"{BLOCKS}/{height}")
        except ProviderError as error:
            # A height that is not there yet is answered with a status of its own: 400 or 404, by version.
            if str(error).endswith(("HTTP 400", "HTTP 404")):
                return None
            raise
        tip = self._tip(found)
        if tip.height != height:
            raise self.wire.fault(f"gives block {tip.height} where block {height} was asked for")
        return tip

    def balances(self, account: str) -> dict[str, int]:
        """What an account holds by coin, in each coin's smallest unit."""
        assert ACCOUNT.fullmatch(account), "an account's name was checked where it was read"
        out: dict[str, int] = {}
        key = ""
        for _ in range(MOST_PAGES):
            found = self._ask(f"{BALANCES}/{account}" + (f"?pagination.key={quote(key, safe='')}" if key else ""))
            rows = found.get("balances")
            if not isinstance(rows, list):
                raise self.wire.fault("gives balances that are no list")
            for row in rows:
                coin, units = self._coin(row)
                if coin in out:
                    raise self.wire.fault("gives one coin twice among balances")
                out[coin] = units
            page = found.get("pagination")
            key = str(page.get("next_key") or "") if isinstance(page, dict) else ""
            if not key:
                return out
        raise self.wire.fault(f"gives more than {MOST_PAGES} pages of balances")

    def _coin(self, row: object) -> tuple[str, int]:
        coin = row.get("denom") if isinstance(row, dict) else None
        units = row.get("amount") if isinstance(row, dict) else None
        if not isinstance(coin, str) or not isinstance(units, str) or not re.fullmatch(r"[0-9]{1,78}", units):
            raise self.wire.fault("gives a balance that is no amount of a coin")
        return coin, int(units)

    def _tip(self, found: dict[str, Any]) -> Tip:
        header, name = self._header(found), found.get("block_id")
        height, told = header.get("height"), name.get("hash") if isinstance(name, dict) else None
        if not isinstance(height, str) or not re.fullmatch(r"[0-9]{1,18}", height):
            raise self.wire.fault("gives a block without a height")
        return Tip(height=int(height), hash=self._hash(told), time_s=self._time(header.get("time")))

    def _hash(self, told: object) -> str:
        try:
            found = base64.b64decode(told, validate=True) if isinstance(told, str) else b""
        except ValueError:
            found = b""
        if len(found) != 32:
            raise self.wire.fault("gives a block's hash that is none")
        return "0x" + found.hex()

    def _time(self, told: object) -> int:
        # Nanoseconds are more than Python reads.
        match = re.fullmatch(
            r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", told if isinstance(told, str) else ""
        )
        try:
            return (
                int(datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00")).timestamp())
                if match
                else self._no()
            )
        except ValueError:
            return self._no()

    def _no(self) -> int:
        raise self.wire.fault("gives a block's time that is none")

    def _header(self, found: dict[str, Any]) -> dict[str, Any]:
        block = found.get("block")
        header = block.get("header") if isinstance(block, dict) else None
        if not isinstance(header, dict):
            raise self.wire.fault("gives a block that is none")
        return header

    def _ask(self, path: str) -> dict[str, Any]:
        found = self.wire.get(path)
        if not isinstance(found, dict):
            raise self.wire.fault("answers with something that is no document")
        return found
