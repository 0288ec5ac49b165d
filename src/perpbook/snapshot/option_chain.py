"""A chain of options from Deribit's own answers, saved as JSON: get_book_summary_by_currency or tickers, with get_instruments
beside them for the least trades. Prices are in the coin for coin-settled options, volatilities in percent, times milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from perpbook.errors import InputError, Problem
from perpbook.model.units import SECOND_NS
from perpbook.options.chain import Origin, RawQuote
from perpbook.snapshot.answer import Answer
from perpbook.snapshot.issues import Report
from perpbook.snapshot.parse import parse_json, text_of

QUOTED = ("bid_price", "ask_price", "best_bid_price", "best_ask_price", "mark_iv")
"""A row with one of these is a quote; one with `min_trade_amount` is an instrument."""

MILLISECOND_NS = SECOND_NS // 1_000
MICROSECOND_NS = SECOND_NS // 1_000_000


def read_option_answers(paths: Sequence[Path]) -> tuple[list[RawQuote], Origin]:
    """The quotes of several answers, a ticker's taking the place of a summary's; the moment is the latest that one names.

    Raises
    ------
    InputError : with every Problem of the files; or no quote, or no time, is in them.
    """
    problems: list[Problem] = []
    quotes: dict[str, RawQuote] = {}
    lots: dict[str, float] = {}
    moments: list[int] = []
    for path in paths:
        report = Report(file=str(path))
        answer = _open(path, report, problems)
        if answer is not None:
            moments += _moments(answer)
            for row in _rows(answer):
                _take(row, quotes, lots, moments)
        problems += report.problems()
    if problems:
        raise InputError("the chain cannot be read", problems)
    if not quotes:
        raise InputError(
            f"{paths[0]} quotes no option: save public/get_book_summary_by_currency (kind=option), or public/ticker of each"
        )
    if not moments:
        raise InputError(
            f"{paths[0]} does not say when it was given: save the whole answer, with its usOut or its timestamps"
        )
    rows = [replace(row, lot_size=lots.get(name, row.lot_size)) for name, row in quotes.items()]
    return rows, Origin(venue="deribit", as_of_ns=max(moments), source=paths[0].name)


def _open(path: Path, report: Report, problems: list[Problem]) -> Answer | None:
    text = text_of(path, "chain")
    found = text if isinstance(text, Problem) else parse_json(text, str(path))
    if isinstance(found, Problem):
        problems.append(replace(found, hint="save the venue's answer again, whole"))
        return None
    return Answer(found, (), report)


def _moments(answer: Answer) -> list[int]:
    out = answer.number("usOut") if isinstance(answer.found, dict) else None
    return [int(out) * MICROSECOND_NS] if out is not None else []


def _rows(answer: Answer) -> list[Answer]:
    """The objects of a result, or of a bare list of answers; one ticker is a list of one."""
    at = answer.inner("result") if "result" in answer else answer
    if isinstance(at.found, dict):
        return [at]
    return [one.inner("result") if "result" in one else one for one in at.each()]


def _take(row: Answer, quotes: dict[str, RawQuote], lots: dict[str, float], moments: list[int]) -> None:
    name = row.text("instrument_name")
    if name is None or not name.endswith(("-C", "-P")):
        return
    if "min_trade_amount" in row:
        lots[name] = row.needed("min_trade_amount")
    if not any(key in row for key in QUOTED):
        return
    for key in ("timestamp", "creation_timestamp"):
        when = row.number(key)
        if when is not None and "min_trade_amount" not in row:
            moments.append(int(when) * MILLISECOND_NS)
    ticker = "best_bid_price" in row or "best_ask_price" in row
    if name in quotes and not ticker:
        return
    volatility = row.number("mark_iv")
    quotes[name] = RawQuote(
        name=name,
        bid=row.number("best_bid_price" if ticker else "bid_price") or None,
        ask=row.number("best_ask_price" if ticker else "ask_price") or None,
        bid_quantity=row.number("best_bid_amount"),
        ask_quantity=row.number("best_ask_amount"),
        mark_volatility=volatility / 100.0 if volatility else None,
        open_interest=row.number("open_interest"),
        underlying=row.number("underlying_price"),
        index=row.number("index_price") or row.number("estimated_delivery_price"),
    )
