"""The log as the rest of the service reads it, and as it notes what belongs to no transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import JSON, ColumnElement, Connection, cast, or_, select, type_coerce

from app.errors import InvalidField
from app.registry.audit.actions import Action, Detail
from app.registry.audit.chain import note, read_head
from app.registry.audit.entry import Head, StoredEntry
from app.registry.columns import AnyRow
from app.registry.database import Database
from app.registry.subjects import find_subject, gallery_id_of
from app.registry.tables import audit

MAX_PAGE: Final = 500
"""Most entries in one page."""

_SEARCHED_AT_ONCE: Final = 20_000
"""Entries looked through for one page of those that are wanted: 25 to 110 ms."""
_READ_AT_ONCE: Final = 1000

_ENTRIES: Final = select(audit.c.seq, audit.c.entry, audit.c.hash)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are wanted; None for any.

    Attributes:
        action: what was done.
        actor: who did it.
        subject: number of a subject it was done to.
        gallery: number of a gallery it was done in.
    """

    action: str | None = None
    actor: str | None = None
    subject: int | None = None
    gallery: int | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some entries.

    Attributes:
        entries: at most as many as were asked for; of a search maybe none, although more follow.
        next_after: pass it to get the following page; None on the last one.
        head: the end of the chain at the same instant; None where nothing was ever noted.
    """

    entries: tuple[StoredEntry, ...]
    next_after: int | None
    head: Head | None


@dataclass(frozen=True, slots=True)
class WholeLog:
    """All of a database's log, within one transaction.

    Attributes:
        connection: of that transaction.
        head: the end; None where nothing was ever noted.
    """

    connection: Connection
    head: Head | None

    def entries(self) -> Iterator[StoredEntry]:
        """The entries, oldest first."""
        rows = self.connection.execute(
            _ENTRIES.order_by(audit.c.seq),
            execution_options={"stream_results": True, "yield_per": _READ_AT_ONCE},
        )
        with closing(rows):
            for row in rows:
                yield _entry(row)


class AuditLog:
    """One database's log.

    Args:
        database: where it is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, action: Action, **details: Detail) -> None:
        """Writes down what changes nothing in the database; see `app.registry.audit.note`."""
        with self._database.write() as connection:
            note(connection, action, **details)

    def head(self) -> Head | None:
        """The end of the chain; None where nothing was ever noted."""
        with self._database.read() as connection:
            return read_head(connection)

    def numbers_of(self, subject: str | None, gallery: str | None) -> tuple[int | None, int | None]:
        """By which numbers a subject and a gallery are found in the log; None for None.

        Args:
            subject: the caller's id of somebody who is enrolled.
            gallery: name of the gallery; None looks for the subject everywhere.

        Raises:
            UnknownGallery, UnknownSubject, AmbiguousSubject: as for `Subjects.get`.
        """
        with self._database.read() as connection:
            if subject is not None:
                # In whichever gallery something was done: they may have come from another one.
                return find_subject(connection, subject, gallery).id, None
            return None, None if gallery is None else gallery_id_of(connection, gallery)

    def page(
        self,
        *,
        newest_first: bool = True,
        limit: int = 100,
        after: int | None = None,
        wanted: Wanted = Wanted(),
    ) -> LogPage:
        """One page of entries. Pages stay right while entries are added.

        Args:
            newest_first: the way to go.
            limit: most entries in the page, 1 to 500.
            after: `next_after` of the page before.
            wanted: only these. Each page looks through a limited part of the log.

        Raises:
            InvalidField: limit out of range.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidField("limit", f"The limit must be between 1 and {MAX_PAGE}.")
        with self._database.read() as connection:
            head = read_head(connection)
            last = 0 if head is None else head.seq
            first, end = self._span(newest_first, after, last)
            order = audit.c.seq.desc() if newest_first else audit.c.seq
            rows = connection.execute(
                _ENTRIES.where(audit.c.seq.between(first, end), *self._conditions(wanted))
                .order_by(order)
                .limit(limit)
            ).all()
        entries = tuple(_entry(row) for row in rows)
        reached = first if newest_first else end
        if len(entries) == limit:
            reached = entries[-1].seq
        more = reached > 1 if newest_first else reached < last
        return LogPage(entries, reached if more else None, head)

    @contextmanager
    def whole(self) -> Iterator[WholeLog]:
        """All of the log as it is at one instant, for as long as the block lasts.

        What is in memory at once does not grow with the log.
        """
        with self._database.read() as connection:
            yield WholeLog(connection, read_head(connection))

    def _span(self, newest_first: bool, after: int | None, last: int) -> tuple[int, int]:
        """The first and the last number that one page looks at."""
        if newest_first:
            end = last if after is None else after - 1
            return max(1, end - _SEARCHED_AT_ONCE + 1), end
        first = 1 if after is None else after + 1
        return first, min(last, first + _SEARCHED_AT_ONCE - 1)

    def _conditions(self, wanted: Wanted) -> list[ColumnElement[bool]]:
        # SQLite reads JSON out of any text; PostgreSQL wants to be told.
        fields: Any = (type_coerce if self._database.is_sqlite else cast)(audit.c.entry, JSON)
        found: list[ColumnElement[bool]] = []
        if wanted.action is not None:
            found.append(fields["action"].as_string() == wanted.action)
        if wanted.actor is not None:
            found.append(fields["actor"].as_string() == wanted.actor)
        for number, names in (
            (wanted.subject, ("subject", "into", "out_of")),
            (wanted.gallery, ("gallery", "into_gallery", "to_gallery")),
        ):
            if number is not None:
                numbers = (fields["details"][name].as_numeric(20, 0) for name in names)
                found.append(or_(*(each == number for each in numbers)))
        return found


def _entry(row: AnyRow) -> StoredEntry:
    return StoredEntry(row.seq, row.entry, bytes(row.hash))
