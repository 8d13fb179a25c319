"""The engine: one way to read, one way to write, the same on SQLite and PostgreSQL.

Reads see one snapshot from their first statement to their last. Writes on SQLite take the write
lock when they begin (BEGIN IMMEDIATE), so none fails half-way for having read before writing.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL

from app import failpoints
from app.outages import StorageReadOnly
from app.registry.audit.chain import Chain
from app.registry.columns import Clock, utc_now
from app.registry.database_outages import outages_named
from app.registry.sealing import MasterKeySource, Vault
from app.registry.signing import Signer

_BUSY_TIMEOUT_SECONDS = 60.0
"""How long a SQLite writer waits for writers of other processes. Each holds the lock for
milliseconds; a minute is reached only when something is broken."""
_WAL_RETRY_SECONDS = 0.01
_EMPTYING_PATIENCE_SECONDS = 0.25
"""How long the write-ahead log is waited for, which readers hold. Writers wait as long, and a
reader, such as an export, may last for minutes: the log is emptied after it instead."""

_POOL_SIZE = 8
"""Connections that stay open; more are closed as soon as nobody waits for them."""

_SQLITE_CONNECTIONS = 80
"""At most; above the sum of the server's request threads (40) and workers."""

POSTGRESQL_CONNECTIONS = 16
"""At most, of one process, unless it is told otherwise. A transaction lasts milliseconds, so that
request threads take turns; a server that has the usual 100 is enough for six processes."""

_POOL_TIMEOUT_SECONDS = 10.0

_POSTGRESQL_PATIENCE = {"connect_timeout": 5, "tcp_user_timeout": 20_000}
"""Seconds for a new connection; milliseconds that a server may leave data unacknowledged. Without
them a server that vanished from the network holds each request for minutes (libpq's manual)."""

_WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024

_LAST_ERASURE = 2**31 - 2
"""`user_version` is a signed 32-bit number."""

_SQLITE_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    # Erased biometrics are overwritten in the file, not only unlinked.
    "PRAGMA secure_delete = ON",
    f"PRAGMA journal_size_limit = {_WAL_SIZE_LIMIT_BYTES}",
)


class Database:
    """An engine and the two kinds of transaction.

    Args:
        url: sqlite:///path, or postgresql://user:password@host/name (psycopg 3).
        connections: most that are open to PostgreSQL at the same time; who needs one more waits.
        clock: gives the present instant in UTC; tests move it.
        signer: signs the end of the audit log; None leaves it unsigned.
        master_keys: what biometrics are encrypted under; None stores them as they are.

    Attributes:
        vault: what biometrics pass on their way in and out.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = POSTGRESQL_CONNECTIONS,
        clock: Clock = utc_now,
        signer: Signer | None = None,
        master_keys: MasterKeySource | None = None,
    ) -> None:
        self.now = clock
        self.vault = Vault(master_keys, clock)
        self._chain = Chain(signer, clock)
        self._erasure_listeners: list[Callable[[], None]] = []
        parsed = _normalise(url)
        self.is_sqlite = parsed.drivername == "sqlite"
        self._path = Path(str(parsed.database)) if self.is_sqlite else None
        self._file: tuple[int, int] | None = None
        if self.is_sqlite:
            # FULL costs 0.35 ms more than NORMAL per commit (measured: 0.40 against 0.05 ms).
            # After NORMAL a killed process has lost nothing, a power cut the last moments.
            self._durable = _open_sqlite(parsed, synchronous="FULL")
            self._relaxed = _open_sqlite(parsed, synchronous="NORMAL")
            self._reader = self._relaxed
        else:
            self._durable = self._relaxed = _open_postgresql(parsed, connections)
            # One snapshot for all statements; a SQLite transaction always has one.
            self._reader = self._durable.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        self._durable_writer = self._durable.execution_options(walkprint_writes=True)
        self._relaxed_writer = self._relaxed.execution_options(walkprint_writes=True)
        # SQLite wakes waiting writers by sleeping and trying again; within one process a lock
        # hands the turn over at once.
        self._turn: AbstractContextManager[Any] = (
            threading.Lock() if self.is_sqlite else nullcontext()
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only transaction over one snapshot.

        Raises:
            Outage: the database does not answer.
        """
        self._require_file()
        with outages_named(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """A writing transaction: committed at the end, rolled back when an error leaves it.

        What is noted in it (`app.registry.audit.note`) is appended to the audit log last.

        Args:
            durable: False for what may be done again after a power cut, such as a claim. A killed
                process loses neither kind.

        Raises:
            Outage: the database does not answer, has no room or takes no changes. Where it went
                away during the commit, that may have happened all the same.
        """
        engine = self._durable_writer if durable else self._relaxed_writer
        self._require_file()
        with outages_named(), self._turn:
            with engine.begin() as connection:
                with self._chain.collecting(connection):
                    yield connection
                failpoints.reach(failpoints.BEFORE_COMMIT)
            failpoints.reach(failpoints.AFTER_COMMIT)

    def _require_file(self) -> None:
        """Makes sure that SQLite's file is still the one that was opened first.

        Connections that are open would go on with a removed file, and what they wrote would be gone
        with it; new ones would begin an empty one in its place.

        Raises:
            StorageReadOnly: it was moved, removed or replaced.
        """
        if self._path is None:
            return
        try:
            status = self._path.stat()
            file = (status.st_dev, status.st_ino)
        except FileNotFoundError:
            file = None
        if self._file is None:
            self._file = file
        elif file != self._file:
            raise StorageReadOnly(
                "The database file was moved, removed or replaced under the running service."
            )

    def on_erasure(self, listener: Callable[[], None]) -> None:
        """Has a function called after each erasure, before that is acknowledged.

        For copies outside of the database; what the function raises the erasure raises too.
        """
        self._erasure_listeners.append(listener)

    def forget_deleted_pages(self) -> None:
        """Empties SQLite's write-ahead log, whose old frames still hold what was just deleted.

        Waits a moment for readers; with one that goes on, the log is emptied by `scrub`, once it
        has ended. Then tells those who keep copies.
        """
        self._empty_log()
        for listener in self._erasure_listeners:
            listener()

    def _empty_log(self) -> None:
        if self.is_sqlite:
            with (
                outages_named(),
                self._turn,
                closing(self._durable.raw_connection()) as connection,
            ):
                _truncated(connection.cursor())

    def scrub(self) -> bool:
        """Rewrites a SQLite file from which something was erased since the last time.

        `secure_delete` overwrites a row where it lies, but not the copies that were left between
        rows when pages were split or merged earlier: only a rewrite gets rid of those. Takes one to
        four seconds per 100 MB, during which writers wait.

        Returns:
            True when there was something to do, and it was done.
        """
        if not self.is_sqlite:
            return False
        with self._turn, closing(self._durable.raw_connection()) as connection:
            cursor = connection.cursor()
            erasures = _erasures(cursor)
            if erasures == 0:
                return False
            # A reader that began earlier keeps the log as it is: then the next call goes on, and
            # the file is not rewritten in vain.
            if not _truncated(cursor):
                return False
            cursor.execute("VACUUM")
            if not _truncated(cursor):
                return False
            failpoints.reach(failpoints.MID_SCRUB)
            cursor.execute("BEGIN IMMEDIATE")
            # Another process may have erased something since; then, too.
            if _erasures(cursor) == erasures:
                cursor.execute("PRAGMA user_version = 0")
            cursor.execute("COMMIT")
        return True

    def close(self) -> None:
        """Closes every connection of the pool."""
        self._durable.dispose()
        self._relaxed.dispose()


def _normalise(url: str) -> URL:
    parsed = make_url("postgresql" + url[len("postgres") :] if url.startswith("postgres:") else url)
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ValueError(f"{parsed.drivername} is not supported: use sqlite or postgresql")
    if parsed.drivername == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ValueError("SQLite needs a file: every thread would see another database in memory")
    return parsed


def _open_postgresql(url: URL, connections: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=min(_POOL_SIZE, connections),
        max_overflow=max(connections - _POOL_SIZE, 0),
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=_to_json,
        # What the operator put into the URL stands.
        connect_args={
            name: value for name, value in _POSTGRESQL_PATIENCE.items() if name not in url.query
        },
    )

    def ask_the_server(dbapi_connection: Any, _record: object) -> None:
        # SQLAlchemy leaves "read write" behind after a reader, against what the server's operator
        # may have set (default_transaction_read_only).
        if dbapi_connection is not None and not dbapi_connection.closed:
            dbapi_connection.read_only = None

    event.listen(engine, "checkin", ask_the_server)
    return engine


def _open_sqlite(url: URL, *, synchronous: Literal["FULL", "NORMAL"]) -> Engine:
    # Only the service's own user may look into a folder of biometrics.
    Path(str(url.database)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=_POOL_SIZE,
        max_overflow=_SQLITE_CONNECTIONS - _POOL_SIZE,
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        connect_args={"timeout": _BUSY_TIMEOUT_SECONDS},
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
    until = monotonic() + _BUSY_TIMEOUT_SECONDS
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


def note_erasure(connection: Connection) -> None:
    """Counts an erasure in the file itself, so that `scrub` comes even after a crash."""
    if connection.dialect.name == "sqlite":
        erasures = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        connection.exec_driver_sql(f"PRAGMA user_version = {erasures % _LAST_ERASURE + 1}")


def _erasures(cursor: Any) -> int:
    """Erasures since the last scrub: SQLite's `user_version`, which nothing else here uses."""
    return int(cursor.execute("PRAGMA user_version").fetchone()[0])


def _truncated(cursor: Any) -> bool:
    """Empties the write-ahead log; False when somebody still reads what is in it."""
    _wait_at_most(cursor, _EMPTYING_PATIENCE_SECONDS)
    try:
        busy: int = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        _wait_at_most(cursor, _BUSY_TIMEOUT_SECONDS)
    return busy == 0


def _wait_at_most(cursor: Any, seconds: float) -> None:
    """How long a SQLite connection waits for a lock from here on."""
    cursor.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")


def insert_unless_there(connection: Connection, table: Table, row: dict[str, object]) -> bool:
    """Inserts one row; when its unique key is taken, or just being taken, leaves that one.

    Args:
        connection: of a writing transaction.
        table: where to.
        row: values by column name.

    Returns:
        True when the row was inserted.
    """
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    # SQLAlchemy throws the count of an INSERT away unless it is asked to keep it.
    inserted = connection.execute(
        build(table).on_conflict_do_nothing(), row, execution_options={"preserve_rowcount": True}
    )
    return inserted.rowcount == 1


def ping(database: Database) -> None:
    """Asks the database for an answer; raises the driver's error when there is none."""
    with database.read() as connection:
        connection.execute(text("SELECT 1"))
