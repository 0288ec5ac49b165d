"""The one table of a journal, as this version reads and writes it; `migrations` makes it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, Text, inspect, select

STEP = "0001"
"""The last step of `migrations`."""

METADATA = MetaData()

STEPS = Table("alembic_version", METADATA, Column("version_num", String(32), primary_key=True))
"""Where the steps' tool writes which one a database is at."""

RECORDS = Table(
    "records",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False, index=True),
    Column("at_ns", BigInteger, nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
)


def is_current(connection: Connection) -> bool:
    """Whether a database stands at the last step: asked without the tool that would bring it there, which is slow to load."""
    there = inspect(connection).has_table(STEPS.name)
    return there and list(connection.execute(select(STEPS.c.version_num)).scalars()) == [STEP]
