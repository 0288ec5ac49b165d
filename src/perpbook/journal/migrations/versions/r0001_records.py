"""The table of records, which the database itself refuses to change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQLITE = """
CREATE TRIGGER records_are_kept_{verb} BEFORE {verb} ON records
BEGIN SELECT RAISE(ABORT, 'a journal is only ever added to'); END
"""
POSTGRES = """
CREATE FUNCTION records_are_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a journal is only ever added to'; END $$
"""
POSTGRES_TRIGGER = """
CREATE TRIGGER records_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON records
FOR EACH STATEMENT EXECUTE FUNCTION records_are_kept()
"""


def upgrade() -> None:
    """Make the table, its indexes, and the triggers that keep it."""
    op.create_table(
        "records",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
    )
    op.create_index("ix_records_kind", "records", ["kind"])
    op.create_index("ix_records_at_ns", "records", ["at_ns"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(SQLITE.format(verb=verb))
    else:
        op.execute(POSTGRES)
        op.execute(POSTGRES_TRIGGER)
