"""Erasure: every row that a subject, or a whole gallery, left anywhere, in one transaction.

Jobs go with the subjects they name: the job that enrolled someone, and every finished search that
lists them, hold decisions about them. Locks are always taken in the order gallery, subjects, jobs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select

from app.registry.absorbed import forget_walks
from app.registry.audit.chain import Noted
from app.registry.audit.entry import StoredEntry
from app.registry.database import note_erasure
from app.registry.revision import Raised, note_removals
from app.registry.tables import job_mentions, jobs, subjects, templates, walks


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased.

    Attributes:
        subjects: how many.
        walks: how many.
        templates: how many.
        jobs: ids of the job rows that named them; waiting, running or finished.
        uploads: storage names those jobs still needed: delete these files now.
        revision: of the gallery, from which on no search finds them.
        gallery: its name.
        subject: the caller's id of the one subject it was about; None for a whole gallery.
        walk: id of the one walk it was about; None for more.
        entry: of the audit log; None before the erasure is committed.
    """

    subjects: int
    walks: int
    templates: int
    jobs: tuple[str, ...]
    uploads: tuple[str, ...]
    revision: int
    gallery: str
    subject: str | None = None
    walk: str | None = None
    entry: StoredEntry | None = None

    def committed(self, noted: Noted) -> Erasure:
        """The same, once it is in the audit log."""
        return replace(self, entry=noted.stored)


def erase_subject(connection: Connection, raised: Raised, subject_id: int) -> Erasure:
    """Erases one subject.

    Args:
        connection: of the transaction that raised the revision.
        raised: the subject's gallery and its new revision.
        subject_id: number of the subject's row, which exists.

    Returns:
        What went.
    """
    # From here no job can come to mention the subject: mentions lock its row (see jobs.py).
    external_id = connection.execute(
        select(subjects.c.external_id).where(subjects.c.id == subject_id).with_for_update()
    ).scalar_one()
    mentioning = select(job_mentions.c.job_id).where(job_mentions.c.subject_id == subject_id)
    job_ids, uploads = _erase_jobs(
        connection,
        or_(
            (jobs.c.gallery == raised.gallery) & (jobs.c.subject == external_id),
            jobs.c.id.in_(mentioning),
        ),
    )
    walk_count = _count(connection, walks.c.subject_id == subject_id)
    template_count = note_removals(connection, raised, templates.c.subject_id == subject_id)
    connection.execute(delete(subjects).where(subjects.c.id == subject_id))
    note_erasure(connection)
    return Erasure(
        1,
        walk_count,
        template_count,
        job_ids,
        uploads,
        raised.revision,
        raised.gallery,
        subject=external_id,
    )


def erase_walks(
    connection: Connection, raised: Raised, subject_id: int, walk_ids: Collection[str]
) -> int:
    """Erases some walks of a subject, with their templates; the subject stays, even without walks.

    Args:
        connection: of the transaction that raised the revision.
        raised: the subject's gallery and its new revision.
        subject_id: number of the subject's row.
        walk_ids: of walks of that subject.

    Returns:
        How many templates went with them.
    """
    template_count = note_removals(connection, raised, templates.c.walk_id.in_(walk_ids))
    connection.execute(delete(walks).where(walks.c.id.in_(walk_ids)))
    forget_walks(connection, walk_ids, subject_id)
    note_erasure(connection)
    return template_count


def erase_gallery(connection: Connection, raised: Raised) -> Erasure:
    """Erases every subject of a gallery, and every job that was meant for it.

    Args:
        connection: of the transaction that raised the gallery's revision.
        raised: the gallery, whose row is locked.

    Returns:
        What went.
    """
    ids = connection.execute(
        select(subjects.c.id)
        .where(subjects.c.gallery_id == raised.gallery_id)
        .order_by(subjects.c.id)
        .with_for_update()
    ).all()
    mine = select(subjects.c.id).where(subjects.c.gallery_id == raised.gallery_id)
    # Jobs of the gallery, and those of others that named who has moved here since.
    mentioning = select(job_mentions.c.job_id).where(job_mentions.c.subject_id.in_(mine))
    job_ids, uploads = _erase_jobs(
        connection, or_(jobs.c.gallery == raised.gallery, jobs.c.id.in_(mentioning))
    )
    walk_count = _count(connection, walks.c.subject_id.in_(mine))
    template_count = connection.execute(
        select(func.count())
        .select_from(templates)
        .where(templates.c.gallery_id == raised.gallery_id)
    ).scalar_one()
    connection.execute(delete(subjects).where(subjects.c.gallery_id == raised.gallery_id))
    note_erasure(connection)
    return Erasure(
        len(ids),
        walk_count,
        template_count,
        job_ids,
        uploads,
        raised.revision,
        raised.gallery,
    )


def upload_names(uploads: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Storage names of all walks of a job, in one row."""
    return tuple(name for walk in uploads for name in walk)


def _erase_jobs(
    connection: Connection, which: ColumnElement[bool]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    rows = connection.execute(delete(jobs).where(which).returning(jobs.c.id, jobs.c.uploads)).all()
    names = tuple(name for row in rows for name in upload_names(row.uploads))
    return tuple(row.id for row in rows), names


def _count(connection: Connection, which: ColumnElement[bool]) -> int:
    return int(
        connection.execute(select(func.count()).select_from(walks).where(which)).scalar_one()
    )
