"""How the registry asks, reads and writes, the same on SQLite and PostgreSQL.

A question is one statement. Reads see one snapshot from their first statement to their last.
Writes on SQLite take the write lock when they begin (BEGIN IMMEDIATE), so none fails half-way for
having read before writing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVarTuple

from sqlalchemy import Connection, Row, Select, Table, text
from sqlalchemy.dialects import postgresql, sqlite

from app import failpoints
from app.outages import StorageReadOnly
from app.registry.audit.chain import Chain
from app.registry.columns import Clock, utc_now
from app.registry.database_outages import outages_named
from app.registry.engines import (
    POSTGRESQL_CONNECTIONS,
    SQLITE_PATIENCE_SECONDS,
    open_postgresql,
    open_sqlite,
    parsed_url,
)
from app.registry.sealing import MasterKeySource, Vault
from app.registry.signing import Signer

Columns = TypeVarTuple("Columns")

_EMPTYING_PATIENCE_SECONDS = 0.25
"""How long the write-ahead log is waited for, which readers hold. Writers wait as long, and a
reader, such as an export, may last for minutes: the log is emptied after it instead."""

_LAST_ERASURE = 2**31 - 2
"""`user_version` is a signed 32-bit number."""


class Database:
    """Questions, and the two kinds of transaction.

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
        parsed = parsed_url(url)
        self.is_sqlite = parsed.drivername == "sqlite"
        self._path = Path(str(parsed.database)) if self.is_sqlite else None
        self._file: tuple[int, int] | None = None
        if self.is_sqlite:
            # FULL costs 0.35 ms more than NORMAL per commit (measured: 0.40 against 0.05 ms).
            # After NORMAL a killed process has lost nothing, a power cut the last moments.
            self._durable = open_sqlite(parsed, synchronous="FULL")
            self._relaxed = open_sqlite(parsed, synchronous="NORMAL")
            self._reader = self._asked = self._relaxed
        else:
            self._durable = self._relaxed = open_postgresql(parsed, connections)
            # One snapshot for all statements; a SQLite transaction always has one.
            self._reader = self._durable.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            self._asked = self._durable.execution_options(isolation_level="AUTOCOMMIT")
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

    def ask(
        self, question: Select[*Columns], values: Mapping[str, object] | None = None
    ) -> Sequence[Row[*Columns]]:
        """The rows of one statement, which sees one snapshot by itself.

        On PostgreSQL it goes without BEGIN and COMMIT, each as much of a round trip as itself.

        Args:
            question: the statement.
            values: of its parameters, by name.

        Raises:
            Outage: the database does not answer.
        """
        self._require_file()
        with outages_named(), self._asked.connect() as connection:
            return connection.execute(question, values).all()

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
        _wait_at_most(cursor, SQLITE_PATIENCE_SECONDS)
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
