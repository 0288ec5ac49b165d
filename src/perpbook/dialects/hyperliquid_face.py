"""Hyperliquid's addresses: `/info`, `/exchange` and the websocket `/ws`."""

from __future__ import annotations

import json

from perpbook.dialects.asked import Unreadable, mapping
from perpbook.dialects.face import Answer, Asked
from perpbook.dialects.hub import Client, Hub
from perpbook.dialects.hyperliquid import Hyperliquid
from perpbook.dialects.hyperliquid_stream import HyperliquidStream
from perpbook.dialects.keys import MadeUpKey
from perpbook.dialects.venue import ServedVenue


class HyperliquidFace:
    """The venue as its clients reach it."""

    def __init__(self, venue: ServedVenue, keys: tuple[MadeUpKey, ...]) -> None:
        self.dialect = Hyperliquid(venue, keys)
        self.hub = Hub(venue, HyperliquidStream(self.dialect))

    def answer(self, asked: Asked) -> Answer:
        """A POST to one of the two."""
        if asked.method != "POST" or asked.path not in ("/info", "/exchange"):
            return Answer(document={"code": 404, "msg": "no such endpoint here"}, status=404)
        try:
            body = mapping(json.loads(asked.body), "request")
            if asked.path == "/info":
                return Answer(document=self.dialect.info(body))
            return Answer(document=self.dialect.exchange(body))
        except (Unreadable, json.JSONDecodeError, UnicodeDecodeError) as wrong:
            message = f"Failed to deserialize the JSON body into the target type: {wrong}"
            return Answer(document={"code": 422, "msg": message, "error": message}, status=422)

    def admitted(self, path: str, query: str) -> Client | None:
        """Anybody at `/ws`."""
        return Client(name="hyperliquid") if path == "/ws" else None
