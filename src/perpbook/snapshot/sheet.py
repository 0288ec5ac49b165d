"""A book as a CSV sheet: one row per position, and one per coin of collateral.

The first row names the columns, in any order; every one but `account` and `venue` may be left out:

    account, venue, layer, mode, parent     which account the row belongs to (mode: cross or isolated)
    symbol                                  the contract held
    quantity, or side and contracts         signed quantity, or long/short and a number of contracts
    entry_price, leverage, tags             tags are separated by ;
    mark_price, oracle_price                prices of the contract now
    collateral_asset, amount                coins in the account, below 0 when owed
    as_of                                   when the book was read; else the time of the file

A row is a position, or collateral, or both. An account without any collateral row is refused: write amount 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from perpbook.errors import Problem
from perpbook.snapshot.answer import NUMBER, Answer
from perpbook.snapshot.draft import Draft, balances
from perpbook.snapshot.issues import Report, nearest

WORDS = frozenset({"account", "venue", "layer", "mode", "parent", "symbol", "side", "tags", "collateral_asset", "as_of"})
NUMBERS = frozenset({"quantity", "contracts", "entry_price", "leverage", "mark_price", "oracle_price", "amount"})
OF_ACCOUNT = ("venue", "layer", "mode", "parent")
OF_POSITION = ("quantity", "side", "contracts", "entry_price", "leverage")
HEADER = "write a first row such as account,venue,symbol,quantity,entry_price,mark_price,collateral_asset,amount"


@dataclass(slots=True)
class Sheet:
    """What has been read so far."""

    report: Report
    draft: Draft = field(default_factory=Draft)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    coins: dict[str, dict[str, float]] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    as_of: str | None = None
