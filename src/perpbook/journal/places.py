"""Where a journal is: a file, or the URL of a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from perpbook.errors import InputError

POSTGRES = "postgresql+psycopg"


def engine_at(where: str | Path) -> Engine:
    """An engine for a journal's place; nothing is opened yet.

    Raises
    ------
    InputError : a URL of another kind, or PostgreSQL without its driver.
    """
    url = url_of(where)
    if url.drivername == POSTGRES:
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise InputError(
                "a journal on PostgreSQL needs its driver\n    install it with: pip install 'perpbook[postgres]'"
            ) from None
        return create_engine(url, isolation_level="READ COMMITTED", connect_args={"connect_timeout": 5})
    made = create_engine(url, connect_args={"timeout": 5})
    event.listen(made, "connect", _be_safe)
    return made


def url_of(where: str | Path) -> URL:
    """A place as a URL: sqlite for a path, psycopg for postgresql://."""
    text = str(where)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except ArgumentError:
        raise InputError(
            f"{told(text)} is no URL of a journal: write postgresql://USER@HOST/DATABASE, or a path"
        ) from None
    if url.drivername.split("+")[0] not in ("postgresql", "postgres"):
        raise InputError(
            f"a journal is a file or a PostgreSQL database, not {url.drivername}: give a path or postgresql://..."
        )
    return url.set(drivername=POSTGRES)


def told(where: str | Path) -> str:
    """A place as it may be shown: without a password."""
    text = str(where)
    head, at, tail = text.rpartition("@")
    if "://" not in text or not at:
        return text
    scheme, _, login = head.partition("://")
    return f"{scheme}://{login.split(':')[0]}@{tail}"


def _be_safe(connection: object, _: object) -> None:
    """WAL with a sync at every commit: what was committed is there after a power cut."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
