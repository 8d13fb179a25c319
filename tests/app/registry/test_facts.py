"""The epoch: which history the database's numbers belong to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from app.registry import Registry
from app.registry.database import Database
from app.registry.facts import end_epoch


def test_every_process_that_asks_first_at_the_same_time_gets_one_epoch(database_url: str) -> None:
    opened = [Registry.open(database_url) for _ in range(4)]

    with ThreadPoolExecutor(4) as threads:
        epochs = set(threads.map(lambda registry: registry.epoch(), opened))

    assert len(epochs) == 1
    for registry in opened:
        registry.close()


def test_an_ended_epoch_never_comes_back(registry: Registry, database_url: str) -> None:
    before = registry.epoch()
    database = Database(database_url)

    with database.write() as connection:
        end_epoch(connection)
    database.close()

    assert registry.epoch() != before
    assert registry.epoch() == registry.epoch()
