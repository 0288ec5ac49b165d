"""A journal in a database: SQLite in a file, PostgreSQL by URL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from perpbook.errors import BrokenJournal, InputError, MissingData
from perpbook.journal.chain import START, Link, held_together, link, record_of
from perpbook.journal.places import engine_at, told
from perpbook.journal.tables import RECORDS, is_current
from perpbook.model.record import Record

LOCK = 7_350_771
"""PostgreSQL's advisory lock that a writer holds for one record."""

PAGE = 1_000

APPEND = insert(RECORDS)


class DatabaseJournal:
    """Records in a database. `copied` : what was put aside when the database was brought to this version."""

    def __init__(self, engine: Engine, where: str | Path, copied: Path | str | None = None) -> None:
        self._engine, self._where, self.copied = engine, where, copied
        self._last: Link | None = self._newest()

    @property
    def head(self) -> tuple[int, str]:
        """Number and digest of the last record; (0, zeros) of an empty journal."""
        return (self._last.number, self._last.digest) if self._last else (0, START)

    @property
    def origin(self) -> str:
        """Digest of the first record, by which a journal is known wherever it lies; "" of an empty one."""
        first = self._page(0, 1)
        return first[0].digest if first else ""

    def append(self, record: Record) -> int:
        """Keep a record; when this returns its number it would survive a power cut.

        Raises
        ------
        BrokenJournal : somebody else has written since; the record is not kept.
        """
        number, digest = self.head
        made = link(record, number + 1, digest)
        try:
            with self._engine.begin() as connection:
                if self._engine.dialect.name != "sqlite":
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
                connection.execute(APPEND, _row(made))
        except IntegrityError:
            raise BrokenJournal(
                f"{told(self._where)}: another writer added record {made.number} meanwhile: one guard, one journal"
            ) from None
        except DatabaseError as error:
            raise BrokenJournal(f"{told(self._where)} cannot be written: {_short(error)}") from None
        self._last = made
        return made.number

    def read(self, after: int = 0) -> Iterator[tuple[int, Record]]:
        """Records after a number, in order, each checked against the one before.

        Raises
        ------
        BrokenJournal : at the first that is missing or altered.
        """
        for one in self.links(after):
            yield one.number, record_of(one)

    def links(self, after: int = 0) -> Iterator[Link]:
        """As `read`, with their digests."""
        before = START
        if after > 0:
            found = next(iter(self._page(after - 1, 1)), None)
            if found is None or found.number != after:
                raise MissingData(f"{told(self._where)} has no record {after}: its last is {self.head[0]}")
            before = found.digest
        yield from held_together(self._from(after), after, before)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _from(self, after: int) -> Iterator[Link]:
        while page := self._page(after, PAGE):
            yield from page
            after = page[-1].number

    def _page(self, after: int, rows: int) -> list[Link]:
        asked = select(RECORDS).where(RECORDS.c.number > after).order_by(RECORDS.c.number).limit(rows)
        with self._engine.connect() as connection:
            return [Link(**one) for one in connection.execute(asked).mappings()]

    def _newest(self) -> Link | None:
        with self._engine.connect() as connection:
            found = connection.execute(select(RECORDS).order_by(RECORDS.c.number.desc()).limit(1)).mappings().first()
        return None if found is None else Link(**found)


def open_journal(where: str | Path, *, create: bool = True) -> DatabaseJournal:
    """The journal at a path or a PostgreSQL URL, brought to this version.

    create : make one where there is none.

    Raises
    ------
    InputError : no place of a journal, or none there and `create` is False.
    BrokenJournal : the database cannot be opened, or is of a newer version.
    """
    engine = engine_at(where)
    if engine.dialect.name == "sqlite":
        path = Path(str(where))
        if not create and not path.is_file():
            raise InputError(f"there is no journal at {path}: `perpbook guard run` writes one")
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return DatabaseJournal(engine, where, _brought(engine, where, create))
    except (InputError, BrokenJournal):
        engine.dispose()
        raise
    except (OperationalError, DatabaseError) as error:
        engine.dispose()
        raise BrokenJournal(f"{told(where)} cannot be opened as a journal: {_short(error)}") from None


def _brought(engine: Engine, where: str | Path, create: bool) -> Path | str | None:
    """A database at this version; the copy that was made before it was brought there."""
    with engine.connect() as connection:
        if is_current(connection):
            return None
    from perpbook.journal.schema import bring_up_to_date

    return bring_up_to_date(engine, where, create=create)


def _row(one: Link) -> dict[str, object]:
    return {name: getattr(one, name) for name in Link.__dataclass_fields__}


def _short(error: Exception) -> str:
    """The database's own words, without the statement and what was in it."""
    return " ".join(str(getattr(error, "orig", None) or error).split())[:200]
