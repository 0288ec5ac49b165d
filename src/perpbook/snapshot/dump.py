"""A `Snapshot` written as a native book: reading it again gives the same values.

What a loaded or imported snapshot holds comes back exactly. Balances of one asset in one account are added up, and
held ones written before owed ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from perpbook.model.account import Account, Balance, MarginMode, Order, Position, Reported
from perpbook.model.book import LayerBalance, Transfer
from perpbook.model.market import Quote, Snapshot
from perpbook.snapshot.access import access_document
from perpbook.snapshot.moments import moment_text
from perpbook.snapshot.native import SCHEMA
from perpbook.snapshot.positions import NO_REPORT, REPORTED_NUMBERS

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
BOOK_FORMATS = ("toml", "json")


def dump_snapshot(snapshot: Snapshot, format: str = "toml") -> str:
    """The snapshot as a native book, `format` one of "toml" and "json"."""
    if format not in BOOK_FORMATS:
        raise ValueError(f'a book is written as {" or ".join(BOOK_FORMATS)}, not "{format}"')
    document = book_document(snapshot)
    if format == "json":
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return "\n".join(_toml(document)).strip() + "\n"


def book_document(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot as the document a native file holds."""
    book, market = snapshot.book, snapshot.market
    return _without_none(
        {
            "schema": SCHEMA,
            "as_of": moment_text(book.as_of_ns),
            "source": book.source,
            "simulated": market.simulated or None,
            "prices_as_of": moment_text(market.as_of_ns) if market.as_of_ns != book.as_of_ns else None,
            "prices_source": market.source if market.source != book.source else None,
            "prices": dict(market.asset_prices) or None,
            "betas": dict(market.betas) or None,
            "accounts": [_account(account) for account in book.accounts] or None,
            "markets": [_quote(quote) for quote in market.quotes.values()] or None,
            "layers": [_layer(one) for one in book.layers] or None,
            "transfers": [_transfer(transfer) for transfer in book.transfers] or None,
            "unread": [{"what": one.what, "why": one.why} for one in book.unread] or None,
            **access_document(book.access),
        }
    )  # fmt: skip


def _account(account: Account) -> dict[str, Any]:
    held, owed = _balances(account.collateral)
    return _without_none(
        {
            "id": account.id,
            "venue": account.venue,
            "layer": account.layer,
            "mode": account.mode.value if account.mode is not MarginMode.CROSS else None,
            "parent": account.parent,
            "collateral": held,
            "debts": owed or None,
            "reported": _reported(account.reported),
            "positions": [_position(position) for position in account.positions] or None,
            "orders": [_order(order) for order in account.orders] or None,
        }
    )


def _balances(balances: Iterable[Balance]) -> tuple[dict[str, float], dict[str, float]]:
    """Amounts held, and amounts owed above 0, by asset."""
    total: dict[str, float] = {}
    for balance in balances:
        total[balance.asset] = total[balance.asset] + balance.amount if balance.asset in total else balance.amount
    held = {asset: amount for asset, amount in total.items() if amount >= 0}
    return held, {asset: -amount for asset, amount in total.items() if amount < 0}


def _position(position: Position) -> dict[str, Any]:
    return _without_none(
        {
            "symbol": position.symbol,
            "quantity": position.quantity,
            "entry_price": position.entry_price,
            "leverage": position.leverage,
            "tags": list(position.tags) or None,
            "reported": _reported(position.reported),
        }
    )


def _reported(reported: Reported) -> dict[str, Any] | None:
    if reported == NO_REPORT:
        return None
    names = ("liquidation_price", *REPORTED_NUMBERS)
    found = {"no_liquidation_price": reported.no_liquidation_price or None}
    return _without_none(found | {name: getattr(reported, name) for name in names})


def _order(order: Order) -> dict[str, Any]:
    found = {"symbol": order.symbol, "quantity": order.quantity, "limit_price": order.limit_price}
    return found | ({"reduce_only": True} if order.reduce_only else {})


def _quote(quote: Quote) -> dict[str, Any]:
    depth = quote.depth
    return _without_none(
        {
            "venue": quote.venue,
            "symbol": quote.symbol,
            "mark_price": quote.mark_price,
            "oracle_price": quote.oracle_price,
            "index_price": quote.index_price,
            "funding_rate": quote.funding_rate,
            "open_interest": quote.open_interest,
            "bids": [list(level) for level in depth.bids] if depth else None,
            "asks": [list(level) for level in depth.asks] if depth else None,
            "as_of": moment_text(quote.as_of_ns) if quote.as_of_ns is not None else None,
        }
    )


def _layer(one: LayerBalance) -> dict[str, Any]:
    return _without_none(
        {
            "layer": one.layer,
            "asset": one.balance.asset,
            "amount": one.balance.amount,
            "locked": one.locked or None,
            "gas": one.gas,
        }
    )


def _transfer(transfer: Transfer) -> dict[str, Any]:
    return _without_none(
        {
            "asset": transfer.asset,
            "amount": transfer.amount,
            "source": transfer.source,
            "destination": transfer.destination,
            "routes": list(transfer.routes) or None,
            "departed": moment_text(transfer.departed_ns) if transfer.departed_ns is not None else None,
            "arrives": moment_text(transfer.arrives_ns) if transfer.arrives_ns is not None else None,
            "stuck": transfer.stuck or None,
        }
    )


def _without_none(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if value is not None}


def _toml(table: Mapping[str, Any], path: str = "") -> Iterable[str]:
    """Lines of a table: its plain values, then its inner tables."""
    later = {}
    for key, value in table.items():
        if _is_block(value, path):
            later[key] = value
        else:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in later.items():
        name = f"{path}.{_key(key)}" if path else _key(key)
        for one in value if isinstance(value, list) else [value]:
            yield f"\n[[{name}]]" if isinstance(value, list) else f"\n[{name}]"
            yield from _toml(one, name)


def _is_block(value: Any, path: str) -> bool:
    """Whether a value stands under a header of its own; balances and reports of an account stay in its lines."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict)
    return isinstance(value, dict) and not path


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(_value(one) for one in value)}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return repr(float(value))


def _key(key: str) -> str:
    return key if BARE_KEY.fullmatch(key) else _value(key)
