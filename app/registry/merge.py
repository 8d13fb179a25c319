"""A merge, as a value and as a row: two subjects that were found to be one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from app.registry.absorbed import Absorbed
from app.registry.tables import galleries, merges, subjects


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge that can still be undone.

    Attributes:
        id: UUID.
        subject: the caller's id of the surviving subject.
        subject_id: number of its row.
        gallery: name of the gallery it is in now.
        gallery_id: number of that gallery.
        absorbed_subject: the caller's id of the subject that is no more.
        absorbed: what it was.
        created_at: in UTC.
        undo_until: in UTC.
    """

    id: str
    subject: str
    subject_id: int
    gallery: str
    gallery_id: int
    absorbed_subject: str
    absorbed: Absorbed
    created_at: datetime
    undo_until: datetime


_MERGES = (
    select(
        merges.c.id,
        subjects.c.external_id.label("subject"),
        merges.c.subject_id,
        galleries.c.name.label("gallery"),
        subjects.c.gallery_id,
        merges.c.external_id.label("absorbed_subject"),
        merges.c.absorbed,
        merges.c.created_at,
        merges.c.undo_until,
    )
    .join(subjects, subjects.c.id == merges.c.subject_id)
    .join(galleries, galleries.c.id == subjects.c.gallery_id)
    .order_by(merges.c.created_at, merges.c.id)
)


def find_merge(connection: Connection, merge_id: str, now: datetime) -> Merge | None:
    """A merge that can still be undone; None when there is none of this id."""
    found = _read(connection, now, merge_id=merge_id)
    return found[0] if found else None


def merges_into(connection: Connection, subject_id: int, now: datetime) -> tuple[Merge, ...]:
    """The merges of one surviving subject that can still be undone, oldest first."""
    return _read(connection, now, subject_id=subject_id)


def _read(
    connection: Connection,
    now: datetime,
    *,
    merge_id: str | None = None,
    subject_id: int | None = None,
) -> tuple[Merge, ...]:
    wanted = _MERGES.where(merges.c.undo_until > now)
    if merge_id is not None:
        wanted = wanted.where(merges.c.id == merge_id)
    if subject_id is not None:
        wanted = wanted.where(merges.c.subject_id == subject_id)
    rows = connection.execute(wanted).all()
    return tuple(Merge(**{**row._mapping, "absorbed": Absorbed.read(row.absorbed)}) for row in rows)
