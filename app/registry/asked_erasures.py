"""Erasures that were asked for: written down first, so that a crash cannot forget them.

The request is a row of numbers, committed before the erasure is begun and gone with it: it refers
to the subject or the gallery that goes. Whoever comes after a process that died in between does
what is still asked for.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, delete, insert, select

from app import failpoints
from app.registry.acting import acting_as, actor
from app.registry.audit.chain import Noted, note
from app.registry.database import Database
from app.registry.erasure import Erasure, erase_gallery, erase_subject
from app.registry.locking import lock_subjects, write_until_unchanged
from app.registry.revision import Raised, raise_revision
from app.registry.tables import asked_erasures, galleries, subjects

_log = structlog.get_logger(__name__)


class AskedErasures:
    """What is still asked for.

    Args:
        database: where it stands.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def finish(self, *, older_than: timedelta) -> tuple[Erasure, ...]:
        """Does what was asked for and never done.

        Several processes may do so at once: whoever comes second finds nothing to do.

        Args:
            older_than: younger requests are being done by whoever got them.

        Returns:
            What was erased. The files that it names are to be deleted.
        """
        before = self._database.now() - older_than
        left = self._database.ask(
            select(asked_erasures)
            .where(asked_erasures.c.asked_at < before)
            .order_by(asked_erasures.c.id)
        )
        done = []
        for each in left:
            with acting_as(each.actor):
                erasure = (
                    erase_asked_gallery(self._database, each.gallery_id)
                    if each.subject_id is None
                    else erase_asked_subject(self._database, each.subject_id)
                )
            if erasure is not None:
                done.append(erasure)
        if done:
            _log.warning("erasures that a crash had broken off are done", erasures=len(done))
        return tuple(done)


def ask_for_subject(connection: Connection, subject_id: int, asked_at: datetime) -> bool:
    """Writes down that a subject is to be erased.

    Args:
        connection: of a writing transaction, to be committed before the erasure begins.
        subject_id: number of the subject.
        asked_at: in UTC.

    Returns:
        False when there is no such subject any more; nothing was written.
    """
    # Whoever is just erasing them holds this row, and their gallery cannot go before it.
    gallery_id: int | None = connection.execute(
        select(subjects.c.gallery_id)
        .where(subjects.c.id == subject_id)
        .with_for_update(read=True, key_share=True)
    ).scalar_one_or_none()
    if gallery_id is None:
        return False
    _write_down(connection, gallery_id, subject_id, asked_at)
    return True


def ask_for_gallery(connection: Connection, gallery_id: int, asked_at: datetime) -> None:
    """Writes down that a gallery is to be erased with everybody in it.

    Args:
        connection: as for a subject; it has locked the gallery.
        gallery_id: number of the gallery.
        asked_at: in UTC.
    """
    _write_down(connection, gallery_id, None, asked_at)


def _write_down(
    connection: Connection, gallery_id: int, subject_id: int | None, asked_at: datetime
) -> None:
    connection.execute(
        insert(asked_erasures),
        {
            "gallery_id": gallery_id,
            "subject_id": subject_id,
            "actor": actor(),
            "asked_at": asked_at,
        },
    )


def erase_asked_subject(database: Database, subject_id: int) -> Erasure | None:
    """Erases a subject, wherever it is by now.

    Args:
        database: where it is.
        subject_id: number of its row.

    Returns:
        What went; None when there is no such subject any more.
    """

    def erase(connection: Connection) -> tuple[Erasure, Noted] | None:
        gallery_id: int | None = connection.execute(
            select(subjects.c.gallery_id).where(subjects.c.id == subject_id)
        ).scalar_one_or_none()
        if gallery_id is None:
            return None
        raised = lock_subjects(connection, {subject_id: gallery_id})
        erasure = erase_subject(connection, raised[gallery_id], subject_id)
        noted = note(
            connection,
            "subject.erased",
            gallery=gallery_id,
            subject=subject_id,
            walks=erasure.walks,
            templates=erasure.templates,
            jobs=len(erasure.jobs),
        )
        failpoints.reach(failpoints.MID_ERASURE)
        return erasure, noted

    done = write_until_unchanged(database, erase)
    if done is None:
        return None
    return finished(database, *done)


def erase_asked_gallery(database: Database, gallery_id: int) -> Erasure | None:
    """Erases a gallery and everybody in it.

    Args:
        database: where it is.
        gallery_id: number of its row.

    Returns:
        What went; None when there is no such gallery any more.
    """
    with database.write() as connection:
        raised = raise_revision(connection, galleries.c.id == gallery_id)
        if raised is None:
            return None
        erasure, noted = remove_gallery(connection, raised)
        failpoints.reach(failpoints.MID_ERASURE)
    return finished(database, erasure, noted)


def remove_gallery(connection: Connection, raised: Raised) -> tuple[Erasure, Noted]:
    """Erases a gallery whose row this transaction has locked, and everybody in it."""
    erasure = erase_gallery(connection, raised)
    connection.execute(delete(galleries).where(galleries.c.id == raised.gallery_id))
    noted = note(
        connection,
        "gallery.erased",
        gallery=raised.gallery_id,
        subjects=erasure.subjects,
        walks=erasure.walks,
        templates=erasure.templates,
        jobs=len(erasure.jobs),
    )
    return erasure, noted


def finished(database: Database, erasure: Erasure, noted: Noted) -> Erasure:
    """Has everybody who keeps copies drop them, after the commit.

    Returns:
        The erasure, with its entry of the audit log.
    """
    failpoints.reach(failpoints.AFTER_ERASURE)
    database.forget_deleted_pages()
    return erasure.committed(noted)
