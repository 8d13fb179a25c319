"""While a version replaces another, processes of both run on one database: migrations only add."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from app.registry.database import Database
from app.registry.migration import alembic_config

# Before it there was one process at a time.
_FIRST = "0005"

_Columns = dict[tuple[str, str], bool]
"""(table, column) -> whether a row can be written without naming the column."""


def _columns(connection: Connection) -> _Columns:
    inspector = inspect(connection)
    return {
        (table, column["name"]): bool(column["nullable"]) or column["default"] is not None
        for table in inspector.get_table_names()
        for column in inspector.get_columns(table)
    }


def _revisions() -> list[str]:
    script = ScriptDirectory("migrations")
    found = [each.revision for each in script.walk_revisions() if each.revision > _FIRST]
    return sorted(found)


@pytest.mark.parametrize("revision", _revisions())
def test_an_older_process_can_go_on_after_a_migration(database_url: str, revision: str) -> None:
    database = Database(database_url)
    with database.write() as connection:
        config = alembic_config(connection)
        command.downgrade(config, f"{int(revision) - 1:04}")
        before = _columns(connection)
        command.upgrade(config, revision)
        after = _columns(connection)
        command.upgrade(config, "head")
    database.close()

    tables = {table for table, _ in before}
    added = {column for column in after if column not in before and column[0] in tables}

    assert before.keys() <= after.keys()
    assert [column for column in added if not after[column]] == []
    assert [column for column in before if before[column] and not after[column]] == []
