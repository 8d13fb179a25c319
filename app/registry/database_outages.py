"""What a driver's error says about the database: away, full, or not to be written to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, TimeoutError

from app.outages import DatabaseAway, Outage, StorageFull, StorageReadOnly

_AWAY = "The database cannot be reached."
_TAKEN = "The database has no connection left for this service."
_TURNED_AWAY = ("too many clients", "too many connections", "remaining connection slots")
_FULL = "The database has no room left."
_READ_ONLY = "The database does not take changes at the moment."

# The low byte is the kind of error (https://sqlite.org/rescode.html).
_SQLITE_KIND = 0xFF


@contextmanager
def outages_named() -> Iterator[None]:
    """Raises an outage of the database as what it is; every other error as it came.

    Raises:
        Outage: away, full or read-only.
    """
    try:
        yield
    except TimeoutError as error:
        raise DatabaseAway("No connection to the database became free in time.") from error
    except (DBAPIError, sqlite3.Error, psycopg.Error) as error:
        # Straight from the driver where a transaction begins; SQLAlchemy's own elsewhere.
        outage = _outage_of(error.orig if isinstance(error, DBAPIError) else error)
        if outage is None:
            raise
        raise outage from error


def _outage_of(error: BaseException | None) -> Outage | None:
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(getattr(error, "sqlite_errorcode", 0))
    if isinstance(error, psycopg.Error):
        return _of_postgresql(error)
    return None


def _of_sqlite(code: int) -> Outage | None:
    """By SQLite's extended result code."""
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return StorageReadOnly("The database file was moved or removed under the running service.")
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:  # the index beside the log could not grow
        return StorageFull(_FULL)
    kind = code & _SQLITE_KIND
    if kind == sqlite3.SQLITE_FULL:
        return StorageFull(_FULL)
    if kind == sqlite3.SQLITE_READONLY:
        return StorageReadOnly(_READ_ONLY)
    if kind in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):
        return DatabaseAway("The database file cannot be opened or read.")
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DatabaseAway("The database was held by somebody else for too long.")
    return None


def _of_postgresql(error: psycopg.Error) -> Outage | None:
    """By PostgreSQL's error code (appendix A of its manual); a broken connection has none."""
    code = error.sqlstate
    if code is None:
        # Who is turned away at the door hears why in words only.
        if any(words in str(error) for words in _TURNED_AWAY):
            return DatabaseAway(_TAKEN)
        broken = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return DatabaseAway(_AWAY) if broken else None
    if code == "53100":
        return StorageFull(_FULL)
    if code == "25006":
        return StorageReadOnly(_READ_ONLY)
    if code == "53300":
        return DatabaseAway(_TAKEN)
    # 08: connection; 53: resources; 57P01 to 57P03: shut down, crashed, starting; 28, 3D: the
    # operator changed a password or a name, and may change it back.
    if code[:2] in ("08", "28", "3D", "53") or code.startswith("57P0"):
        return DatabaseAway(_AWAY)
    return None
