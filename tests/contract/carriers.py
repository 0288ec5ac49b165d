"""The carriers of the venue port, each with the truth behind it: five live venues through ccxt, and the paper venue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from perpbook.engine.clock import now_ns
from perpbook.engine.paper import Market, PaperVenue
from perpbook.engine.ports import Venue
from perpbook.model.action import client_id_of
from perpbook.model.order import OrderRequest, TimeInForce
from perpbook.runs.live_accounts import parse_as
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.market import Path, Step
from perpbook.terms.load import load_terms
from perpbook.venues.clients import client_for
from perpbook.venues.dialect_list import DIALECTS
from perpbook.venues.keys import Secret
from perpbook.venues.rest import LiveVenue, Login
from tests.dialects.okx_face import PASSPHRASE
from tests.dialects.served import SYMBOLS, Served, an_account, prices_of

T = TypeVar("T")
LIVE = ("hyperliquid", "dydx", "binance", "bybit", "okx")
STREAMED = LIVE[:3]
"""Venues that have streams of ours."""

CARRIERS = (*LIVE, "paper")


def slowly(names: Sequence[str], *slow: str) -> list[Any]:
    """Parameters of a test, some of which are for the slow run alone."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in slow else name for name in names]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """One way to a venue. `venue` its name there, `truth` the exchange behind, `fresh` a new object without memory."""

    venue: str
    truth: Exchange
    fresh: Callable[[], Venue]

    @property
    def account(self) -> str:
        return f"{self.venue}-main"

    @property
    def btc(self) -> str:
        return SYMBOLS[self.venue][0]

    @property
    def held(self) -> float:
        positions = self.truth.account(self.account).positions
        return next((one.quantity for one in positions if one.symbol == self.btc), 0.0)

    def order(self, card: int, quantity: float, price: float, **given: Any) -> OrderRequest:
        """An order whose id is of a card; reduce-only and IOC unless said."""
        named = {"reduce_only": True, "time_in_force": TimeInForce.IOC, **given}
        return OrderRequest(
            client_id=client_id_of(self.account, "card", card, 0), account=self.account, venue=self.venue,
            symbol=self.btc, quantity=quantity, limit_price=price, **named,
        )  # fmt: skip

    def play(self, say: Callable[[Any], Awaitable[T]]) -> T:
        """Open, do something, close."""

        async def whole() -> T:
            venue = self.fresh()
            try:
                if isinstance(venue, LiveVenue):
                    await venue.open()
                    venue.watch(self.account, SYMBOLS[self.venue])
                return await asyncio.wait_for(say(venue), 20.0)
            finally:
                await venue.close()

        return asyncio.run(whole())


def live(
    venue: str, one: Served, *, at: str | None = None, timeout_ms: int = 5_000, secret: str | None = None
) -> Carrier:
    """A live venue against a served one. at : where its server is, if not there itself."""
    key, dialect = one.keys[venue], DIALECTS[venue]

    def fresh() -> LiveVenue:
        words = Secret(PASSPHRASE) if venue == "okx" else None
        client = client_for(venue, key.public, Secret(secret or key.secret), at or one.at(venue), words)
        client.timeout = timeout_ms
        login = Login(account=f"{venue}-main", address=key.public, client=client)
        return LiveVenue(dialect, [login], parse_as(dialect.format), now_ns)

    return Carrier(venue=venue, truth=one.venues[venue].truth, fresh=fresh)


def paper() -> Carrier:
    """The paper venue, with Hyperliquid's terms."""
    began, prices = now_ns(), prices_of("hyperliquid")
    exchange = Exchange(load_terms("hyperliquid"), (an_account("hyperliquid"),), began, prices)
    path = Path(steps=(Step(at_ns=0, prices=prices),))
    market = Market(exchange=exchange, path=path, speed=1.0, clock=now_ns, began_ns=began)
    return Carrier(venue="hyperliquid", truth=exchange, fresh=lambda: PaperVenue(market))


def carrier(name: str, one: Served) -> Carrier:
    """By name."""
    return paper() if name == "paper" else live(name, one)
