"""The native book, schema `book/1`: a parsed TOML or JSON document becomes a `Snapshot`, or issues in a report.

The tables are read in `accounts`, `positions` and `markets`. Amounts owed are not
negative collateral but `debts = { USDC = 100.0 }` beside it, so that a slip of the sign is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from perpbook.model.account import Balance
from perpbook.model.book import Book, LayerBalance, Transfer, Unread
from perpbook.model.market import Market, Snapshot
from perpbook.snapshot.access import read_access
from perpbook.snapshot.accounts import OWED, read_accounts
from perpbook.snapshot.fields import Sign, Table
from perpbook.snapshot.issues import Report
from perpbook.snapshot.listings import Listings, listings_at
from perpbook.snapshot.markets import read_quotes

SCHEMA = "book/1"
BOOK_KEYS = frozenset(
    {
        "schema", "as_of", "source", "simulated", "prices_as_of", "prices_source", "prices", "betas", "accounts",
        "markets", "layers", "transfers", "unread", "access", "clouds",
    }
)  # fmt: skip
LAYER_KEYS = frozenset({"layer", "asset", "amount", "locked", "gas"})
TRANSFER_KEYS = frozenset(
    {"asset", "amount", "source", "destination", "arrives", "route", "routes", "departed", "stuck"}
)
UNREAD_KEYS = frozenset({"what", "why"})
NOT_KNOWN = "where it is not known, leave the transfer out and say so under [[unread]]"
NO_BOOK = Book(as_of_ns=0, source="?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file is read against: our time (None: unknown), and folders of the user's own terms."""

    now_ns: int | None = None
    terms_folders: Sequence[Path] = ()


def read_document(document: Any, report: Report, reading: Reading) -> Snapshot | None:
    """The book in a document, None when the report has issues."""
    top = _top(document, report)
    if top is None:
        return None
    as_of = _as_of(top, reading)
    listings = listings_at(as_of, reading.terms_folders)
    market = _market(top, as_of or 0, listings, reading)
    book = _book(top, as_of or 0, listings)
    if not (book.accounts or book.layers or book.transfers or book.unread or report.issues):
        report.add(
            (), "holds no accounts, layers or transfers", hint="an empty file is not a flat book: add [[accounts]]"
        )
    return None if report.issues else Snapshot(book=book, market=market)


def read_market_document(document: Any, report: Report, reading: Reading) -> Market | None:
    """The prices alone of a document; whatever it says of accounts is checked, and left aside."""
    top = _top(document, report)
    if top is None:
        return None
    as_of = _as_of(top, reading)
    listings = listings_at(as_of, reading.terms_folders)
    market = _market(top, as_of or 0, listings, reading)
    _book(top, as_of or 0, listings)
    if not (market.quotes or market.asset_prices or market.betas or report.issues):
        report.add((), "holds no [[markets]], [prices] or [betas]", hint="write at least one, or leave the file out")
    return None if report.issues else market


def _top(document: Any, report: Report) -> Table | None:
    if not isinstance(document, dict):
        hint = "a book is one table with schema and accounts; a venue's own answer goes through `perpbook book import`"
        report.add((), "must be a table at the top", value=document, hint=hint)
        return None
    top = Table(document, (), report)
    hint = f'write schema = "{SCHEMA}"; a venue\'s own answer goes through `perpbook book import`'
    if "schema_version" in document:
        hint = "this is a playbook: name the book first and the playbook after it"
    if not top.require("schema", hint):
        return None
    if document["schema"] != SCHEMA:
        top.issue("schema", "is not one this version reads", f'write schema = "{SCHEMA}"')
        return None
    top.only(BOOK_KEYS)
    return top


def _as_of(top: Table, reading: Reading) -> int | None:
    top.require("as_of", 'write when the book was read: as_of = "2026-11-20T12:00:00Z"')
    return top.moment("as_of", reading.now_ns)


def _market(top: Table, as_of_ns: int, listings: Listings, reading: Reading) -> Market:
    prices_as_of = top.moment("prices_as_of", reading.now_ns)
    return Market(
        as_of_ns=as_of_ns if prices_as_of is None else prices_as_of,
        source=top.text("prices_source") or _source(top),
        quotes=MappingProxyType(read_quotes(top.tables("markets"), listings, reading.now_ns)),
        asset_prices=MappingProxyType(top.numbers("prices", Sign.POSITIVE, "write dollars per coin, above 0")),
        betas=MappingProxyType(top.numbers("betas", Sign.ANY)),
        simulated=top.flag("simulated"),
    )


def _source(top: Table) -> str:
    said = top.found.get("source")
    return said if isinstance(said, str) else "".join(c if c.isprintable() else "?" for c in top.report.file)


def _book(top: Table, as_of_ns: int, listings: Listings) -> Book:
    top.text("source")
    accounts = read_accounts(top.tables("accounts"), listings)
    layers = tuple(_layer(table) for table in top.tables("layers"))
    transfers = tuple(_transfer(table, as_of_ns) for table in top.tables("transfers"))
    unread = tuple(_unread(table) for table in top.tables("unread"))
    access = read_access(top)
    if top.report.issues:
        return NO_BOOK
    return Book(
        as_of_ns=as_of_ns, source=_source(top), accounts=accounts, layers=layers, transfers=transfers, unread=unread,
        access=access,
    )  # fmt: skip


def _layer(table: Table) -> LayerBalance:
    table.only(LAYER_KEYS)
    layer = table.needed_text("layer", 'name the chain, rollup or bank, e.g. layer = "arbitrum"')
    asset = table.needed_text("asset", 'name the coin, e.g. asset = "USDC"')
    amount = table.needed("amount", Sign.NOT_NEGATIVE, f"write coins, not below 0; {OWED}")
    locked = table.number("locked", Sign.NOT_NEGATIVE, "write the coins of it that cannot leave now")
    if locked is not None and locked > amount:
        table.issue("locked", "is more than the amount", "locked coins are a part of the amount")
    return LayerBalance(
        layer=layer or "?",
        balance=Balance(asset=asset or "?", amount=amount),
        locked=locked or 0.0,
        gas=table.flag("gas") if "gas" in table.found else None,
    )


def _transfer(table: Table, as_of_ns: int) -> Transfer:
    table.only(TRANSFER_KEYS)
    arrives, departed = table.moment("arrives"), table.moment("departed")
    if departed is not None and departed > as_of_ns:
        table.issue("departed", "is after the book was read", "write when it left, in UTC; or put as_of right")
    if departed is not None and arrives is not None and arrives < departed:
        table.issue("arrives", "is before it departed", "put one of the two times right")
    return Transfer(
        asset=table.needed_text("asset", 'name the coin, e.g. asset = "USDC"') or "?",
        amount=table.needed("amount", Sign.POSITIVE, f"write the coins on their way, above 0; {NOT_KNOWN}"),
        source=table.needed_text("source", "name where the money comes from") or "?",
        destination=table.needed_text("destination", f"name the account or layer it goes to; {NOT_KNOWN}") or "?",
        arrives_ns=arrives,
        routes=_routes(table),
        departed_ns=departed,
        stuck=table.flag("stuck"),
    )


def _routes(table: Table) -> tuple[str, ...]:
    """One `route`, or several `routes` in order."""
    if "route" in table.found and "routes" in table.found:
        table.issue("route", "stands beside routes", "write one of the two")
    one = table.text("route")
    at = (*table.at, "routes")
    many = [table.check_text(name, (*at, number)) for number, name in enumerate(table.list("routes"))]
    return tuple(name for name in ([one] if one else many) if name)


def _unread(table: Table) -> Unread:
    table.only(UNREAD_KEYS)
    what = table.needed_text("what", 'name the place or transfer that cannot be read, e.g. what = "starknet"')
    return Unread(what=what or "?", why=table.needed_text("why", 'say why, e.g. why = "its RPC is silent"') or "?")
