"""Engines for SQLite and PostgreSQL: how many connections, in which state, and still alive."""

from __future__ import annotations

import json
import select
import sqlite3
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Literal

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import InvalidatePoolError

SQLITE_PATIENCE_SECONDS = 60.0
"""How long a SQLite writer waits for writers of other processes. Each holds the lock for
milliseconds; a minute is reached only when something is broken."""

POSTGRESQL_CONNECTIONS = 16
"""At most, of one process, unless it is told otherwise. A transaction lasts milliseconds, so that
request threads take turns; a server that has the usual 100 is enough for six processes."""

_POOL_SIZE = 8
"""Connections that stay open; more are closed as soon as nobody waits for them."""

_SQLITE_CONNECTIONS = 80
"""At most; above the sum of the server's request threads (40) and workers."""

_POOL_TIMEOUT_SECONDS = 10.0

_POSTGRESQL_PATIENCE = {"connect_timeout": 5, "tcp_user_timeout": 20_000}
"""Seconds for a new connection; milliseconds that a server may leave data unacknowledged. Without
them a server that vanished from the network holds each request for minutes (libpq's manual)."""

_TRUSTED_SECONDS = 10.0
"""How long after its last use a connection that looks alive is taken for that."""

_WAL_RETRY_SECONDS = 0.01
_WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024

_SQLITE_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    # Erased biometrics are overwritten in the file, not only unlinked.
    "PRAGMA secure_delete = ON",
    f"PRAGMA journal_size_limit = {_WAL_SIZE_LIMIT_BYTES}",
)


def parsed_url(url: str) -> URL:
    """A database's URL, with the driver that is used for it.

    Raises:
        ValueError: it is neither a SQLite file nor PostgreSQL.
    """
    parsed = make_url("postgresql" + url[len("postgres") :] if url.startswith("postgres:") else url)
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ValueError(f"{parsed.drivername} is not supported: use sqlite or postgresql")
    if parsed.drivername == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ValueError("SQLite needs a file: every thread would see another database in memory")
    return parsed


def open_postgresql(url: URL, connections: int) -> Engine:
    """An engine whose connections are known to live when they are lent.

    Args:
        url: of `parsed_url`; what the operator put into it stands.
        connections: most that are open at the same time; who needs one more waits.
    """
    engine = create_engine(
        url,
        pool_size=min(_POOL_SIZE, connections),
        max_overflow=max(connections - _POOL_SIZE, 0),
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        hide_parameters=True,
        json_serializer=_to_json,
        connect_args={
            name: value for name, value in _POSTGRESQL_PATIENCE.items() if name not in url.query
        },
    )

    def require_alive(dbapi_connection: Any, record: Any, _lent: object) -> None:
        rested_seconds = monotonic() - record.info.get("returned", monotonic())
        try:
            if rested_seconds >= _TRUSTED_SECONDS or _has_news(dbapi_connection):
                engine.dialect.do_ping(dbapi_connection)
        except psycopg.Error as ended:
            # The pool replaces it, and every other one of before now.
            raise InvalidatePoolError from ended

    def take_back(dbapi_connection: Any, record: Any) -> None:
        record.info["returned"] = monotonic()
        # SQLAlchemy leaves "read write" behind after a reader, against what the server's operator
        # may have set (default_transaction_read_only).
        if dbapi_connection is not None and not dbapi_connection.closed:
            dbapi_connection.read_only = None

    event.listen(engine, "checkout", require_alive)
    event.listen(engine, "checkin", take_back)
    return engine


def _has_news(dbapi_connection: Any) -> bool:
    """Whether the server sent something to a connection at rest: mostly that it ended it.

    To look costs a system call, to ask the server a round trip in every transaction.
    """
    watch = select.poll()
    watch.register(dbapi_connection.fileno(), select.POLLIN)
    return bool(watch.poll(0))


def open_sqlite(url: URL, *, synchronous: Literal["FULL", "NORMAL"]) -> Engine:
    """An engine over a file that is made where there is none; transactions say how they begin.

    Args:
        url: of `parsed_url`.
        synchronous: FULL survives a power cut, NORMAL a killed process.
    """
    # Only the service's own user may look into a folder of biometrics.
    Path(str(url.database)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=_POOL_SIZE,
        max_overflow=_SQLITE_CONNECTIONS - _POOL_SIZE,
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        connect_args={"timeout": SQLITE_PATIENCE_SECONDS},
        hide_parameters=True,
        json_serializer=_to_json,
    )

    def configure(dbapi_connection: Any, _record: object) -> None:
        # The driver must not begin or commit by itself: _begin_sqlite says which kind of BEGIN.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        _switch_to_wal(cursor)
        for pragma in (*_SQLITE_PRAGMAS, f"PRAGMA synchronous = {synchronous}"):
            cursor.execute(pragma)
        cursor.close()

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _switch_to_wal(cursor: Any) -> None:
    """Waits for its turn: SQLite's own busy timeout does not cover a change of the journal mode."""
    until = monotonic() + SQLITE_PATIENCE_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
                raise
            sleep(_WAL_RETRY_SECONDS)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("walkprint_writes", False)
    # Straight to the driver: SQLAlchemy's way there costs as much as the statement after it.
    connection.connection.cursor().execute("BEGIN IMMEDIATE" if writes else "BEGIN")


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
