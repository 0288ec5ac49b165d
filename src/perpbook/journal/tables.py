"""The one table of a journal, as this version reads and writes it; `migrations` makes it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, String, Table, Text

METADATA = MetaData()

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
