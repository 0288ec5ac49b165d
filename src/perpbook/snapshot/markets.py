"""Quotes and prices of a native file, read from their tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from perpbook.model.market import Depth, Quote
from perpbook.snapshot.fields import Sign, Table
from perpbook.snapshot.listings import Listings

MARKET_KEYS = frozenset(
    {
        "venue", "symbol", "mark_price", "oracle_price", "index_price", "funding_rate", "open_interest", "bids", "asks",
        "as_of",
    }
)  # fmt: skip
POSITIVE = "write it above 0, in quote per base, or leave it out"


def read_quotes(tables: Sequence[Table], listings: Listings, now_ns: int | None) -> dict[tuple[str, str], Quote]:
    """Every market, by venue and the venue's own symbol."""
    quotes: dict[tuple[str, str], Quote] = {}
    for table in tables:
        quote = _read_quote(table, listings, now_ns)
        key = (quote.venue, quote.symbol)
        if key in quotes and "?" not in key:
            table.issue("symbol", f"{quote.symbol} on {quote.venue} is given twice", "keep one of the two")
        quotes[key] = quote
    return quotes


def _read_quote(table: Table, listings: Listings, now_ns: int | None) -> Quote:
    table.only(MARKET_KEYS)
    venue = listings.venue(table)
    contract = listings.contract(table, venue)
    return Quote(
        venue=venue or "?",
        symbol=contract.symbol if contract else "?",
        mark_price=table.number("mark_price", Sign.POSITIVE, POSITIVE),
        oracle_price=table.number("oracle_price", Sign.POSITIVE, POSITIVE),
        index_price=table.number("index_price", Sign.POSITIVE, POSITIVE),
        funding_rate=table.number("funding_rate"),
        open_interest=table.number("open_interest", Sign.NOT_NEGATIVE, "write it in base units, not below 0"),
        depth=_depth(table),
        as_of_ns=table.moment("as_of", now_ns),
    )


def _depth(table: Table) -> Depth | None:
    if "bids" not in table.found and "asks" not in table.found:
        return None
    bids, asks = _levels(table, "bids"), _levels(table, "asks")
    if bids and asks and bids[0][0] >= asks[0][0]:
        table.report.add((*table.at, "bids", 0), "the best bid is not below the best ask", hint="swap bids and asks")
    return Depth(bids=bids, asks=asks)


def _levels(table: Table, key: str) -> tuple[tuple[float, float], ...]:
    levels = [_level(table, key, number, value) for number, value in enumerate(table.list(key))]
    found = tuple(level for level in levels if level is not None)
    down = key == "bids"
    for number, (before, after) in enumerate(pairwise(found)):
        if before[0] == after[0] or (before[0] < after[0]) == down:
            hint = "write the best price first, each price once: bids fall, asks rise"
            table.report.add((*table.at, key, number + 1), "the levels are not in order", hint=hint)
            break
    return found


def _level(table: Table, key: str, number: int, value: Any) -> tuple[float, float] | None:
    return table.pair(value, (*table.at, key, number))
