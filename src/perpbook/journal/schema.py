"""A journal's database brought to this version, with a copy of it put aside first."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from perpbook.errors import BrokenJournal, InputError
from perpbook.journal.places import told

MIGRATIONS = Path(__file__).parent / "migrations"


def bring_up_to_date(engine: Engine, where: str | Path, *, create: bool = True) -> Path | str | None:
    """Run the steps a database lacks; the copy that was made before, None where there was nothing to copy. create : False leaves
    an empty database to whoever writes to it.

    A file is copied beside itself as NAME.before-REVISION; on PostgreSQL the table is copied to records_before_REVISION.

    Raises
    ------
    BrokenJournal : the database was made by a newer version, or holds tables that are no journal.
    InputError : it is empty, and not to be made a journal.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    head = str(ScriptDirectory.from_config(config).get_current_head())
    with engine.begin() as connection:
        found = _revision(connection, config, where)
        if found == head:
            return None
        if found is None and not create:
            raise InputError(f"there is no journal at {told(where)} yet: `perpbook guard run` writes one")
        copy = None if found is None else put_aside(connection, found, head)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return copy


def _revision(connection: Connection, config: Config, where: str | Path) -> str | None:
    """Which step a database is at, None for an empty one."""
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None and "records" in inspect(connection).get_table_names():
        raise BrokenJournal(f"{told(where)} has a table of records that no journal made: choose another place")
    known = {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise BrokenJournal(
            f"{told(where)} was written by a newer version (step {found}): use that one; nothing was touched"
        )
    return found


def put_aside(connection: Connection, found: str, head: str) -> Path | str:
    """A copy of the records as they are, before step `head`: a file beside the file, or a table beside the table."""
    if connection.dialect.name == "sqlite":
        path = Path(str(connection.engine.url.database))
        copy = path.with_name(f"{path.name}.before-{head}")
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        with closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return copy
    name = f"records_before_{head}"
    connection.execute(text(f"CREATE TABLE {name} AS TABLE records"))
    return f"table {name} (step {found})"
