"""Bringing a database to the newest revision, from an installed wheel as from a checkout."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import migrations
from app.registry.database import Database
from app.registry.tables import metadata

_ADVISORY_LOCK = 0x77616C6B
"""Any fixed number ("walk"): PostgreSQL processes that migrate take turns on it."""


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, built in code: the scripts lie in the `migrations` package.

    Args:
        connection: the one to run on; None for commands that only look at the scripts.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> None:
    """Migrates to head in one transaction. Of two processes, the second waits and finds it done."""
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        command.upgrade(alembic_config(connection), "head")


class NewerDatabase(Exception):
    """A database was migrated by a later Walkprint than this one; the message says to what."""


def pending_revisions(database: Database) -> list[str]:
    """Revisions that the next start will apply, oldest first; empty for an up-to-date database.

    Raises:
        NewerDatabase: it is at a revision that this Walkprint does not know.
    """
    scripts = ScriptDirectory.from_config(alembic_config())
    known = [script.revision for script in scripts.walk_revisions()][::-1]
    with database.read() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    if present is None:
        return known
    if present not in known:
        raise NewerDatabase(
            f"The database is at {present}; this Walkprint knows up to {known[-1]}."
        )
    return known[known.index(present) + 1 :]


def pending_changes(database: Database) -> list[object]:
    """What `tables.py` says and the migrated database lacks; empty when migrations are complete."""
    with database.write() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))
