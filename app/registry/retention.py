"""Retention: what a gallery's rules say is too old is erased, as a caller would erase it.

A walk's age counts from its enrolment, a subject's from that of its newest walk; a subject without
walks counts from the last change to it, which no rule's erasure is. Who is named by a job that has
not ended is left for later.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from app.registry.audit import note
from app.registry.database import Database
from app.registry.erasure import erase_subject, erase_walks
from app.registry.revision import Raised, raise_revision
from app.registry.tables import galleries, jobs, subjects, walks


@dataclass(frozen=True, slots=True)
class Expired:
    """What one round erased.

    Attributes:
        gallery_id: number of the gallery.
        walks: erased for their own age.
        subjects: erased with everything that was left of them.
        uploads: storage names of files that jobs about them still had: delete these now.
        more: whether another round would go on.
    """

    gallery_id: int
    walks: int
    subjects: int
    uploads: tuple[str, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    """When a gallery's walks and subjects are too old; None where there is no rule."""

    gallery_id: int
    walks_before: datetime | None
    subjects_before: datetime | None


class Retention:
    """Applies the rules. Several processes may do so at once: whoever comes second finds nothing.

    Args:
        database: where everything is.

    Attributes:
        batch: most walks, and most subjects, erased of one gallery at once: enrolments into it wait
            for so long, which is some hundred milliseconds.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.batch = 200

    def erase_expired(self) -> tuple[Expired, ...]:
        """Erases what is too old, one transaction for each gallery.

        Returns:
            One entry for each gallery of which something was erased.
        """
        with self._database.read() as connection:
            due = [
                rule
                for rule in self._rules(connection)
                if _due_walks(connection, rule, 1) or _due_subjects(connection, rule, 1)
            ]
        rounds = [self._erase(rule) for rule in due]
        found = tuple(each for each in rounds if each is not None and each.walks + each.subjects)
        if found:
            self._database.forget_deleted_pages()
        return found

    def _rules(self, connection: Connection) -> list[_Rule]:
        now = self._database.now()

        def before(days: int | None) -> datetime | None:
            return None if days is None else now - timedelta(days=days)

        rows = connection.execute(
            select(
                galleries.c.id, galleries.c.keep_walks_days, galleries.c.keep_subjects_days
            ).where(
                or_(
                    galleries.c.keep_walks_days.is_not(None),
                    galleries.c.keep_subjects_days.is_not(None),
                )
            )
        )
        return [_Rule(row[0], before(row[1]), before(row[2])) for row in rows]

    def _erase(self, rule: _Rule) -> Expired | None:
        """Everything is looked up again under the gallery's lock; None when the gallery is gone."""
        with self._database.write() as connection:
            raised = raise_revision(connection, galleries.c.id == rule.gallery_id)
            if raised is None:
                return None
            old_subjects = _due_subjects(connection, rule, self.batch)
            uploads: list[str] = []
            for subject_id in old_subjects:
                uploads.extend(erase_subject(connection, raised, subject_id).uploads)
            old_walks = _due_walks(connection, rule, self.batch)
            _erase_walks(connection, raised, old_walks)
            if old_subjects or old_walks:
                note(
                    connection,
                    "retention.erased",
                    gallery=rule.gallery_id,
                    subjects=len(old_subjects),
                    walks=len(old_walks),
                )
        return Expired(
            rule.gallery_id,
            len(old_walks),
            len(old_subjects),
            tuple(uploads),
            more=self.batch in (len(old_walks), len(old_subjects)),
        )


def _erase_walks(connection: Connection, raised: Raised, old_walks: list[tuple[int, str]]) -> None:
    of_subject: dict[int, list[str]] = defaultdict(list)
    for subject_id, walk_id in old_walks:
        of_subject[subject_id].append(walk_id)
    # Rows of subjects are locked in the order of their numbers, as everywhere.
    connection.execute(
        select(subjects.c.id)
        .where(subjects.c.id.in_(list(of_subject)))
        .order_by(subjects.c.id)
        .with_for_update()
    ).all()
    for subject_id, walk_ids in of_subject.items():
        erase_walks(connection, raised, subject_id, walk_ids)


def _due_walks(connection: Connection, rule: _Rule, most: int) -> list[tuple[int, str]]:
    """Numbers of subjects and ids of their walks."""
    if rule.walks_before is None:
        return []
    rows = connection.execute(
        select(walks.c.subject_id, walks.c.id)
        .join(subjects, subjects.c.id == walks.c.subject_id)
        .where(subjects.c.gallery_id == rule.gallery_id, walks.c.created_at <= rule.walks_before)
        .limit(most)
    )
    return [(row[0], row[1]) for row in rows]


def _due_subjects(connection: Connection, rule: _Rule, most: int) -> list[int]:
    """Numbers of subjects, in the order in which their rows are locked."""
    if rule.subjects_before is None:
        return []
    newest = (
        select(func.max(walks.c.created_at))
        .where(walks.c.subject_id == subjects.c.id)
        .scalar_subquery()
    )
    return list(
        connection.execute(
            select(subjects.c.id)
            .join(galleries, galleries.c.id == subjects.c.gallery_id)
            .where(
                subjects.c.gallery_id == rule.gallery_id,
                func.coalesce(newest, subjects.c.updated_at) <= rule.subjects_before,
                ~_is_awaited(),
            )
            .order_by(subjects.c.id)
            .limit(most)
        ).scalars()
    )


def _is_awaited() -> ColumnElement[bool]:
    """Whether a job that has not ended names the subject: it may be about to bring a walk."""
    return exists().where(
        jobs.c.gallery == galleries.c.name,
        jobs.c.subject == subjects.c.external_id,
        jobs.c.state.in_(("queued", "running")),
    )
