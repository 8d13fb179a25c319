"""Subjects: the people a gallery knows. `subject` is always the caller's own id for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    cast,
    func,
    or_,
    select,
    update,
)

from app import failpoints
from app.errors import AmbiguousSubject, InvalidField, UnknownGallery, UnknownSubject
from app.registry.asked_erasures import ask_for_subject, erase_asked_subject
from app.registry.audit import note
from app.registry.columns import AnyRow
from app.registry.database import Database
from app.registry.erasure import Erasure
from app.registry.fields import clean_metadata, clean_name, decode_cursor, encode_cursor
from app.registry.tables import galleries, subjects, walks

MAX_PAGE = 500
"""Most subjects in one page."""


class Unset(Enum):
    """The type of UNSET: tells a field that was left out from one that was set to null."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class Subject:
    """One person known to a gallery.

    Attributes:
        id: number that is never used again.
        subject: the caller's id.
        gallery_id: number of the gallery.
        gallery: name of the gallery.
        name: for people to read, if given.
        metadata: JSON object, as the caller gave it.
        walks: how many are enrolled.
        created_at: in UTC.
        updated_at: of the last change to the subject or its walks, in UTC.
    """

    id: int
    subject: str
    gallery_id: int
    gallery: str
    name: str | None
    metadata: dict[str, object]
    walks: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SubjectPage:
    """Some subjects, in the order of their first enrolment.

    Attributes:
        subjects: at most as many as were asked for.
        next_cursor: pass it to get the following page; None on the last one.
    """

    subjects: tuple[Subject, ...]
    next_cursor: str | None


_SUBJECTS = select(
    subjects.c.id,
    subjects.c.external_id,
    subjects.c.gallery_id,
    galleries.c.name.label("gallery"),
    subjects.c.name,
    subjects.c.metadata,
    select(func.count())
    .where(walks.c.subject_id == subjects.c.id)
    .scalar_subquery()
    .label("walks"),
    subjects.c.created_at,
    subjects.c.updated_at,
).join(galleries, galleries.c.id == subjects.c.gallery_id)


class Subjects:
    """What can be done with subjects; every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self,
        *,
        gallery: str | None = None,
        within: Collection[str] | None = None,
        limit: int = 50,
        cursor: str | None = None,
        search: str | None = None,
    ) -> SubjectPage:
        """One page of subjects. Pages stay right while subjects come and go.

        Args:
            gallery: only this one; None for all.
            within: names of galleries; who is elsewhere is left out. None for all.
            limit: most subjects in the page, 1 to 500.
            cursor: `next_cursor` of the page before.
            search: only those whose id, name or metadata contain this text, whatever its case (in
                SQLite: the case of its ASCII letters). Reads subjects until the page is full.

        Raises:
            InvalidField: limit out of range, or not a cursor of this service.
            UnknownGallery: there is none.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidField("limit", f"The limit must be between 1 and {MAX_PAGE}.")
        statement = _SUBJECTS.order_by(subjects.c.id).limit(limit + 1)
        if cursor is not None:
            statement = statement.where(subjects.c.id > decode_cursor(cursor))
        if search:
            statement = statement.where(_contains(search, in_sqlite=self._database.is_sqlite))
        if within is not None:
            statement = statement.where(galleries.c.name.in_(list(within)))
        with self._database.read() as connection:
            if gallery is not None:
                gallery_id = gallery_id_of(connection, gallery)
                statement = statement.where(subjects.c.gallery_id == gallery_id)
            rows = connection.execute(statement).all()
        page = tuple(_subject(row) for row in rows[:limit])
        return SubjectPage(page, encode_cursor(page[-1].id) if len(rows) > limit else None)

    def get(self, subject: str, *, gallery: str | None = None) -> Subject:
        """One subject.

        Args:
            subject: the caller's id.
            gallery: where to look; None for everywhere.

        Raises:
            UnknownGallery: there is none.
            UnknownSubject: not enrolled there.
            AmbiguousSubject: in several galleries, and none was named.
        """
        with self._database.read() as connection:
            return find_subject(connection, subject, gallery)

    def galleries_of(self, subject: str) -> tuple[str, ...]:
        """The names of the galleries in which somebody has this id."""
        rows = self._database.ask(
            select(galleries.c.name)
            .join(subjects, subjects.c.gallery_id == galleries.c.id)
            .where(subjects.c.external_id == subject)
        )
        return tuple(row.name for row in rows)

    def patch(
        self,
        subject: str,
        *,
        gallery: str | None = None,
        name: str | Literal[Unset.UNSET] | None = UNSET,
        metadata: Mapping[str, object] | Literal[Unset.UNSET] = UNSET,
    ) -> Subject:
        """Changes what is known about a subject; what is left out stays.

        Args:
            subject: the caller's id.
            gallery: where to look; None for everywhere.
            name: the new name; None removes it.
            metadata: the new metadata, in place of the old.

        Raises:
            InvalidField: name or metadata cannot be stored.
            UnknownGallery, UnknownSubject, AmbiguousSubject: as for `get`.
        """
        values: dict[str, Any] = {"updated_at": self._database.now()}
        if name is not UNSET:
            values["name"] = None if name is None else clean_name(name)
        if metadata is not UNSET:
            values["metadata"] = clean_metadata(dict(metadata))
        with self._database.write() as connection:
            found = find_subject(connection, subject, gallery)
            connection.execute(update(subjects).where(subjects.c.id == found.id).values(values))
            note(
                connection,
                "subject.changed",
                gallery=found.gallery_id,
                subject=found.id,
                fields=sorted(values.keys() - {"updated_at"}),
            )
            return subject_by_id(connection, found.id)

    def delete(self, subject: str, *, gallery: str | None = None) -> Erasure:
        """Erases a subject: walks, templates, and every job that names it.

        Once it was begun it is done, even after a crash (`AskedErasures`). A search that starts
        after this returns never finds the subject. In SQLite the rows are
        overwritten and the log is emptied; `Registry.scrub` clears older copies between rows.

        Args:
            subject: the caller's id.
            gallery: where to look; None for everywhere.

        Raises:
            UnknownGallery, UnknownSubject, AmbiguousSubject: as for `get`.
        """
        with self._database.write() as connection:
            found = find_subject(connection, subject, gallery)
            if not ask_for_subject(connection, found.id, self._database.now()):
                raise UnknownSubject(subject, gallery)
        failpoints.reach(failpoints.ERASURE_ASKED)
        erasure = erase_asked_subject(self._database, found.id)
        if erasure is None:  # somebody else was quicker
            raise UnknownSubject(subject, gallery)
        return erasure


def find_subject(connection: Connection, subject: str, gallery: str | None) -> Subject:
    """One subject, within the caller's transaction; raises as `Subjects.get` does."""
    statement = _SUBJECTS.where(subjects.c.external_id == subject)
    if gallery is not None:
        gallery_id = gallery_id_of(connection, gallery)
        statement = statement.where(subjects.c.gallery_id == gallery_id)
    found = [_subject(row) for row in connection.execute(statement)]
    if not found:
        raise UnknownSubject(subject, gallery)
    if len(found) > 1:
        raise AmbiguousSubject(subject, sorted(each.gallery for each in found))
    return found[0]


def subject_by_id(connection: Connection, subject_id: int) -> Subject:
    """One subject by the number of its row, within the caller's transaction.

    Raises:
        UnknownSubject: it is no more.
    """
    row = connection.execute(_SUBJECTS.where(subjects.c.id == subject_id)).one_or_none()
    if row is None:
        raise UnknownSubject(f"#{subject_id}")
    return _subject(row)


def is_taken(connection: Connection, gallery_id: int, subject: str) -> bool:
    """Whether a subject of this id is in a gallery."""
    found = connection.execute(
        select(subjects.c.id).where(
            subjects.c.gallery_id == gallery_id, subjects.c.external_id == subject
        )
    ).one_or_none()
    return found is not None


def gallery_id_of(connection: Connection, gallery: str) -> int:
    """The number of a gallery.

    Raises:
        UnknownGallery: there is none of this name.
    """
    found: int | None = connection.execute(
        select(galleries.c.id).where(galleries.c.name == gallery)
    ).scalar_one_or_none()
    if found is None:
        raise UnknownGallery(gallery)
    return found


def _contains(search: str, *, in_sqlite: bool) -> ColumnElement[bool]:
    texts = (subjects.c.external_id, subjects.c.name, cast(subjects.c.metadata, Text))
    if in_sqlite:
        # Its LIKE, like its lower(), knows the case of ASCII letters only, and alone it takes a
        # third of the time (19 against 66 ms for 100,000 subjects).
        return or_(*(text.contains(search, autoescape=True) for text in texts))
    return or_(*(text.icontains(search, autoescape=True) for text in texts))


def _subject(row: AnyRow) -> Subject:
    return Subject(
        id=row.id,
        subject=row.external_id,
        gallery_id=row.gallery_id,
        gallery=row.gallery,
        name=row.name,
        metadata=row.metadata,
        walks=row.walks,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
