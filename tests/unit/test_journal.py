"""A journal in a real database: SQLite in a file, and a PostgreSQL server that the test starts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from perpbook.errors import BrokenJournal, InputError, MissingData
from perpbook.journal.chain import START
from perpbook.journal.database import DatabaseJournal, open_journal
from perpbook.journal.exported import read_links, write_links
from perpbook.journal.places import told
from perpbook.model.record import Record, RecordKind
from tests.postgres import Fresh, server

OpenAt = Callable[[Any], DatabaseJournal]


@contextmanager
def closing_all(engine: Engine) -> Iterator[None]:
    try:
        yield
    finally:
        engine.dispose()


def note(text: str, at_ns: int = 1) -> Record:
    return Record(kind=RecordKind.NOTE, at_ns=at_ns, body={"text": text, "share": 0.1, "none": None})


@pytest.fixture(scope="module")
def postgres() -> Iterator[Fresh]:
    yield from server()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "sqlite":
        return tmp_path / "journal.db"
    return request.getfixturevalue("postgres")()


@pytest.fixture
def open_at() -> Iterator[OpenAt]:
    opened: list[DatabaseJournal] = []

    def open_one(where: str) -> DatabaseJournal:
        opened.append(open_journal(where))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def test_what_was_kept_is_there_after_opening_again(place: Any, open_at: OpenAt) -> None:
    first = open_at(place)
    assert [first.append(note(word, at)) for at, word in enumerate(("one", "zwei", "três"), start=1)] == [1, 2, 3]
    first.close()
    again = open_at(place)
    assert [(number, record.body["text"]) for number, record in again.read()] == [(1, "one"), (2, "zwei"), (3, "três")]
    assert [number for number, _ in again.read(after=2)] == [3]
    assert again.head[0] == 3 and again.append(note("four")) == 4
    again.close()


def test_a_second_writer_is_refused_and_nothing_of_it_is_kept(place: Any, open_at: OpenAt) -> None:
    one, other = open_at(place), open_at(place)
    one.append(note("mine"))
    with pytest.raises(BrokenJournal, match="another writer added record 1"):
        other.append(note("mine too"))
    assert [record.body["text"] for _, record in open_at(place).read()] == ["mine"]


def test_the_database_itself_refuses_changes(place: Any, open_at: OpenAt) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import DatabaseError

    journal = open_at(place)
    journal.append(note("kept"))
    for statement in ("UPDATE records SET at_ns = 2", "DELETE FROM records"):
        with pytest.raises(DatabaseError, match="only ever added to"), journal._engine.begin() as connection:
            connection.execute(text(statement))
    assert len(list(journal.read())) == 1


def test_an_empty_journal_has_nothing_and_says_so(place: Any, open_at: OpenAt) -> None:
    journal = open_at(place)
    assert journal.head == (0, START) and list(journal.read()) == []
    with pytest.raises(MissingData, match="has no record 5: its last is 0"):
        list(journal.read(after=5))


def test_a_record_altered_in_the_file_is_named(tmp_path: Path, open_at: OpenAt) -> None:
    place = tmp_path / "journal.db"
    journal = open_at(place)
    for word in ("one", "two", "three"):
        journal.append(note(word))
    journal.close()
    with sqlite3.connect(place) as raw:
        raw.execute("DROP TRIGGER records_are_kept_UPDATE")
        raw.execute("UPDATE records SET body = replace(body, 'two', 'ten') WHERE number = 2")
    raw.close()
    with pytest.raises(BrokenJournal, match="record 2 of the journal was altered"):
        list(open_at(place).read())


def test_a_journal_of_a_newer_version_is_left_alone(tmp_path: Path, open_at: OpenAt) -> None:
    place = tmp_path / "journal.db"
    open_at(place).close()
    with sqlite3.connect(place) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(BrokenJournal, match="newer version"):
        open_at(place)


def test_the_last_step_is_known_without_the_tool_that_goes_there(place: Any, open_at: OpenAt) -> None:
    from alembic.script import ScriptDirectory

    from perpbook.journal.places import engine_at
    from perpbook.journal.schema import MIGRATIONS
    from perpbook.journal.tables import STEP, is_current

    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == STEP
    engine = engine_at(place)
    with closing_all(engine):
        with engine.connect() as connection:
            assert not is_current(connection)
        open_at(place).close()
        with engine.connect() as connection:
            assert is_current(connection)


def test_a_file_that_is_something_else_is_refused(tmp_path: Path, open_at: OpenAt) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but long enough to look like one " * 40)
    with pytest.raises(BrokenJournal, match="cannot be opened as a journal"):
        open_at(tmp_path / "notes.txt")


def test_a_table_of_somebody_else_is_not_taken(tmp_path: Path, open_at: OpenAt) -> None:
    with sqlite3.connect(tmp_path / "other.db") as raw:
        raw.execute("CREATE TABLE records (number INTEGER)")
    raw.close()
    with pytest.raises(BrokenJournal, match="no journal made"):
        open_at(tmp_path / "other.db")


@pytest.mark.parametrize("where", ["mysql://host/db", "http://host/db", "a b://c"])
def test_other_places_are_refused(where: str, open_at: OpenAt) -> None:
    with pytest.raises(InputError, match="journal"):
        open_at(where)


def test_a_password_is_never_told() -> None:
    assert told("postgresql://me:s3cret@host/db") == "postgresql://me@host/db"


def test_a_password_is_not_in_the_error_of_a_server_that_is_away(open_at: OpenAt) -> None:
    with pytest.raises(BrokenJournal) as caught:
        open_at("postgresql://me:s3cret@127.0.0.1:1/db")
    assert "s3cret" not in str(caught.value) and "me@127.0.0.1:1" in str(caught.value)


def test_an_older_database_is_copied_before_it_is_changed(place: Any, open_at: OpenAt) -> None:
    from perpbook.journal.places import engine_at
    from perpbook.journal.schema import put_aside

    journal = open_at(place)
    journal.append(note("old"))
    engine = engine_at(place)
    with closing_all(engine), engine.begin() as connection:
        copy = put_aside(connection, "0001", "0002")
        if engine.dialect.name == "sqlite":
            assert [record.body["text"] for _, record in open_at(copy).read()] == ["old"]
        else:
            assert connection.exec_driver_sql("SELECT count(*) FROM records_before_0002").scalar() == 1


def test_who_reads_does_not_make_a_journal_of_an_empty_database(place: Any) -> None:
    if isinstance(place, Path):
        place.touch()
    with pytest.raises(InputError, match=r"there is no journal at .* yet"):
        open_journal(place, create=False)
    first = open_journal(place)
    first.append(note("mine"))
    first.close()
    again = open_journal(place, create=False)
    assert again.head[0] == 1
    again.close()


def test_an_exported_journal_is_the_same_chain(place: Any, tmp_path: Path, open_at: OpenAt) -> None:
    from perpbook.journal.chain import held_together

    journal = open_at(place)
    for word in ("one", "two"):
        journal.append(note(word))
    out = tmp_path / "out.jsonl"
    assert write_links(journal.links(), out) == 2
    assert list(held_together(read_links(out))) == list(journal.links())


def test_a_line_that_is_no_link_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"number": "1"}\n')
    with pytest.raises(BrokenJournal, match=r"bad.jsonl:1 is no record"):
        list(read_links(tmp_path / "bad.jsonl"))
