"""`book import` and `book export`: between venues' answers and book files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from perpbook.errors import InputError
from perpbook.model.market import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """An imported book, as a value, as the text of a book file, and in a few words."""

    snapshot: Snapshot
    text: str
    summary: str


def import_book(
    files: Sequence[Path], *, format: str | None, account: str | None, now_ns: int, add: Path | None, out: Path | None
) -> Imported:
    """Read a venue's answer (and the further files that belong to it), join it to the book `add`, write it to `out`."""
    from perpbook.runs.places import terms_folders
    from perpbook.snapshot import dump_snapshot, import_snapshot, load_snapshot

    found = import_snapshot(
        files[0], format=format, account=account, now_ns=now_ns, extra=files[1:], terms_folders=terms_folders()
    )
    if add is not None:
        found = joined(load_snapshot(add, now_ns=now_ns, terms_folders=terms_folders()), found)
    text = dump_snapshot(found)
    if out is not None:
        write(out, text)
    positions = sum(len(one.positions) for one in found.book.accounts)
    return Imported(snapshot=found, text=text, summary=f"{len(found.book.accounts)} accounts, {positions} positions")


def joined(old: Snapshot, new: Snapshot) -> Snapshot:
    """The old book with the new accounts in place of those of the same name, newer prices over older ones.

    The market is as old as the older of the two while any of its prices is left; each price keeps its own time.
    """
    from perpbook.snapshot.load import override

    names = {account.id for account in new.book.accounts}
    kept = tuple(account for account in old.book.accounts if account.id not in names and account.parent not in names)
    book = replace(
        new.book,
        source=old.book.source,
        accounts=(*kept, *new.book.accounts),
        layers=old.book.layers,
        transfers=old.book.transfers,
        unread=old.book.unread,
    )
    market = override(old.market, new.market)
    return Snapshot(book=book, market=market)


def export_book(path: Path, format: str, out: Path | None, now_ns: int) -> str:
    """The book in the native format; written to `out` when that is given."""
    from perpbook.runs.places import terms_folders
    from perpbook.snapshot import dump_snapshot, load_snapshot

    if format not in ("toml", "json"):
        raise InputError(f'"{format}" is not a book format: choose toml or json')
    text = dump_snapshot(load_snapshot(path, now_ns=now_ns, terms_folders=terms_folders()), format)
    if out is not None:
        write(out, text)
    return text


def write(path: Path, text: str) -> None:
    """Write a text file, or say why not."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}; choose another --out") from error
