"""A book file on disk becomes a `Snapshot`, or a `BookError` with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from perpbook.errors import Problem
from perpbook.model.market import Market, Snapshot
from perpbook.snapshot.issues import Report, refuse
from perpbook.snapshot.native import Reading, read_document, read_market_document
from perpbook.snapshot.parse import kind_of, parse_json, parse_toml, text_of
from perpbook.snapshot.sheet import read_sheet


def load_snapshot(
    path: Path,
    *,
    market: Path | None = None,
    now_ns: int | None = None,
    terms_folders: Sequence[Path] = (),
) -> Snapshot:
    """The book in a native TOML or JSON file, or in a CSV sheet.

    `market` is a second native file; its [[markets]], [prices] and [betas] win. `now_ns` is our time: a book from the
    future is refused. `terms_folders` hold the user's own terms files.

    Raises
    ------
    BookError : with every Problem of the files.
    """
    reading = Reading(now_ns=now_ns, terms_folders=terms_folders)
    problems: list[Problem] = []
    snapshot = _load_book(path, reading, problems)
    prices = load_market(market, reading, problems) if market else None
    refuse(problems)
    assert snapshot is not None, "a book without problems is a snapshot"
    return snapshot if prices is None else replace(snapshot, market=override(snapshot.market, prices))


def load_market(path: Path, reading: Reading, problems: list[Problem]) -> Market | None:
    """The prices of a native file; what is wrong with it joins `problems`."""
    found = _document(path, "market file", reading)
    if isinstance(found, Problem):
        problems.append(found)
        return None
    document, report = found
    market = read_market_document(document, report, reading)
    problems += report.problems()
    return market


def file_time(path: Path, now_ns: int | None) -> int:
    """When a file was last written, which is as old as what it says can be; never after `now_ns`."""
    written = path.stat().st_mtime_ns
    return written if now_ns is None else min(written, now_ns)


def _load_book(path: Path, reading: Reading, problems: list[Problem]) -> Snapshot | None:
    found = _document(path, "book", reading)
    if isinstance(found, Problem):
        problems.append(found)
        return None
    document, report = found
    snapshot = read_document(document, report, reading)
    problems += report.problems()
    return snapshot


def _document(path: Path, what: str, reading: Reading) -> tuple[Any, Report] | Problem:
    """The parsed file, and a report that knows its text."""
    text = text_of(path, what)
    if isinstance(text, Problem):
        return text
    kind = kind_of(path, text)
    if kind == "csv":
        return read_sheet(text, str(path), file_time(path, reading.now_ns))
    document = parse_json(text, str(path)) if kind == "json" else parse_toml(text, str(path))
    if isinstance(document, Problem):
        return document
    return document, Report(file=str(path), text=text if kind == "toml" else None)


def override(below: Market, above: Market) -> Market:
    """One market of two: what `above` gives wins.

    It is as old as the older of the two while anything of `below` is left in it; each quote keeps its own time.
    """
    kept_quotes = {key: quote for key, quote in below.quotes.items() if key not in above.quotes}
    kept_prices = {asset: price for asset, price in below.asset_prices.items() if asset not in above.asset_prices}
    if not kept_quotes and not kept_prices:
        return replace(above, betas=MappingProxyType({**below.betas, **above.betas}))
    dated = [
        (key, quote if quote.as_of_ns is not None else replace(quote, as_of_ns=market.as_of_ns))
        for market, quotes in ((below, kept_quotes), (above, above.quotes))
        for key, quote in quotes.items()
    ]
    return Market(
        as_of_ns=min(below.as_of_ns, above.as_of_ns),
        source=f"{above.source}, else {below.source}",
        quotes=MappingProxyType(dict(dated)),
        asset_prices=MappingProxyType({**kept_prices, **above.asset_prices}),
        betas=MappingProxyType({**below.betas, **above.betas}),
        simulated=below.simulated or above.simulated,
    )
