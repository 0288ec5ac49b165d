"""Accounts of a book, read from their tables, and what must hold between them."""

from __future__ import annotations

from collections.abc import Sequence

from perpbook.model.account import Account, Balance, MarginMode, Position
from perpbook.snapshot.fields import Sign, Table
from perpbook.snapshot.issues import nearest
from perpbook.snapshot.listings import Listings
from perpbook.snapshot.positions import read_order, read_position, read_reported

ACCOUNT_KEYS = frozenset(
    {
        "id", "venue", "layer", "mode", "parent", "collateral", "debts", "positions", "orders", "reported",
    }
)  # fmt: skip
MODES = tuple(mode.value for mode in MarginMode)
OWED = "an amount owed goes above 0 into debts = { … } beside collateral"


def read_accounts(tables: Sequence[Table], listings: Listings) -> tuple[Account, ...]:
    """Every account, checked against one another."""
    accounts = tuple(_read_account(table, listings) for table in tables)
    _check_ids(tables)
    _check_parents(tables, accounts)
    return accounts


def _read_account(table: Table, listings: Listings) -> Account:
    table.only(ACCOUNT_KEYS)
    mode = _mode(table)
    name = table.needed_text("id", 'give the account a name, e.g. id = "main"')
    venue = listings.venue(table)
    positions = tuple(read_position(one, venue, listings) for one in table.tables("positions"))
    if mode is MarginMode.ISOLATED:
        _check_isolated(table, positions)
    else:
        _check_cross(table, positions)
    return Account(
        id=name or "?",
        venue=venue or "?",
        layer=table.text("layer"),
        mode=mode,
        parent=table.text("parent"),
        collateral=_balances(table),
        positions=positions if mode is MarginMode.CROSS else positions[:1],
        orders=tuple(read_order(one, venue, listings) for one in table.tables("orders")),
        reported=read_reported(table),
    )


def _mode(table: Table) -> MarginMode:
    word = table.text("mode")
    if word is None:
        return MarginMode.CROSS
    if word not in MODES:
        table.issue("mode", "is not a margin mode", nearest(word, MODES))
        return MarginMode.CROSS
    return MarginMode(word)


def _balances(table: Table) -> tuple[Balance, ...]:
    """What is held, then what is owed (below 0)."""
    table.require("collateral", "write what lies in the account: collateral = { USDC = 50000.0 }, or { USDC = 0.0 }")
    held = table.numbers("collateral", Sign.NOT_NEGATIVE, OWED)
    owed = table.numbers("debts", Sign.POSITIVE, "write the amount owed above 0, or leave it out")
    for asset in sorted(held.keys() & owed.keys()):
        message = f"{asset} is both held and owed"
        table.report.add((*table.at, "debts", asset), message, hint="write the difference, on one side only")
    balances = [Balance(asset=asset, amount=amount) for asset, amount in held.items()]
    return (*balances, *(Balance(asset=asset, amount=-amount) for asset, amount in owed.items()))


def _check_isolated(table: Table, positions: Sequence[Position]) -> None:
    if len(positions) != 1:
        hint = 'write one [[accounts]] per isolated position, each with its own collateral, or mode = "cross"'
        message = f"an isolated account holds exactly one position, this one has {len(positions)}"
        table.report.add((*table.at, "positions"), message, hint=hint)


def _check_cross(table: Table, positions: Sequence[Position]) -> None:
    if "parent" in table.found:
        table.issue("parent", "only an isolated account has a parent", 'remove it, or write mode = "isolated"')
    sides: dict[str, list[bool]] = {}
    for number, position in enumerate(positions):
        held = sides.setdefault(position.symbol, [])
        long = position.quantity > 0
        if long in held and position.symbol != "?":
            message = f"{position.symbol} is already held {'long' if long else 'short'} in this account"
            hint = "add the two up into one position; only a long beside a short may share a symbol (hedge mode)"
            table.report.add((*table.at, "positions", number, "symbol"), message, hint=hint)
        held.append(long)


def _check_ids(tables: Sequence[Table]) -> None:
    seen: dict[str, int] = {}
    for number, table in enumerate(tables):
        name = table.found.get("id")
        if not isinstance(name, str):
            continue
        if name in seen:
            table.issue("id", f"is already the id of accounts[{seen[name]}]", "give every account an id of its own")
        seen.setdefault(name, number)


def _check_parents(tables: Sequence[Table], accounts: Sequence[Account]) -> None:
    cross = {account.id: account.venue for account in accounts if account.mode is MarginMode.CROSS}
    for table, account in zip(tables, accounts, strict=True):
        if account.parent is None or account.mode is MarginMode.CROSS:
            continue
        if account.parent not in cross:
            table.issue("parent", "is no cross account of this book", nearest(account.parent, cross))
        elif cross[account.parent] != account.venue:
            hint = f"name an account on {account.venue}, or leave it out"
            table.issue("parent", f"is an account on {cross[account.parent]}", hint)
