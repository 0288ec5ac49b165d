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
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from perpbook.errors import Problem
from perpbook.snapshot.answer import NUMBER
from perpbook.snapshot.issues import Origin, Report, nearest
from perpbook.snapshot.moments import moment_text
from perpbook.snapshot.native import SCHEMA

OF_ACCOUNT = ("venue", "layer", "mode", "parent")
OF_POSITION = ("symbol", "quantity", "side", "contracts", "entry_price", "leverage", "tags")
OF_MARKET = ("mark_price", "oracle_price")
OF_COIN = ("collateral_asset", "amount")
COLUMNS = frozenset({"account", "as_of", *OF_ACCOUNT, *OF_POSITION, *OF_MARKET, *OF_COIN})
NUMBERS = frozenset({"quantity", "contracts", "entry_price", "leverage", "amount", *OF_MARKET})
HEADER = "begin with a row such as account,venue,symbol,quantity,entry_price,mark_price,collateral_asset,amount"

Row = dict[str, Any]


def read_sheet(text: str, file: str, written_ns: int) -> tuple[dict[str, Any], Report] | Problem:
    """The native document of a sheet, with a report that knows its lines; `written_ns` is the time of the file."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    sheet = Sheet()
    try:
        header = [name.strip() for name in next(reader)]
        header_fits = sheet.check_header(header)
        for cells in reader:
            if any(cell.strip() for cell in cells) and header_fits:
                sheet.add(sheet.row(header, cells, reader.line_num), reader.line_num)
    except csv.Error as error:
        hint = "save the sheet again as CSV, separated by commas, in UTF-8"
        return Problem(file=file, line=reader.line_num, message=f"is not valid CSV: {error}", hint=hint)
    sheet.report.file = file
    return sheet.document(written_ns), sheet.report


@dataclass(slots=True)
class Sheet:
    """What has been read so far; issues about a line stand at the key ("line", number, column)."""

    report: Report = field(default_factory=lambda: Report(file="?"))
    accounts: dict[str, Row] = field(default_factory=dict)
    markets: dict[tuple[str, str], Row] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    as_of: str | None = None

    def issue(self, line: int, column: str, message: str, hint: str, *value: str) -> None:
        """Note an issue in a line."""
        self.report.origins.setdefault(("line", line), Origin(line=line))
        self.report.add(("line", line, column), message, hint=hint, **({"value": value[0]} if value else {}))

    def check_header(self, header: list[str]) -> bool:
        """Whether every column is known, and there once."""
        for name in dict.fromkeys(header):
            if name not in COLUMNS:
                self.issue(1, name, "is not a column of a book", nearest(name, COLUMNS))
            elif header.count(name) > 1:
                self.issue(1, name, "is a column twice", "keep one of the two")
        for name in ("account", "venue"):
            if name not in header:
                self.issue(1, name, "is missing among the columns", HEADER)
        return not self.report.issues

    def row(self, header: list[str], cells: list[str], line: int) -> Row:
        """The cells of a line that hold something, by column."""
        if len(cells) > len(header):
            message = f"has {len(cells)} cells, the first row names {len(header)}"
            self.issue(line, "", message, 'put text that has commas in "quotes"')
        found: Row = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
        for name in NUMBERS & found.keys():
            if NUMBER.fullmatch(found[name]):
                found[name] = float(found[name])
            else:
                hint = "write it as 1234.5, without units or separators"
                self.issue(line, name, "must be a number", hint, found[name])
                found[name] = 1.0
        return found

    def add(self, row: Row, line: int) -> None:
        """Put a line where it belongs."""
        name = row.get("account")
        if name is None:
            self.issue(line, "account", "is missing", "name the account this row belongs to")
            return
        if row.keys().isdisjoint((*OF_POSITION, *OF_COIN)):
            self.issue(
                line, "", "holds neither a position nor collateral", "give symbol, or collateral_asset and amount"
            )
        self._date(row, line)
        account = self._account(name, row, line)
        if not row.keys().isdisjoint(OF_POSITION):
            self._position(account, row, line)
        if not row.keys().isdisjoint(OF_COIN):
            self._coin(account, row, line)
        if not row.keys().isdisjoint(OF_MARKET):
            self._market(account, row, line)

    def document(self, written_ns: int) -> dict[str, Any]:
        """The native document of everything read."""
        return {
            "schema": SCHEMA,
            "as_of": self.as_of or moment_text(written_ns),
            "accounts": list(self.accounts.values()),
            "markets": list(self.markets.values()),
        }

    def _date(self, row: Mapping[str, Any], line: int) -> None:
        said = row.get("as_of")
        if said is None:
            return
        self.report.origins.setdefault(("as_of",), Origin(path="as_of", line=line))
        if self.as_of is not None and said != self.as_of:
            self.issue(
                line, "as_of", f"differs from {self.as_of} above", "a book is of one instant: write one time", said
            )
        self.as_of = self.as_of or said

    def _account(self, name: str, row: Mapping[str, Any], line: int) -> Row:
        if name not in self.accounts:
            self.numbers[name] = len(self.accounts)
            self.report.origins["accounts", len(self.accounts)] = Origin(line=line)
            said = {key: row[key] for key in OF_ACCOUNT if key in row}
            self.accounts[name] = {"id": name, **said, "positions": []}
            return self.accounts[name]
        account = self.accounts[name]
        for key in OF_ACCOUNT:
            if key in row and row[key] != account.setdefault(key, row[key]):
                message = f"differs from {account[key]} in an earlier row of {name}"
                self.issue(
                    line, key, message, "an account is one margin pool: give the other rows another account", row[key]
                )
        return account

    def _position(self, account: Row, row: Mapping[str, Any], line: int) -> None:
        number = self.numbers[account["id"]]
        self.report.origins["accounts", number, "positions", len(account["positions"])] = Origin(line=line)
        position = {key: row[key] for key in OF_POSITION if key in row}
        if "tags" in position:
            position["tags"] = [tag.strip() for tag in position["tags"].split(";") if tag.strip()]
        account["positions"].append(position)

    def _coin(self, account: Row, row: Mapping[str, Any], line: int) -> None:
        account.setdefault("collateral", {})
        for key in OF_COIN:
            if key not in row:
                self.issue(line, key, "is missing", "give collateral_asset and amount together")
                return
        asset, amount = row["collateral_asset"], row["amount"]
        held, owed = account["collateral"], account.get("debts", {})
        if asset in held or asset in owed:
            self.issue(line, "collateral_asset", f"{asset} is given twice for {account['id']}", "add the two up", asset)
        elif amount < 0:
            account.setdefault("debts", {})[asset] = -amount
        else:
            held[asset] = amount

    def _market(self, account: Mapping[str, Any], row: Mapping[str, Any], line: int) -> None:
        if "symbol" not in row or "venue" not in account:
            self.issue(line, "symbol", "is missing", "a price belongs to a contract: give symbol and venue")
            return
        key = (account["venue"], row["symbol"])
        if key not in self.markets:
            self.report.origins["markets", len(self.markets)] = Origin(line=line)
            self.markets[key] = {"venue": key[0], "symbol": key[1]}
        market = self.markets[key]
        for name in OF_MARKET:
            if name in row and row[name] != market.setdefault(name, row[name]):
                message = f"differs from {market[name]:g} in an earlier row"
                self.issue(line, name, message, "write one price for a contract", str(row[name]))
