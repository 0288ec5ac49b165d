"""A live guard's feeds: prices and accounts of a venue as they come, and the venue asked beside them.

Venues that have no stream of ours are listened to through ccxt.pro, and their accounts are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from perpbook.engine.clock import now_ns
from perpbook.engine.ports import Feed
from perpbook.model.message import Message
from perpbook.model.units import SECOND_NS
from perpbook.runs.guard_config import GuardConfig, LoginAsked

if TYPE_CHECKING:
    from perpbook.venues.decode_parts import Decoder, Scope
    from perpbook.venues.rest import LiveVenue
    from perpbook.venues.stream import Stream
    from perpbook.venues.streamed import Source

PLACES = {"hyperliquid": "/ws", "dydx": "/v4/ws", "binance": "/stream"}
"""Where websockets are at an endpoint that stands for a venue, for venues that have a stream of ours."""

BEFORE_NS = 5 * SECOND_NS
"""How much older than its answer a seeded account counts, so that a venue's clock behind ours loses no change."""


def feed_of(config: GuardConfig, venue: LiveVenue, parents: Mapping[str, str]) -> Feed:
    """Everything that a guard hears of a venue. parents : of accounts that hang on a login's, that login.

    Raises
    ------
    InputError : what speaks to websockets is not installed.
    """
    from perpbook.venues.stream_dialects import not_installed

    try:
        import perpbook.venues.stream_socket  # noqa: F401  (needed once the guard runs, and then it is late to say so)
    except ModuleNotFoundError as error:
        raise not_installed(error) from None
    from perpbook.venues.joined import Joined
    from perpbook.venues.polled import Polled
    from perpbook.venues.streamed import Pace, Streamed

    logins = {name: one for name, one in config.accounts.items() if one.venue == venue.name}
    if venue.name not in PLACES:
        endpoint = next(iter(logins.values())).endpoint
        return Joined(pro_prices(venue, endpoint), Polled(venue, config.every, now_ns))
    sources = {name: source_of(venue, name, one, parents) for name, one in logins.items()}
    accounts = Streamed(venue, sources, Pace(often=config.every), now_ns, parents)
    return Joined(prices_of(venue.name, next(iter(logins.values())).endpoint), accounts)


def prices_of(venue: str, endpoint: str) -> Stream:
    """Books and prices of a venue as they come; at an endpoint, where there is one."""
    from perpbook.venues.stream import Stream
    from perpbook.venues.stream_dialects import dialect_of

    return Stream(dialect_of(venue), url=socket_at(venue, endpoint) if endpoint else None)


def pro_prices(venue: LiveVenue, endpoint: str) -> Feed:
    """The same through ccxt.pro, for a venue that has no stream of ours."""
    from perpbook.venues.dialect_list import DIALECTS
    from perpbook.venues.pro import Pro
    from perpbook.venues.pro_clients import WAYS, pro_maker

    return Pro(DIALECTS[venue.name], pro_maker(venue.name, endpoint or None), venue.marks, WAYS[venue.name])


def socket_at(venue: str, endpoint: str) -> str:
    """Where the websocket of an endpoint is."""
    return endpoint.rstrip("/").replace("http", "ws", 1) + PLACES[venue]


def source_of(venue: LiveVenue, account: str, login: LoginAsked, parents: Mapping[str, str]) -> Source:
    """What tells one login's accounts."""
    from perpbook.venues.listen_key import ListenKey
    from perpbook.venues.stream import Stream
    from perpbook.venues.stream_dialects import dialect_of, with_pairs
    from perpbook.venues.streamed import Source

    dialect = with_pairs(dialect_of(venue.name), venue.pairs)
    url = socket_at(venue.name, login.endpoint) if login.endpoint else dialect.url
    if venue.name == "binance":
        key = ListenKey(venue, account, url.removesuffix(PLACES["binance"]))
        names = (account, *(name for name, parent in parents.items() if parent == account))
        stream = Stream(dialect, {account: account}, url=key.address, prepare=partial(seed, venue, names))
        return Source(stream=stream, keep=partial(key.keep, stream.renew), close=key.close)
    address = f"{login.address}/0" if venue.name == "dydx" else login.address
    return Source(stream=Stream(dialect, {account: address}, url=url))


async def seed(
    venue: LiveVenue, names: Sequence[str], decoder: Decoder, scope: Scope
) -> Mapping[str, Sequence[Message]]:
    """Read a login's accounts whole, for Binance's stream tells changes alone."""
    from perpbook.venues.decode_binance import Binance

    assert isinstance(decoder, Binance)
    found = [await venue.account(name) for name in names]
    decoder.seed([replace(one, at_ns=one.at_ns - BEFORE_NS) for one in found])
    return {"account": found}
