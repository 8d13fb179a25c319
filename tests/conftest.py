"""Databases for tests: each test that asks for one runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.registry import Registry
from app.registry.sealing import MasterKeySource
from tests import buckets
from tests.buckets import BucketServer
from tests.programs import PACKAGES, none_is_left_out, path_of
from tests.rabbitmq import RabbitServer, rabbit_server
from tests.sealing import KEY, master_keys_of
from tests.servers import PostgresServer, empty, postgres_server

# Consoles keep the width that these say when they are made. A test sets its own; whoever runs the
# tests (a shell, or readline in a process without a terminal) has no say in what they print.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test says which programs it needs; without one it is left out, or fails under root and CI.

    Before the test's fixtures are made, which may start the program.
    """
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if path_of(program) is not None:
                continue
            reason = f"{program} is not installed (Debian package {PACKAGES[program]})"
            if none_is_left_out():
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `gpu` are left out where there is none: nothing that is here could run them.

    They are counted as deselected, so that a run says how many it left out.
    """
    of_gpu = [item for item in items if item.get_closest_marker("gpu")]
    # Their files import torch; a run without them does not wait for it.
    if of_gpu and not importlib.import_module("torch").cuda.is_available():
        items[:] = [item for item in items if not item.get_closest_marker("gpu")]
        config.hook.pytest_deselected(items=of_gpu)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of a file that says `ALSO_ENCRYPTED = True` run without and with a master key.

    One that is marked `only_encrypted` or `only_plain` runs as it says.
    """
    if getattr(metafunc.module, "ALSO_ENCRYPTED", False) and "master_keys" in metafunc.fixturenames:
        kinds = {"plain": None, "encrypted": master_keys_of(KEY)}
        for kind in tuple(kinds):
            if metafunc.definition.get_closest_marker(f"only_{kind}"):
                kinds = {kind: kinds[kind]}
        metafunc.parametrize("master_keys", kinds.values(), ids=kinds.keys(), indirect=True)


@pytest.fixture
def master_keys(request: pytest.FixtureRequest) -> MasterKeySource | None:
    """What a test's registry encrypts with: nothing, unless a test says otherwise."""
    keys: MasterKeySource | None = getattr(request, "param", None)
    return keys


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for the session, started when the first test needs it."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def rabbit() -> Iterator[RabbitServer]:
    """One RabbitMQ for the session; messages that a test left there are for nobody's job."""
    with rabbit_server() as server:
        yield server


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[BucketServer]:
    """One S3 server for the session, with credentials for it in the environment."""
    with pytest.MonkeyPatch.context() as patch, buckets.bucket_server() as server:
        for name, value in buckets.ENVIRONMENT.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at head, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "walkprint.db"
    registry = Registry.open(f"sqlite:///{file}")
    registry.migrate()
    registry.close()
    return file


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_sqlite: Path) -> str:
    """A migrated SQLite database of the test's own."""
    return f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'walkprint.db')}"


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> str:
    """A PostgreSQL database at head, to be emptied before each test."""
    url = postgres.create_database()
    registry = Registry.open(url)
    registry.migrate()
    registry.close()
    return url


@pytest.fixture
def postgres_url(migrated_postgres: str) -> str:
    """A migrated PostgreSQL database without a row."""
    empty(migrated_postgres)
    return migrated_postgres


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of the test's own; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table; the test runs once on each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database()
    yield url
    server.drop_database(url)
