"""Binance USD-M futures over HTTP: public market data, and signed requests of an account.

Source: the venue's documentation of `fapi` and its list of error codes.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from perpbook.dialects import binance_shapes as shapes
from perpbook.dialects.asked import whole
from perpbook.dialects.face import Asked
from perpbook.dialects.keys import MadeUpKey
from perpbook.dialects.plain import milliseconds, text
from perpbook.dialects.venue import ServedVenue

MILLISECOND_NS = 1_000_000
RECV_WINDOW_MS = 5_000
AHEAD_MS = 1_000
"""How old a request may be where it does not say, and how far ahead of the venue's clock it may be stamped."""


class ListenKey(NamedTuple):
    """Whose user stream, and until when, nanoseconds of the wall's clock."""

    account: str
    until_ns: int


class Refused(Exception):
    """A request is refused with a code and the venue's words."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass(eq=False)
class Binance:
    """The dialect over one venue. `listen_keys` : by the key of a user stream, whose it is and until when."""

    venue: ServedVenue
    keys: tuple[MadeUpKey, ...]
    listen_keys: dict[str, ListenKey] = field(default_factory=dict)
    listen_keys_made: int = 0

    def __post_init__(self) -> None:
        self.by_public = {key.public: key for key in self.keys}

    def public(self, path: str, asked: Mapping[str, str]) -> Any:
        """The answer to a public GET, None where there is no such thing; raises Refused, VenueUnavailable."""
        found = PUBLIC.get(path)
        if found is None:
            return None
        self.venue.catch_up()
        return found(self, asked)

    def key_of(self, asked: Asked) -> MadeUpKey:
        """Whose API key a request carries."""
        key = self.by_public.get(asked.headers.get("x-mbx-apikey", ""))
        if key is None:
            raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return key

    def signed(self, asked: Asked) -> tuple[str, Mapping[str, str]]:
        """The account that signed a request, and what it asks; raises Refused."""
        key = self.key_of(asked)
        total = asked.query + asked.body.decode(errors="replace")
        payload, _, signature = total.rpartition("signature=")
        payload = payload.removesuffix("&")
        right = hmac.new(key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right.encode(), signature.encode()):
            raise Refused(-1022, "Signature for this request is not valid.")
        given = dict(parse_qsl(asked.query)) | dict(parse_qsl(asked.body.decode(errors="replace")))
        if "timestamp" not in given:
            raise Refused(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
        stamp = whole(given["timestamp"], "timestamp") * MILLISECOND_NS
        window = whole(given.get("recvWindow", RECV_WINDOW_MS), "recvWindow") * MILLISECOND_NS
        if not self.venue.is_near(stamp, window, AHEAD_MS * MILLISECOND_NS):
            raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")
        return key.account, given

    def symbol(self, asked: Mapping[str, str]) -> str:
        """The contract that is asked for."""
        name = asked.get("symbol", "")
        if not name:
            raise Refused(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        if name not in self.venue.truth.symbols:
            raise Refused(-1121, "Invalid symbol.")
        return name

    def each(self, asked: Mapping[str, str], make: Callable[[ServedVenue, str], Any]) -> Any:
        """About one contract where one is named, else about all."""
        if asked.get("symbol"):
            return make(self.venue, self.symbol(asked))
        return [make(self.venue, symbol) for symbol in self.venue.truth.symbols]

    def exchange_info(self, asked: Mapping[str, str]) -> Any:
        """Contracts."""
        limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400}]
        return {
            "timezone": "UTC",
            "serverTime": milliseconds(self.venue.clock_ns),
            "futuresType": "U_MARGINED",
            "rateLimits": limits,
            "exchangeFilters": [],
            "assets": [{"asset": self.venue.truth.terms.settle, "marginAvailable": True, "autoAssetExchange": "0"}],
            "symbols": [shapes.contract(self.venue, symbol) for symbol in self.venue.truth.symbols],
        }

    def time(self, asked: Mapping[str, str]) -> Any:
        """The venue's time."""
        return {"serverTime": milliseconds(self.venue.clock_ns)}

    def depth(self, asked: Mapping[str, str]) -> Any:
        """A book."""
        seen = self.venue.book(self.symbol(asked))
        most = whole(asked.get("limit", 500), "limit")
        return {
            "lastUpdateId": seen.sequence,
            "E": milliseconds(seen.at_ns),
            "T": milliseconds(seen.at_ns),
            "bids": shapes.levels(seen.depth.bids[:most]),
            "asks": shapes.levels(seen.depth.asks[:most]),
        }

    def premium(self, asked: Mapping[str, str]) -> Any:
        """Marks."""
        return self.each(asked, shapes.premium)

    def funding_rate(self, asked: Mapping[str, str]) -> Any:
        """Settlements, oldest first."""
        names = [self.symbol(asked)] if asked.get("symbol") else list(self.venue.truth.symbols)
        rows = [shapes.settlement(name, rate) for name in names for rate in self.venue.rates[name]]
        rows.sort(key=lambda row: row["fundingTime"])
        return limited(rows, "fundingTime", asked, 100)

    def funding_info(self, asked: Mapping[str, str]) -> Any:
        """Intervals."""
        return [shapes.funding_info(self.venue, symbol) for symbol in self.venue.truth.symbols]

    def book_ticker(self, asked: Mapping[str, str]) -> Any:
        """Best levels."""
        return self.each(asked, shapes.best)

    def price(self, asked: Mapping[str, str]) -> Any:
        """Last prices, which are the marks here."""
        return self.each(asked, last_price)

    def day(self, asked: Mapping[str, str]) -> Any:
        """The last day: only its last price is known here."""
        return self.each(asked, last_day)

    def open_interest(self, asked: Mapping[str, str]) -> Any:
        """Of one contract."""
        symbol = self.symbol(asked)
        now = self.venue.truth.prices(symbol)
        return {
            "symbol": symbol,
            "openInterest": text(now.open_interest or 0.0),
            "time": milliseconds(self.venue.clock_ns),
        }


def limited(rows: list[dict[str, Any]], key: str, asked: Mapping[str, str], most: int) -> list[dict[str, Any]]:
    """Rows from `startTime` to `endTime`: the first so many where a start is given, else the last."""
    start, end = asked.get("startTime"), asked.get("endTime")
    limit = min(whole(asked.get("limit", most), "limit"), 1000)
    kept = [
        row
        for row in rows
        if (start is None or row[key] >= whole(start, "startTime"))
        and (end is None or row[key] <= whole(end, "endTime"))
    ]
    return kept[:limit] if start is not None else kept[-limit:]


def last_price(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    """A contract's last price."""
    return {
        "symbol": symbol,
        "price": text(venue.truth.prices(symbol).mark),
        "time": milliseconds(venue.clock_ns),
    }


def last_day(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    """A contract's last day, without volume."""
    mark, now = text(venue.truth.prices(symbol).mark), milliseconds(venue.clock_ns)
    none = dict.fromkeys(("priceChange", "priceChangePercent", "volume", "quoteVolume", "lastQty"), "0")
    prices = dict.fromkeys(("weightedAvgPrice", "lastPrice", "openPrice", "highPrice", "lowPrice"), mark)
    times = {"openTime": now - 86_400_000, "closeTime": now, "firstId": 0, "lastId": 0, "count": 0}
    return {"symbol": symbol, **none, **prices, **times}


PUBLIC: Mapping[str, Callable[[Binance, Mapping[str, str]], Any]] = {
    "/ping": lambda dialect, asked: {},
    "/time": Binance.time,
    "/exchangeInfo": Binance.exchange_info,
    "/depth": Binance.depth,
    "/premiumIndex": Binance.premium,
    "/fundingRate": Binance.funding_rate,
    "/fundingInfo": Binance.funding_info,
    "/openInterest": Binance.open_interest,
    "/ticker/bookTicker": Binance.book_ticker,
    "/ticker/price": Binance.price,
    "/ticker/24hr": Binance.day,
}
"""What anybody may GET, whatever the version in the address."""
