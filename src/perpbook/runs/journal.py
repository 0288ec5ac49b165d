"""A journal read for people: shown, checked link by link, written out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perpbook.errors import BrokenJournal, InputError
from perpbook.journal.chain import START, held_together
from perpbook.journal.database import DatabaseJournal, open_journal
from perpbook.journal.exported import read_links, write_links
from perpbook.journal.places import told
from perpbook.model.record import RecordKind
from perpbook.model.units import to_iso
from perpbook.report.journal_text import Shown, Told


@contextmanager
def reading(where: str | Path) -> Iterator[DatabaseJournal]:
    """A journal that is there, closed afterwards."""
    journal = open_journal(where, create=False)
    try:
        yield journal
    finally:
        journal.close()


def show(where: str, *, kinds: tuple[str, ...] = (), after: int = 0, last: int | None = None) -> Shown:
    """Records after a number, of some kinds (all when none is named), the last so many of them; each checked as it is read."""
    unknown = sorted(set(kinds) - {kind.value for kind in RecordKind})
    if unknown:
        raise InputError(f"no kind of record is called {unknown[0]!r}: {', '.join(kind.value for kind in RecordKind)}")
    with reading(where) as journal:
        count, head = journal.head
        found = [
            Told(
                number=one.number, at=to_iso(one.at_ns), kind=one.kind, body=json.loads(one.body), digest=one.digest
            )
            for one in journal.links(after)
            if not kinds or one.kind in kinds
        ]  # fmt: skip
    return Shown(place=told(where), records=tuple(found[-last:] if last else found), count=count, head=head)


def verify(where: str, *, head: str | None = None) -> Shown:
    """Check every link of a journal, or of a file that was exported from one.

    head : the last digest as it was noted elsewhere, or its beginning; a journal that was cut short does not have it.

    Raises
    ------
    BrokenJournal : the first record that is missing, altered or put in; or the noted digest is not in the chain.
    """
    count, last, seen = 0, START, head is None
    exported = where.endswith(".jsonl")
    if exported and not Path(where).is_file():
        raise InputError(f"there is no exported journal at {where}")
    if exported:
        for one in held_together(read_links(Path(where))):
            count, last, seen = one.number, one.digest, seen or one.digest.startswith(head or "-")
    else:
        with reading(where) as journal:
            for one in journal.links():
                count, last, seen = one.number, one.digest, seen or one.digest.startswith(head or "-")
    if not seen:
        raise BrokenJournal(
            f"no record of {told(where)} has the digest {head}: the journal was cut short after it was noted, or is another one"
        )
    return Shown(place=told(where), records=(), count=count, head=last)


def export(where: str, out: Path) -> int:
    """Write a journal out, one link a line; how many.

    Raises
    ------
    InputError : the file is there already.
    """
    if out.exists():
        raise InputError(f"{out} is there already: name another file")
    with reading(where) as journal:
        return write_links(journal.links(), out)
