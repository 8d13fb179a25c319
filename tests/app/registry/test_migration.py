"""Migrations make exactly the tables that the code relies on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import inspect

from app.registry import Registry
from app.registry.database import Database
from app.registry.migration import pending_changes, upgrade


def test_an_empty_database_becomes_usable_by_migrating(empty_database_url: str) -> None:
    registry = Registry.open(empty_database_url)
    registry.migrate()
    assert registry.galleries.create("lab").name == "lab"
    registry.close()


def test_migrating_twice_keeps_what_is_there(database_url: str) -> None:
    registry = Registry.open(database_url)
    registry.galleries.create("lab")
    registry.migrate()
    assert [gallery.name for gallery in registry.galleries.list()] == ["lab"]
    registry.close()


def test_migrations_leave_nothing_to_do(database_url: str) -> None:
    database = Database(database_url)
    assert pending_changes(database) == []
    database.close()


def test_services_that_start_at_once_migrate_one_after_the_other(empty_database_url: str) -> None:
    databases = [Database(empty_database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, databases))
    with databases[0].read() as connection:
        assert "templates" in inspect(connection).get_table_names()
    for database in databases:
        database.close()
