"""dYdX's addresses: the indexer under `/v4`, its websocket `/v4/ws`, the node's RPC under `/rpc` and REST under `/rest`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from perpbook.dialects.asked import Unreadable
from perpbook.dialects.dydx import Dydx
from perpbook.dialects.dydx_node import DydxNode
from perpbook.dialects.dydx_stream import DydxStream
from perpbook.dialects.face import Answer, Asked
from perpbook.dialects.hub import Client, Hub
from perpbook.dialects.keys import MadeUpKey
from perpbook.dialects.venue import ServedVenue

ACCOUNT = "/rest/cosmos/auth/v1beta1/account_info/"


class DydxFace:
    """The venue as its clients reach it."""

    def __init__(self, venue: ServedVenue, keys: tuple[MadeUpKey, ...]) -> None:
        self.dialect = Dydx(venue, keys)
        self.node = DydxNode(self.dialect)
        self.hub = Hub(venue, DydxStream(self.dialect))

    def answer(self, asked: Asked) -> Answer:
        """A GET to indexer or node."""
        if asked.method != "GET":
            return Answer(document={"errors": [{"msg": "only GET is served here"}]}, status=404)
        try:
            found = self._found(asked.path, dict(parse_qsl(asked.query)))
        except Unreadable as wrong:
            return Answer(document={"errors": [{"msg": str(wrong)}]}, status=400)
        if found is None:
            number = asked.path.removeprefix("/v4/orders/")
            words = "not found" if number == asked.path else f"Unable to find order id {number[:40]}"
            return Answer(document={"errors": [{"msg": words}]}, status=404)
        return Answer(document=found)

    def _found(self, path: str, query: Mapping[str, str]) -> Any:
        if path.startswith("/v4/"):
            return self.dialect.get(path.removeprefix("/v4"), query)
        if path == "/rpc/abci_info":
            return self.node.info()
        if path in ("/rpc/broadcast_tx_sync", "/rpc/broadcast_tx_async"):
            return self.node.broadcast(query)
        if path.startswith(ACCOUNT):
            return self.node.account(path.removeprefix(ACCOUNT))
        return None

    def admitted(self, path: str, query: str) -> Client | None:
        """Anybody at `/v4/ws`."""
        return Client(name="dydx") if path == "/v4/ws" else None
