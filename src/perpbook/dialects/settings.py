"""How clients are pointed at a served venue: the lines a trader copies into their bot."""

from __future__ import annotations

from perpbook.dialects.keys import MadeUpKey


def settings_of(venue: str, url: str, key: MadeUpKey) -> list[str]:
    """Lines of Python for the clients of a venue, by its address here."""
    return SETTINGS[venue](url, key)


def of_hyperliquid(url: str, key: MadeUpKey) -> list[str]:
    """Its own client, and ccxt."""
    return [
        f'client = ccxt.hyperliquid({{"walletAddress": "{key.public}", "privateKey": "{key.secret}"}})',
        f'client.urls["api"] |= {{"public": "{url}", "private": "{url}"}}',
        f'client.urls["api"]["ws"] = {{"public": "{socket_of(url)}/ws"}}',
        f'sdk = hyperliquid.exchange.Exchange(eth_account.Account.from_key("{key.secret}"), "{url}")',
        f'info = hyperliquid.info.Info("{url}")',
    ]


def of_dydx(url: str, key: MadeUpKey) -> list[str]:
    """Through ccxt, which needs protobuf to place orders, and two figures of every market as strings."""
    return [
        f'client = ccxt.dydx({{"walletAddress": "{key.public}", "options": {{"privateKey": "{key.secret}"}}}})',
        f'client.urls["api"] |= {{"indexer": "{url}/v4", "nodeRpc": "{url}/rpc", "nodeRest": "{url}/rest"}}',
        f'client.urls["api"]["ws"] = "{socket_of(url)}/v4/ws"',
        "await client.load_markets()",
        "for market in client.markets.values():  # ccxt 4.5.90 places no order without it",
        '    for name in ("atomicResolution", "quantumConversionExponent"):',
        '        market["info"][name] = str(market["info"][name])',
    ]


def of_binance(url: str, key: MadeUpKey) -> list[str]:
    """Through ccxt, kept from asking the spot side."""
    return [
        f'client = ccxt.binanceusdm({{"apiKey": "{key.public}", "secret": "{key.secret}",',
        '    "options": {"fetchMarkets": {"types": ["linear"]}, "fetchCurrencies": False}})',
        'client.has["fetchCurrencies"] = False',
        'for name, version in (("", "v1"), ("V2", "v2"), ("V3", "v3")):',
        f'    client.urls["api"]["fapiPublic" + name] = "{url}/fapi/" + version',
        f'    client.urls["api"]["fapiPrivate" + name] = "{url}/fapi/" + version',
        f'client.urls["api"]["ws"] = {{"linear": "{socket_of(url)}/ws"}}',
    ]


def socket_of(url: str) -> str:
    """The address of the websockets beside one of HTTP."""
    return url.replace("http", "ws", 1)


SETTINGS = {"hyperliquid": of_hyperliquid, "dydx": of_dydx, "binance": of_binance}
