"""The one place that asks exchanges: public history through ccxt, page by page, never with keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perpbook.errors import InputError, MissingData, VenueError

CLIENTS = {
    "binance": "binanceusdm",
    "binance-coinm": "binancecoinm",
    "bybit": "bybit",
    "okx": "okx",
    "hyperliquid": "hyperliquid",
    "dydx": "dydx",
    "deribit": "deribit",
}
"""What ccxt calls each venue. Drift and GMX have no client there; BitMEX's left it."""

RETRIES = 3
PAGE = 500
FUNDING_PAGE = 100
"""How many rows to ask for where the client does not say; every venue gives that many settlements."""

NEXT_STEP = "nothing was lost: run the same command again and it goes on where it stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A perpetual as the venue lists it: the client's name for it, base and quote."""

    name: str
    base: str
    quote: str


class Carrier:
    """A venue's public history. Waits between requests as the venue's limits ask."""

    def __init__(self, venue: str, endpoint: str | None = None) -> None:
        self.venue = venue
        self._ccxt = _ccxt()
        if venue not in CLIENTS:
            raise InputError(
                f"history of {venue} cannot be pulled: there is no client for it; these have one: {', '.join(CLIENTS)}"
            )
        self._client: Any = getattr(self._ccxt, CLIENTS[venue])({"enableRateLimit": True, "timeout": 20_000})
        self._client.options["maxRetriesOnFailure"] = RETRIES
        if endpoint is not None:
            self._client.urls["api"] = _rerouted(self._client.urls["api"], endpoint.rstrip("/"), self._client.hostname)
            self._client.has["fetchCurrencies"] = False

    def find(self, base: str, quote: str | None = None) -> Listing:
        """The perpetual of a base coin; among several quotes the one asked for, else USDT, USDC, USD.

        Raises
        ------
        MissingData : the venue lists none.
        """
        markets: Mapping[str, Mapping[str, Any]] = self._ask(self._client.load_markets)
        found = {
            str(one["quote"]): Listing(name=str(one["symbol"]), base=base, quote=str(one["quote"]))
            for one in markets.values()
            if one.get("swap") and one.get("base") == base and one.get("active") is not False
        }
        for choice in (quote,) if quote else ("USDT", "USDC", "USD"):
            if choice in found:
                return found[choice]
        raise MissingData(f"{self.venue} lists no perpetual of {base}{f'-{quote}' if quote else ''}")

    def candles(self, listing: Listing, bar: str, since_ms: int, *, mark: bool = False) -> list[list[float]]:
        """[ts, open, high, low, close, volume] from a time on, one page; the last bar may be unfinished."""
        if mark and not self._client.has.get("fetchMarkOHLCV"):
            raise MissingData(f"{self.venue} publishes no history of mark prices")
        if bar not in (self._client.timeframes or {}):
            have = ", ".join(self._client.timeframes)
            raise InputError(f"{self.venue} has no bars of {bar}; it has {have}")
        params = {"price": "mark"} if mark else {}
        page = self._ask(self._client.fetch_ohlcv, listing.name, bar, since_ms, self.page_rows(mark=mark), params)
        return [[float(one) if one is not None else float("nan") for one in row] for row in page]

    def settlements(self, listing: Listing, since_ms: int) -> list[tuple[int, float]]:
        """(time ms, rate) of funding settled from a time on, one page."""
        if not self._client.has.get("fetchFundingRateHistory"):
            raise MissingData(f"{self.venue} publishes no history of funding")
        page = self._ask(self._client.fetch_funding_rate_history, listing.name, since_ms, FUNDING_PAGE)
        return [(int(one["timestamp"]), float(one["fundingRate"])) for one in page]

    def page_rows(self, *, mark: bool = False) -> int:
        """Rows the venue gives at once."""
        known = (((self._client.features or {}).get("swap") or {}).get("linear") or {}).get("fetchOHLCV") or {}
        return int((known.get("mark") if mark else None) or known.get("limit") or PAGE)

    def _ask(self, request: Any, *words: Any) -> Any:
        try:
            return request(*words)
        except self._ccxt.BadSymbol as error:
            raise MissingData(f"{self.venue}: {error}") from None
        except self._ccxt.RateLimitExceeded as error:
            raise VenueError(f"{self.venue} asks to wait ({_short(error)})\n    {NEXT_STEP}") from None
        except self._ccxt.NetworkError as error:
            raise VenueError(f"{self.venue} cannot be reached ({_short(error)})\n    {NEXT_STEP}") from None
        except self._ccxt.BaseError as error:
            raise VenueError(f"{self.venue} said no ({_short(error)})\n    {NEXT_STEP}") from None


def _ccxt() -> Any:
    try:
        import ccxt
    except ImportError:
        raise InputError("pulling history needs ccxt\n    install it with: pip install 'perpbook[live]'") from None
    return ccxt


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _rerouted(urls: Any, endpoint: str, hostname: str | None) -> Any:
    """Every address of the client at another host, the venue's own kept as the first part of the path."""
    if isinstance(urls, str):
        return f"{endpoint}/{urls.replace('{hostname}', hostname or '').split('://', 1)[1]}"
    return {name: _rerouted(one, endpoint, hostname) for name, one in urls.items()}
