"""The shelf: every drill done on schedule, one folder each, named by its time and result; nothing on it is ever replaced.

A folder holds `record.json` (see `model.drill_record`) beside what `drill run --save` keeps of the futures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.files.rebuild import rebuild
from perpbook.model.drill_record import BookThen, DrillRecord, HeldThen
from perpbook.model.units import to_iso

if TYPE_CHECKING:
    from perpbook.engine.drilled import Drilled
    from perpbook.margin.assessment import Assessment

RECORD, SCHEMA = "record.json", "drill-record/1"


def shelve(record: DrillRecord, drilled: Drilled, shelf: Path) -> DrillRecord:
    """Put a drill on the shelf; the record comes back with its folder.

    Raises
    ------
    InputError : the shelf cannot be written.
    """
    from perpbook.files.plain import plain
    from perpbook.runs.drill_keep import keep_drill

    name = f"{to_iso(record.taken_ns).replace(':', '').replace('-', '')}-{record.result}"
    folder, writing = shelf / name, shelf / f".{name}"
    if folder.exists():
        raise InputError(
            f"{folder} is there already: drills on the shelf are never replaced; wait a second, and drill again"
        )
    kept = replace(record, folder=str(folder))
    try:
        writing.mkdir(parents=True, exist_ok=True)
        keep_drill(drilled, writing)
        text = json.dumps({"schema": SCHEMA, **plain(kept)})
        (writing / RECORD).write_text(text + "\n", encoding="utf-8")
        writing.rename(folder)
    except OSError as error:
        raise InputError(
            f"{folder}: the drill cannot be kept there: {error}; set PERPBOOK_DRILLS to another folder"
        ) from error
    return kept


def drills_of(book: Path, accounts: Sequence[str], shelf: Path) -> tuple[DrillRecord, ...]:
    """Drills of one book, the oldest first."""
    found = [read_record(path) for path in sorted(shelf.glob(f"[!.]*/{RECORD}"))]
    return tuple(sorted((one for one in found if is_same_book(one, book, accounts)), key=lambda one: one.taken_ns))


def is_same_book(record: DrillRecord, book: Path, accounts: Sequence[str]) -> bool:
    """The same file; or one of the same name with the same accounts, wherever it stands now. Positions do not matter."""
    if record.book.path == str(book.resolve()):
        return True
    return Path(record.book.path).name == book.name and set(record.book.accounts) == set(accounts)


def read_record(path: Path) -> DrillRecord:
    """One record.

    Raises
    ------
    InputError : it cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found.pop("schema") != SCHEMA:
            raise InputError(f"{path} is of another version: move its folder off the shelf, and drill again")
        return replace(rebuild(DrillRecord, found), folder=str(path.parent))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error}; move its folder off the shelf, and drill again") from error


def book_then(path: Path, found: Assessment) -> BookThen:
    """A book as a record remembers it."""
    return BookThen(
        path=str(path.resolve()),
        accounts=tuple(one.id for one in found.accounts),
        positions=tuple(
            HeldThen(account=one.account, symbol=one.symbol, quantity=one.quantity, notional=one.notional)
            for one in found.positions
        ),
        equity=found.book.equity,
        as_of_ns=found.as_of_ns,
        simulated=found.simulated,
    )


def moved_since(then: BookThen, now: BookThen) -> float:
    """What was traded between two books, by dollars at the later one's prices, as a share of what was held at the earlier."""
    before = {(one.account, one.symbol): one for one in then.positions}
    after = {(one.account, one.symbol): one for one in now.positions}
    traded = held = 0.0
    for key in {**before, **after}:
        one = after.get(key) or before[key]
        unit = one.notional / abs(one.quantity) if one.quantity else 0.0
        first, last = (side[key].quantity if key in side else 0.0 for side in (before, after))
        traded += abs(last - first) * unit
        held += abs(first) * unit
    return traded / held if held > 0.0 else float(traded > 0.0)
