"""How the paper venue's accounts stand, and what they paid of funding, kept from one run of a guard to the next."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from perpbook.engine.paper import Payments
from perpbook.errors import InputError
from perpbook.files.plain import plain
from perpbook.files.rebuild import rebuild
from perpbook.model.account import Account, Reported
from perpbook.model.book import Book
from perpbook.model.message import FundingPayment

SCHEMA = "paper/1"


def keeper(folder: Path, venue: str) -> Callable[[tuple[Account, ...], Payments], None]:
    """What a paper venue hands its accounts to."""

    def keep(accounts: tuple[Account, ...], paid: Payments) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        body = {"schema": SCHEMA, "accounts": [plain(bare(one)) for one in accounts], "funding": plain(paid)}
        beside = folder / f"paper-{venue}.json.new"
        with beside.open("w", encoding="utf-8") as file:
            json.dump(body, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(folder / f"paper-{venue}.json")

    return keep


def bare(account: Account) -> Account:
    """An account without what the venue says of its margin, which is of a moment, and without orders, which end with a run."""
    positions = tuple(replace(one, reported=Reported()) for one in account.positions)
    return replace(account, positions=positions, orders=(), reported=Reported())


def kept_book(folder: Path, book: Book) -> Book:
    """A book with its accounts as the paper venues left them, where they did.

    Raises
    ------
    InputError : what was kept cannot be read, or is of other accounts than the book's.
    """
    found: dict[str, Account] = {}
    for path in sorted(folder.glob("paper-*.json")):
        found |= {one.id: one for one in _read(path)[0]}
    strangers = set(found) - {one.id for one in book.accounts}
    if strangers:
        raise InputError(
            f"{folder} keeps paper accounts that the book has not ({', '.join(sorted(strangers))}): begin anew with --fresh, "
            "or name another guard with --name"
        )
    merged = [
        replace(found[one.id], layer=one.layer, parent=one.parent) if one.id in found else one for one in book.accounts
    ]
    return replace(book, accounts=tuple(merged))


def kept_funding(folder: Path, venue: str) -> Payments:
    """What a paper venue's accounts received and paid before; errors as `kept_book`."""
    path = folder / f"paper-{venue}.json"
    return _read(path)[1] if path.exists() else {}


def forget(folder: Path) -> None:
    """Begin with what the book file says."""
    for path in folder.glob("paper-*.json"):
        path.unlink()


def _read(path: Path) -> tuple[list[Account], Payments]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["schema"] != SCHEMA:
            raise ValueError("another schema")
        funding = {
            name: tuple(rebuild(FundingPayment, one) for one in rows) for name, rows in body.get("funding", {}).items()
        }
        return [rebuild(Account, one) for one in body["accounts"]], funding
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}): begin anew with --fresh") from None
