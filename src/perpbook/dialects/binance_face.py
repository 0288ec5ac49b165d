"""Binance's addresses: `/fapi/v1` to `/fapi/v3`; websockets `/ws`, `/stream`, also under `/public`, `/market`, `/private`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from perpbook.dialects.asked import Unreadable
from perpbook.dialects.binance import Binance, Refused
from perpbook.dialects.binance_account import SIGNED, STREAM_KEYS, BinanceAccount
from perpbook.dialects.binance_stream import BinanceStream
from perpbook.dialects.face import Answer, Asked
from perpbook.dialects.hub import Client, Hub
from perpbook.dialects.keys import MadeUpKey
from perpbook.dialects.plain import milliseconds
from perpbook.dialects.venue import ServedVenue

ADDRESS = re.compile(r"/fapi/v[123](?P<path>/.+)")
SOCKET = re.compile(r"(?:/(?:public|market|private))?/(?P<kind>ws|stream)(?:/(?P<name>.+))?")


class BinanceHub(Hub):
    """Clients of the venue; those of a listen key whose time is up are told so, and hear no more of its account."""

    stream: BinanceStream

    def flush(self) -> None:
        """Tell everybody what happened."""
        super().flush()
        keys, now = self.stream.dialect.listen_keys, self.venue.pace.wall_ns
        for name in [name for name, key in keys.items() if key.until_ns <= now]:
            account = keys.pop(name).account
            said = {"e": "listenKeyExpired", "E": milliseconds(self.venue.clock_ns), "listenKey": name}
            for client in [one for one in self.clients if one.channels.get(("user", account)) == name]:
                self.send(client, self.stream.wrapped(client, ("user", account), said))
                del client.channels["user", account]


class BinanceFace:
    """The venue as its clients reach it."""

    def __init__(self, venue: ServedVenue, keys: tuple[MadeUpKey, ...]) -> None:
        self.dialect = Binance(venue, keys)
        self.accounts = BinanceAccount(self.dialect)
        self.stream = BinanceStream(self.dialect)
        self.hub: Hub = BinanceHub(venue, self.stream)

    def answer(self, asked: Asked) -> Answer:
        """A request; a refusal carries a code and words."""
        found = ADDRESS.fullmatch(asked.path)
        try:
            document = None if found is None else self._document(asked, found["path"])
        except Refused as refused:
            return Answer(document={"code": refused.code, "msg": refused.message}, status=refused.status)
        except Unreadable as wrong:
            return Answer(document={"code": -1102, "msg": f"Parameter was malformed: {wrong}."}, status=400)
        if document is None:
            return Answer(document={"code": -1000, "msg": "This endpoint is not served here."}, status=404)
        return Answer(document=document)

    def _document(self, asked: Asked, path: str) -> Any:
        if path == "/listenKey" and asked.method in STREAM_KEYS:
            return STREAM_KEYS[asked.method](self.accounts, self.dialect.key_of(asked).account, {})
        act = SIGNED.get((asked.method, path))
        if act is not None:
            account, given = self.dialect.signed(asked)
            return act(self.accounts, account, given)
        if asked.method != "GET":
            return None
        return self.dialect.public(path, dict(parse_qsl(asked.query)))

    def admitted(self, path: str, query: str) -> Client | None:
        """A client with the streams that its address names."""
        found = SOCKET.fullmatch(path)
        if found is None:
            return None
        asked = dict(parse_qsl(query))
        client = Client(name=found["kind"])
        names = [*asked.get("streams", "").split("/"), found["name"] or "", asked.get("listenKey", "")]
        for name in names:
            self.stream.listen(client, name)
        return client
