"""A registry on each kind of database, and a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from app.registry import Registry
from app.registry.sealing import MasterKeySource


@dataclass
class Clock:
    """Stands still until it is moved."""

    present: datetime = field(default=datetime(2026, 1, 1, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.present

    def advance(self, **duration: float) -> None:
        """Moves on, by the keywords of timedelta."""
        self.present += timedelta(**duration)


@pytest.fixture
def clock() -> Clock:
    """The clock of `registry`."""
    return Clock()


@pytest.fixture
def registry(
    database_url: str, clock: Clock, master_keys: MasterKeySource | None
) -> Iterator[Registry]:
    """An empty registry."""
    opened = Registry.open(database_url, clock=clock, master_keys=master_keys)
    yield opened
    opened.close()
