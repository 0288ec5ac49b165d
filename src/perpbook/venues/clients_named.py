"""Clients of venues that ccxt tells a broker's or a referrer's name: Bybit (a header on every POST) and OKX (a `tag`, and the
broker's own id where an order has none).

Here no name goes along, no private request that moves anything leaves but those that place and take back orders and set timers,
and answers that hide whether an order acted are no refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perpbook.errors import InvariantError

VENUES = ("bybit", "okx")
ACTS: Mapping[str, frozenset[str]] = {
    "bybit": frozenset({"v5/order/create", "v5/order/cancel"}),
    "okx": frozenset({"trade/order", "trade/cancel-order", "trade/cancel-all-after"}),
}
"""What a client may POST."""

UNSURE = frozenset({"10000", "10016", "10019", "3400214", "51054"})
"""Codes of a server that failed: what was asked for may have acted."""


def hardened(venue: str, kind: Any, given: Mapping[str, Any], endpoint: str | None) -> Any:
    """A client of a class of ccxt's, REST or pro. kind : its class, with strict answers."""

    class Hardened(kind):  # type: ignore[misc]
        """See the module."""

        def sign(self, path: str, api: Any = "public", method: str = "GET", *words: Any, **named: Any) -> Any:
            if method != "GET" and path not in ACTS[venue]:
                raise InvariantError(f"a request to {venue} that is no order ({path}) was not sent")
            made = super().sign(path, api, method, *words, **named)
            for name in [one for one in made.get("headers") or {} if one.lower() in ("referer", "x-referer")]:
                del made["headers"][name]
            refuse_named(venue, str(made.get("body") or ""))
            return made

        def handle_errors(self, status: int, reason: str, url: str, method: str, *words: Any) -> Any:
            answer = words[2] if len(words) > 2 else None
            refuse_unsure(status, method, answer)
            if answer is None or not codes_of(answer):
                return None
            return super().handle_errors(status, reason, url, method, *words)

        async def fetch_open_orders(self, symbol: Any = None, *words: Any, **named: Any) -> Any:
            return await OPEN[venue](self)

    made = Hardened(dict(given))
    made.options |= OPTIONS[venue]
    made.has["fetchCurrencies"] = False
    if endpoint:
        made.urls["api"] = {**made.urls["api"], **AT[venue](endpoint)}
    return made


def refuse_named(venue: str, body: str) -> None:
    """Raise InvariantError for a request that carries a broker's name."""
    if '"tag"' in body or "brokerId" in body:
        raise InvariantError(f"a request to {venue} carries a broker's name: it was not sent")


def refuse_unsure(status: int, method: str, answer: Any) -> None:
    """Raise what is no refusal for an answer without a code, and for one that does not say whether an order acted; and what is
    one for too many requests. What comes with another status, and without a code, is the client's to name."""
    from ccxt.base.errors import BadResponse, ExchangeNotAvailable, RateLimitExceeded

    codes = codes_of(answer)
    if status == 429:
        raise RateLimitExceeded("too many requests")
    if answer is not None and not codes and status < 400:
        raise BadResponse("the answer has no code")
    if method != "GET" and codes & UNSURE:
        raise ExchangeNotAvailable("the venue does not say whether it acted")


def codes_of(answer: Any) -> frozenset[str]:
    """Codes that an answer carries."""
    if not isinstance(answer, dict):
        return frozenset()
    data = answer.get("data")
    rows = data if isinstance(data, list) else []
    found = [answer.get("retCode"), answer.get("code"), *(row.get("sCode") for row in rows if isinstance(row, dict))]
    return frozenset(str(one) for one in found if one is not None)


async def bybit_open(client: Any) -> list[Any]:
    """Orders that rest in linear contracts of either settle coin."""
    from perpbook.venues.dialect_bybit import SETTLED, pages

    asked = {"category": "linear", "limit": 50}
    return [
        client.parse_order(row, client.safe_market(row["symbol"]))
        for coin in SETTLED
        for page in await pages(client.privateGetV5OrderRealtime, {**asked, "settleCoin": coin})
        for row in page["result"]["list"]
    ]


async def okx_open(client: Any) -> list[Any]:
    """Orders that rest in swaps."""
    from perpbook.venues.dialect_okx import PAGE, rows

    asked = {"instType": "SWAP", "limit": str(PAGE)}
    return [
        client.parse_order(row, client.safe_market(row["instId"]))
        for row in await rows(client.privateGetTradeOrdersPending, asked, "ordId")
    ]


OPEN: Mapping[str, Callable[[Any], Any]] = {"bybit": bybit_open, "okx": okx_open}
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "bybit": {
        "brokerId": "",
        "fetchMarkets": {"types": ["linear"]},
        "enableUnifiedMargin": False,
        "enableUnifiedAccount": True,
    },
    "okx": {"brokerId": None, "fetchMarkets": {"types": ["swap"]}, "createOrder": "privatePostTradeOrder"},
}
"""Only what is guarded is listed; whether an account is unified is read with it, and not asked for with wider rights."""


def _bybit_at(endpoint: str) -> Mapping[str, Any]:
    socket = f"{endpoint.replace('http', 'ws', 1)}/v5/public/linear"
    return {"public": endpoint, "private": endpoint, "ws": {"public": {"linear": socket}}}


def _okx_at(endpoint: str) -> Mapping[str, Any]:
    return {"rest": endpoint, "ws": f"{endpoint.replace('http', 'ws', 1)}/ws/v5"}


AT: Mapping[str, Callable[[str], Mapping[str, Any]]] = {"bybit": _bybit_at, "okx": _okx_at}
"""Addresses at an endpoint."""
