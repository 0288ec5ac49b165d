"""Saving made-up answers of venues, importing them, and reading what came out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from perpbook.model.account import Account
from perpbook.model.market import Snapshot
from perpbook.snapshot import import_snapshot


def imported(folder: Path, found: Any, *more: Any, **options: Any) -> Snapshot:
    """The book of one answer and those beside it, each saved in a file of its own."""
    paths = []
    for number, one in enumerate((found, *more)):
        paths.append(folder / f"{number}.json")
        paths[-1].write_text(json.dumps(one))
    return import_snapshot(paths[0], extra=paths[1:], **options)


def equity(snapshot: Snapshot, account: Account) -> float:
    """Collateral plus unrealised profit at the marks; linear contracts, one coin."""
    marks = {symbol: quote.mark_price or 0.0 for (_, symbol), quote in snapshot.market.quotes.items()}
    profit = sum(one.quantity * (marks[one.symbol] - one.entry_price) for one in account.positions)
    return sum(one.amount for one in account.collateral) + profit
