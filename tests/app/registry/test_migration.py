"""Migrations make exactly the tables that the code relies on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from alembic import command
from sqlalchemy import inspect, text

from app.registry import Registry
from app.registry.database import Database
from app.registry.migration import alembic_config, pending_changes, upgrade
from tests.enrolling import identify_job, running_job


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


def test_pictures_of_answers_survive_the_step_to_several_walkers_and_back(
    database_url: str,
) -> None:
    registry = Registry.open(database_url)
    registry.galleries.create("lab")
    job = running_job(registry, identify_job("lab"))
    registry.jobs.finish(job.id, job.attempt, {}, gei_png_by_walker={1: b"a picture"})
    database = Database(database_url)

    with database.write() as connection:
        command.downgrade(alembic_config(connection), "0001")
        kept = connection.execute(text("SELECT gei FROM jobs")).scalar_one()
    upgrade(database)

    assert bytes(kept) == b"a picture"
    assert registry.job_pictures.gei_png(job.id) == b"a picture"
    database.close()
    registry.close()
