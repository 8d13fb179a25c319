"""What drivers say about a database becomes an outage, or stays the mistake it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import literal, make_url, select, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError

from app.outages import DatabaseAway, Outage, StorageFull, StorageReadOnly
from app.registry.database import Database
from app.registry.database_outages import outages_named
from tests.servers import run_sql

_SAID_BY_POSTGRESQL: list[tuple[type[psycopg.Error], type[Outage]]] = [
    (psycopg.errors.AdminShutdown, DatabaseAway),
    (psycopg.errors.CannotConnectNow, DatabaseAway),
    (psycopg.errors.TooManyConnections, DatabaseAway),
    (psycopg.errors.InvalidPassword, DatabaseAway),
    (psycopg.OperationalError, DatabaseAway),
    (psycopg.errors.DiskFull, StorageFull),
    (psycopg.errors.ReadOnlySqlTransaction, StorageReadOnly),
]


@pytest.mark.parametrize(("said", "outage"), _SAID_BY_POSTGRESQL)
def test_what_postgresql_says_is_named(said: type[psycopg.Error], outage: type[Outage]) -> None:
    with pytest.raises(outage), outages_named():
        raise said("connection to a-host failed, password=hidden")


def test_a_process_keeps_to_its_connections_and_its_threads_take_turns(
    postgres_url: str,
) -> None:
    registry = Database(postgres_url, connections=2)
    open_now = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")

    def count(_: int) -> int:
        with registry.read() as connection:
            connection.execute(text("SELECT pg_sleep(0.02)"))
            return int(connection.execute(open_now).scalar_one())

    with ThreadPoolExecutor(8) as threads:
        counted = list(threads.map(count, range(16)))
    registry.close()

    assert max(counted) == 2


@pytest.mark.parametrize("at_once", [1, 3])
def test_connections_that_the_server_ended_are_not_lent_again(
    postgres_url: str, at_once: int
) -> None:
    database = Database(postgres_url)
    with ExitStack() as held:
        for _ in range(at_once):
            held.enter_context(database.read()).execute(text("SELECT 1"))
    run_sql(
        postgres_url,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )

    with ExitStack() as held:
        for _ in range(at_once):
            held.enter_context(database.read()).execute(text("SELECT 1"))
    assert database.ask(select(literal(1)))[0][0] == 1
    database.close()


def test_a_transaction_begins_without_asking_whether_the_server_is_there(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(postgres_url)
    pings = count()
    monkeypatch.setattr(PGDialect_psycopg, "do_ping", lambda *_: next(pings) >= 0)

    for _ in range(3):
        database.ask(select(literal(1)))
    assert next(pings) == 0
    monkeypatch.setattr("app.registry.engines._TRUSTED_SECONDS", 0.0)
    database.ask(select(literal(1)))
    database.close()

    assert next(pings) == 2


def test_a_server_whose_connections_are_taken_is_told_from_one_that_is_away(
    postgres_url: str,
) -> None:
    somebody = f"narrow_{uuid4().hex}"
    run_sql(postgres_url, f"CREATE ROLE {somebody} LOGIN CONNECTION LIMIT 1")
    address = make_url(postgres_url).set(username=somebody).render_as_string(hide_password=False)
    first, second = Database(address), Database(address)

    with first.read() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(DatabaseAway, match="no connection left"), second.read():
            pass
    first.close()
    second.close()
    run_sql(postgres_url, f"DROP ROLE {somebody}")


def test_a_mistake_of_ours_stays_a_mistake(database_url: str) -> None:
    database = Database(database_url)
    for mistake in ("SELECT * FROM nowhere", "INSERT INTO galleries (name) VALUES (NULL)"):
        with pytest.raises(DBAPIError), database.write() as connection:
            connection.execute(text(mistake))
    database.close()


def test_an_error_of_a_statement_repeats_none_of_its_values(database_url: str) -> None:
    """Names, metadata and images are values of statements, and errors are logged."""
    database = Database(database_url)
    insert = text("INSERT INTO nowhere VALUES (:name)")
    with pytest.raises(DBAPIError) as caught, database.write() as connection:
        connection.execute(insert, {"name": "Ada Lovelace"})
    database.close()

    assert "Ada" not in str(caught.value)


def test_a_database_that_fills_up_is_full_and_recovers(tmp_path: Path) -> None:
    """With SQLite's own limit of pages in the place of a disk."""
    database = Database(f"sqlite:///{tmp_path / 'small.db'}")
    with database.write() as connection:
        connection.execute(text("CREATE TABLE notes (note TEXT)"))
    note = text("INSERT INTO notes VALUES (hex(randomblob(100000)))")

    def write_down(most_pages: int) -> None:
        with database.write() as connection:
            connection.execute(text(f"PRAGMA max_page_count = {most_pages}"))
            connection.execute(note)

    with pytest.raises(StorageFull):
        write_down(10)
    write_down(1000)
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM notes")).scalar_one() == 1
    database.close()


def test_what_the_operator_of_a_server_sets_holds_after_a_reader_too(postgres_url: str) -> None:
    read_only = make_url(postgres_url).update_query_dict(
        {"options": "-c default_transaction_read_only=on"}
    )
    database = Database(read_only.render_as_string(hide_password=False))
    with database.read() as connection:
        connection.execute(text("SELECT 1"))

    with pytest.raises(StorageReadOnly), database.write() as connection:
        connection.execute(text("CREATE TABLE notes (note TEXT)"))
    database.close()
