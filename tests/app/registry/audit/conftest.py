"""A signed log, and a forger's way into the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from sqlalchemy import create_engine, text

from app.registry import Registry
from app.registry.acting import acting_as
from app.registry.signing import Signer, open_signer
from tests.app.registry.conftest import Clock

Forge: TypeAlias = Callable[..., None]


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """The service's key."""
    return open_signer(tmp_path_factory.mktemp("key") / "signing.key")


@pytest.fixture
def another(tmp_path: Path) -> Signer:
    """Somebody else's key."""
    return open_signer(tmp_path / "another.key")


@pytest.fixture
def signed(database_url: str, clock: Clock, signer: Signer) -> Iterator[Registry]:
    """A registry whose log is signed, with eight entries."""
    opened = Registry.open(database_url, clock=clock, signer=signer)
    for number in range(8):
        with acting_as(f"key:{number % 3}"):
            opened.audit.note("subject.changed", gallery=1, subject=number, fields=["name"])
        clock.advance(seconds=1)
    yield opened
    opened.close()


@pytest.fixture
def forge(database_url: str) -> Forge:
    """Runs SQL in the test's database as a forger."""
    return partial(forge_in, database_url)


def forge_in(database_url: str, *statements: str, **values: object) -> None:
    """Runs SQL as somebody who may do anything in a database, and so stops its triggers."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            for deed in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS audit_refuses_{deed}"))
        for statement in statements:
            connection.execute(text(statement), values)
    engine.dispose()
