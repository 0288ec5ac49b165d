"""Clients of venues, made safe: ccxt's, with what it would do behind a trader's back taken out.

* Hyperliquid: ccxt signs `approveBuilderFee` and `setReferrer` while it loads markets, and puts a builder that costs 1 bp on
  every order. Here nothing is approved, and an order that carries a builder or a referrer is not sent.
* dYdX: ccxt 4.5.90 for Python cannot build an order, because two whole numbers of a market come as numbers and it wants text;
  they are made text. The router address that it puts on orders is left out.
* Binance: only linear contracts are loaded, and no wallet of the spot account is asked for.
* Bybit, OKX: see `clients_named`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from perpbook.errors import InputError, InvariantError
from perpbook.venues.keys import Secret

PINNED = "4.5.90"
FORBIDDEN = ("builder", "approveBuilderFee", "setReferrer", "approveAgent", "usdSend", "withdraw3", "usdClassTransfer")
"""Words of Hyperliquid that no request of ours may carry: consent to fees, and money that moves."""


def client_for(
    venue: str, address: str, secret: Secret | None, endpoint: str | None = None, passphrase: Secret | None = None
) -> Any:
    """A ccxt async client of one login. address : wallet or key id. secret : None reads only. endpoint : another host, for
    tests and simulated venues; ccxt waits a quarter of a second for encrypted connections to end, which plain ones need not.
    passphrase : what OKX wants beside the secret.

    Raises
    ------
    InputError : ccxt is missing or of another version, or the venue has no client here.
    """
    from perpbook.venues import clients_named

    makers: dict[str, Callable[..., Any]] = {"hyperliquid": _hyperliquid, "dydx": _dydx, "binance": _binance}
    if venue not in makers and venue not in clients_named.VENUES:
        known = ", ".join((*makers, *clients_named.VENUES))
        raise InputError(f"{venue} cannot be traded from here: {known} can; the paper venue can stand for all")
    ccxt, at = _ccxt(), endpoint.rstrip("/") if endpoint else None
    if venue in makers:
        made = makers[venue](ccxt, address, secret, at)
    else:
        given = settings("apiKey", address, "secret", secret)
        made = clients_named.hardened(venue, strict(getattr(ccxt, venue)), given, at)
        made.password = passphrase.reveal() if passphrase is not None else None
    if at and at.startswith("http://"):
        made.timeout_on_exit = 0
    return made


def _ccxt() -> Any:
    try:
        import ccxt.async_support as ccxt
    except ImportError:
        raise InputError("live venues need ccxt\n    install it with: pip install 'perpbook[live]'") from None
    if ccxt.__version__ != PINNED:
        raise InputError(
            f"ccxt {ccxt.__version__} is here and {PINNED} was tried on the wire: pip install 'perpbook[live]' brings it"
        )
    return ccxt


def strict(kind: Any) -> Any:
    """A client's class whose answers are JSON objects or lists: what is none is not read as nothing."""

    class Strict(kind):  # type: ignore[misc]
        """See `strict`."""

        async def fetch(self, *words: Any, **named: Any) -> Any:
            found = await super().fetch(*words, **named)
            if not isinstance(found, dict | list) or found == {}:
                from ccxt.base.errors import BadResponse

                raise BadResponse("the answer is not JSON, or nothing")
            return found

    return Strict


def settings(address_key: str, address: str, secret_key: str, secret: Secret | None) -> dict[str, Any]:
    """What every client is made with."""
    given: dict[str, Any] = {"enableRateLimit": False, "timeout": 8_000, address_key: address}
    return given | ({secret_key: secret.reveal()} if secret is not None else {})


def _hyperliquid(ccxt: Any, address: str, secret: Secret | None, endpoint: str | None) -> Any:
    class Hardened(strict(ccxt.hyperliquid)):  # type: ignore[misc]
        """No consent is signed, and nothing leaves that carries one."""

        async def initialize_client(self) -> bool:
            return True

        def sign(self, path: str, api: Any = "public", method: str = "GET", *words: Any, **named: Any) -> Any:
            made = super().sign(path, api, method, *words, **named)
            refuse_consent(str(made.get("body") or ""))
            return made

    made = Hardened(settings("walletAddress", address, "privateKey", secret))
    made.options |= {"builderFee": False, "refSet": True, "builder": "", "feeInt": 0, "approvedBuilderFee": False}
    if endpoint:
        made.urls["api"] |= {"public": endpoint, "private": endpoint}
    return made


def refuse_consent(body: str) -> None:
    """Raise InvariantError for a request that would agree to a fee or move money."""
    found = [word for word in FORBIDDEN if f'"{word}"' in body]
    if found:
        raise InvariantError(f"a request to Hyperliquid carries {found[0]}: it was not sent")


def _dydx(ccxt: Any, address: str, secret: Secret | None, endpoint: str | None) -> Any:
    class Patched(strict(ccxt.dydx)):  # type: ignore[misc]
        """Markets whose whole numbers are text, as its own arithmetic wants them."""

        async def fetch_markets(self, params: Any = None) -> Any:
            found = await super().fetch_markets(params or {})
            for market in found:
                for name in ("atomicResolution", "quantumConversionExponent"):
                    market["info"][name] = str(market["info"][name])
            return found

        def handle_errors(self, code: int, *words: Any) -> Any:
            if code == 404 and "Unable to find order" in str(words[4]):
                raise ccxt.OrderNotFound("dydx knows no such order")
            return super().handle_errors(code, *words)

        def create_order_request(self, *words: Any, **named: Any) -> Any:
            order_id, request = super().create_order_request(*words, **named)
            request["value"]["order"]["orderRouterAddress"] = ""
            return [order_id, request]

    made = Patched(settings("walletAddress", address, "mnemonicUnused", None))
    if secret is not None:
        if not re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", secret.reveal()):
            raise InputError("the key of a dYdX account should be a private key of 64 hexadecimal digits, no mnemonic")
        made.options["privateKey"] = secret.reveal()
    if endpoint:
        made.urls["api"] |= {"indexer": f"{endpoint}/v4", "nodeRpc": f"{endpoint}/rpc", "nodeRest": f"{endpoint}/rest"}
    return made


def _binance(ccxt: Any, address: str, secret: Secret | None, endpoint: str | None) -> Any:
    made = strict(ccxt.binanceusdm)(settings("apiKey", address, "secret", secret))
    made.options |= {
        "fetchMarkets": {"types": ["linear"]},
        "fetchCurrencies": False,
        "warnOnFetchOpenOrdersWithoutSymbol": False,
    }
    made.has["fetchCurrencies"] = False
    if endpoint:
        for name, version in (("", "v1"), ("V2", "v2"), ("V3", "v3")):
            made.urls["api"] |= {
                f"fapiPublic{name}": f"{endpoint}/fapi/{version}",
                f"fapiPrivate{name}": f"{endpoint}/fapi/{version}",
            }
    return made
