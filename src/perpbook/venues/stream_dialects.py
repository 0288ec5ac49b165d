"""How each venue is listened to: where, what is asked for, how it is kept alive, and how often its streams should speak.

Intervals are the venues' documented pace, or where they give none our choice; the watchdog waits for several of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from perpbook.errors import InputError
from perpbook.model.units import SECOND_NS
from perpbook.venues.decode_parts import LEVELS, Decoder, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """`asks` : messages that subscribe.  `ping` : what keeps a connection alive, b"" for the protocol's own.  `streams` : the
    longest time between two messages when all is well, nanoseconds, 0 for none.  `one_account` : its messages name none."""

    venue: str
    url: str
    decoder: Callable[[Scope], Decoder]
    asks: Callable[[Scope], Sequence[bytes]]
    streams: Callable[[Scope], Mapping[str, int]]
    ping: bytes = b""
    one_account: bool = False


def dialect_of(venue: str) -> Dialect:
    """A venue's dialect; InputError where there is none, or where what decodes is not installed."""
    if venue not in DIALECTS:
        known = ", ".join(DIALECTS)
        raise InputError(f"there is no stream of {venue}: these have one: {known}")
    try:
        return DIALECTS[venue]()
    except ModuleNotFoundError as error:
        raise not_installed(error) from None


def with_pairs(dialect: Dialect, pairs: Mapping[str, str]) -> Dialect:
    """The same, and orders that name a contract by its number alone are known. pairs : contracts by it; more may come."""
    if dialect.venue != "dydx":
        return dialect
    from perpbook.venues.decode_dydx import Dydx

    return replace(dialect, decoder=partial(Dydx, pairs=pairs))


def not_installed(error: ModuleNotFoundError) -> InputError:
    """What to say where a package of the extra is missing."""
    return InputError(f"listening to a venue needs {error.name}\n    install it with: pip install 'perpbook[live]'")


def _hyperliquid() -> Dialect:
    from perpbook.venues.decode_hyperliquid import Hyperliquid

    return Dialect(
        venue="hyperliquid",
        url="wss://api.hyperliquid.xyz/ws",
        decoder=Hyperliquid,
        asks=lambda scope: [
            _bytes({"method": "subscribe", "subscription": one})
            for one in [
                *(
                    {"type": kind, "coin": coin}
                    for coin in sorted(scope.symbols)
                    for kind in ("l2Book", "activeAssetCtx")
                ),
                *(
                    {"type": kind, "user": address}
                    for address in scope.accounts.values()
                    for kind in ("clearinghouseState", "openOrders", "userFills", "orderUpdates")
                ),
            ]
        ],
        streams=lambda scope: {
            **{f"book:{coin}": 2 * SECOND_NS for coin in scope.symbols},
            **{f"mark:{coin}": 5 * SECOND_NS for coin in scope.symbols},
            **({"account": 0, "fills": 0, "orders": 0} if scope.accounts else {}),
        },
        ping=b'{"method":"ping"}',
        one_account=True,
    )


def _dydx() -> Dialect:
    from perpbook.venues.decode_dydx import Dydx

    return Dialect(
        venue="dydx",
        url="wss://indexer.dydx.trade/v4/ws",
        decoder=Dydx,
        asks=lambda scope: [
            *([_bytes({"type": "subscribe", "channel": "v4_markets"})] if scope.symbols else []),
            *(
                _bytes({"type": "subscribe", "channel": "v4_orderbook", "id": symbol})
                for symbol in sorted(scope.symbols)
            ),
            *(
                _bytes({"type": "subscribe", "channel": "v4_subaccounts", "id": address})
                for address in scope.accounts.values()
            ),
        ],
        streams=lambda scope: {
            **({"mark": 20 * SECOND_NS} if scope.symbols else {}),
            **{f"book:{symbol}": 10 * SECOND_NS for symbol in scope.symbols},
            **{f"account:{name}": 0 for name in scope.accounts},
        },
    )


def _binance() -> Dialect:
    from perpbook.venues.decode_binance import Binance

    return Dialect(
        venue="binance",
        url="wss://fstream.binance.com/stream",
        decoder=Binance,
        asks=lambda scope: (
            [
                _bytes(
                    {
                        "method": "SUBSCRIBE",
                        "params": [
                            f"{symbol.lower()}@{kind}"
                            for symbol in sorted(scope.symbols)
                            for kind in ("depth20@100ms", "markPrice@1s")
                        ],
                        "id": 1,
                    }
                )
            ]
            if scope.symbols
            else []
        ),
        streams=lambda scope: {
            **{f"book:{symbol}": 2 * SECOND_NS for symbol in scope.symbols},
            **{f"mark:{symbol}": 3 * SECOND_NS for symbol in scope.symbols},
            **({"account": 0, "orders": 0} if scope.accounts else {}),
        },
        one_account=True,
    )


DIALECTS: Mapping[str, Callable[[], Dialect]] = {"hyperliquid": _hyperliquid, "dydx": _dydx, "binance": _binance}


def scope_of(dialect: Dialect, addresses: Mapping[str, str], symbols: Sequence[str], levels: int = LEVELS) -> Scope:
    """What a connection is about. InputError where the venue's messages could not be told apart."""
    if dialect.one_account and len(addresses) > 1:
        raise InputError(
            f"{dialect.venue} does not say whose an order is: open one stream for each of {', '.join(sorted(addresses))}"
        )
    return Scope(accounts=dict(addresses), symbols=frozenset(symbols), levels=levels)


def _bytes(message: object) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
