"""dYdX v4: the indexer's subaccounts, optionally with its perpetual markets.

A subaccount's USDC is what trades left: equity is USDC + sum of quantity x oracle price. So collateral, which is
before unrealised profit, is USDC + sum of quantity x entry. The indexer gives no liquidation price at all, and no
oracle prices in a subaccount: they come from a markets answer or a native file beside it. Where there is neither, a
price follows from the unrealised profit, entry + profit / quantity, and is used only if the subaccount's own equity
confirms it.

Subaccounts from 128 up are isolated ones, each hanging on the subaccount numbered by its remainder by 128.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from perpbook.snapshot.answer import Answer
from perpbook.snapshot.draft import Draft, balances, reported
from perpbook.snapshot.issues import Report
from perpbook.snapshot.moments import parse_moment

VENUE = "dydx"
PARENTS = 128
ENVELOPES = ("result", "contents", "subaccount")
CONFIRMED = 1e-4
"""Derived prices count as confirmed when equity comes out within this fraction of notional."""


def recognises(found: Any) -> bool:
    """Whether a document is such an answer."""
    return _is_markets(found) or bool(_subaccounts(Answer(found, (), Report(file=""))))


def _is_markets(found: Any) -> bool:
    found = found.get("result", found) if isinstance(found, dict) else None
    rows = found.get("markets") if isinstance(found, dict) else None
    return isinstance(rows, dict) and all(isinstance(row, dict) and "oraclePrice" in row for row in rows.values())


def _subaccounts(answer: Answer) -> list[Answer]:
    """The subaccounts of an answer, out of whatever they are wrapped in."""
    found = answer.found
    if not isinstance(found, dict):
        return []
    if "subaccountNumber" in found and "assetPositions" in found:
        return [answer]
    for key in ("subaccounts", "childSubaccounts"):
        if isinstance(found.get(key), list):
            return [one for row in answer.inner(key).each() for one in _subaccounts(row)]
    return next((_subaccounts(answer.inner(key)) for key in ENVELOPES if isinstance(found.get(key), dict)), [])


def read(answers: Sequence[Answer], draft: Draft, name: str) -> None:
    """Fill a draft from the answers."""
    found = [one for answer in answers if not _is_markets(answer.found) for one in _subaccounts(answer)]
    if not found:
        hint = "an empty answer is not a flat book: give the subaccount's answer as well"
        answers[0].report.add((), "shows no subaccount", hint=hint)
    for answer in answers:
        moment = parse_moment(answer.found.get("isoTimestamp")) if isinstance(answer.found, dict) else None
        if moment is not None:
            draft.times_ns.append(moment)
    numbers = {int(one.needed("subaccountNumber")) for one in found}
    held = {row.needed_text("market") for one in found for row in one.inner("openPerpetualPositions").each()}
    for answer in answers:
        if _is_markets(answer.found):
            _markets(answer.inner("result") if "result" in answer else answer, draft, held)
    for one in found:
        _subaccount(one, draft, name, numbers)


def _markets(answer: Answer, draft: Draft, held: set[str]) -> None:
    """Prices of the contracts that are held; the answer has hundreds of others."""
    for symbol in sorted(held & answer.inner("markets").found.keys()):
        row = answer.inner("markets", symbol)
        draft.market(
            row,
            VENUE,
            symbol,
            oracle_price=row.number("oraclePrice"),
            funding_rate=row.number("nextFundingRate"),
            open_interest=row.number("openInterest"),
        )


def _subaccount(answer: Answer, draft: Draft, name: str, numbers: set[int]) -> None:
    number = int(answer.needed("subaccountNumber"))
    opened = [row for row in answer.inner("openPerpetualPositions").each() if row.needed("size") != 0]
    sizes = [_size(row) for row in opened]
    coins = {row.needed_text("symbol"): _size(row) for row in answer.inner("assetPositions").each()}
    cash = coins.get("USDC", 0.0)
    paid = math.fsum(size * row.needed("entryPrice") for row, size in zip(opened, sizes, strict=True))
    isolated = number >= PARENTS and len(opened) == 1
    parent = number % PARENTS if isolated and number % PARENTS in numbers else None
    account = draft.account(
        answer,
        f"{name}-{number}",
        VENUE,
        mode="isolated" if isolated else None,
        parent=f"{name}-{parent}" if parent is not None else None,
        **balances({**coins, "USDC": cash + paid}),
        reported=reported(equity=answer.number("equity"), free_collateral=answer.number("freeCollateral")),
    )
    prices = _derived_prices(answer, opened, sizes, cash)
    for row, size in zip(opened, sizes, strict=True):
        symbol = row.needed_text("market")
        profit = row.number("unrealizedPnl")
        draft.market(row, VENUE, symbol, oracle_price=prices.get(symbol))
        draft.position(
            account,
            row,
            symbol=symbol,
            quantity=size,
            entry_price=row.needed("entryPrice"),
            reported=reported(unrealized_pnl=profit),
        )


def _size(row: Answer) -> float:
    """Signed size; the indexer signs some sizes and tells the side of all."""
    size, side = row.needed("size"), row.text("side")
    if side not in ("LONG", "SHORT"):
        row.issue("side", "must be LONG or SHORT", "save the indexer's answer again, whole")
    if side == "LONG" and size < 0:
        row.issue("size", "is below 0 for a LONG", "the answer contradicts itself: ask the indexer again")
    return -abs(size) if side == "SHORT" else size


def _derived_prices(
    answer: Answer, opened: Sequence[Answer], sizes: Sequence[float], cash: float
) -> Mapping[str, float]:
    """Oracle prices that the unrealised profits imply; none unless they give the equity that the indexer gave."""
    equity = answer.number("equity")
    prices: dict[str, float] = {}
    value = 0.0
    for row, size in zip(opened, sizes, strict=True):
        profit = row.number("unrealizedPnl")
        if profit is None or equity is None:
            return {}
        price = row.needed("entryPrice") + profit / (size or 1.0)
        prices[row.needed_text("market")] = price
        value += size * price
    notional = math.fsum(abs(size * prices[row.needed_text("market")]) for row, size in zip(opened, sizes, strict=True))
    confirmed = equity is not None and abs(cash + value - equity) <= CONFIRMED * notional
    return prices if confirmed and all(price > 0 for price in prices.values()) else {}
