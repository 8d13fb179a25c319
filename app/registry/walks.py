"""Walks: the recordings a subject is known by, kept as gait energy images."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, bindparam, select, update

from app.errors import UnknownWalk
from app.registry.asked_erasures import finished
from app.registry.audit import note
from app.registry.audit.chain import Noted
from app.registry.columns import AnyRow
from app.registry.database import Database
from app.registry.erasure import Erasure, erase_walks
from app.registry.locking import ChangedMeanwhile, lock_subjects, write_until_unchanged
from app.registry.sealing import KEY_COLUMNS, stored_key
from app.registry.subjects import find_subject
from app.registry.tables import data_keys, galleries, subjects, templates, walks


@dataclass(frozen=True, slots=True)
class Walk:
    """One enrolled walk.

    Attributes:
        id: UUID.
        subject: the caller's id of whose walk it is.
        gallery: name of the gallery.
        source: what was sent, in the words of capture ("video", "frames", ...).
        quality: of the recording, as it was measured.
        direction: of walking, as the camera saw it; None where it could not be told.
        checkpoints: ids of the checkpoints that have a template of it.
        job_id: the job that enrolled it; its row is kept for a day only.
        created_at: in UTC.
    """

    id: str
    subject: str
    gallery: str
    source: str
    quality: dict[str, object]
    direction: str | None
    checkpoints: tuple[str, ...]
    job_id: str | None
    created_at: datetime


_WALKS = (
    select(
        walks.c.id,
        subjects.c.external_id,
        galleries.c.name.label("gallery"),
        walks.c.source,
        walks.c.quality,
        walks.c.direction,
        walks.c.job_id,
        walks.c.created_at,
    )
    .join(subjects, subjects.c.id == walks.c.subject_id)
    .join(galleries, galleries.c.id == subjects.c.gallery_id)
)

_GEI = (
    select(walks.c.subject_id, walks.c.gei, walks.c.data_key_id, *KEY_COLUMNS)
    .outerjoin(data_keys, data_keys.c.id == walks.c.data_key_id)
    .where(walks.c.id == bindparam("walk_id"))
)


class Walks:
    """What can be done with enrolled walks; every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, subject: str, *, gallery: str | None = None) -> tuple[Walk, ...]:
        """A subject's walks, oldest first.

        Args:
            subject: the caller's id.
            gallery: where to look; None for everywhere.

        Raises:
            UnknownGallery, UnknownSubject, AmbiguousSubject: as for `Subjects.get`.
        """
        with self._database.read() as connection:
            subject_id = find_subject(connection, subject, gallery).id
            rows = connection.execute(
                _WALKS.where(walks.c.subject_id == subject_id).order_by(
                    walks.c.created_at, walks.c.id
                )
            ).all()
            return tuple(_walk(connection, row) for row in rows)

    def get(self, walk_id: str) -> Walk:
        """One walk.

        Raises:
            UnknownWalk: there is none.
        """
        with self._database.read() as connection:
            return _find(connection, walk_id)

    def gei_png(self, walk_id: str) -> bytes:
        """The walk's gait energy image, as PNG bytes.

        Raises:
            UnknownWalk: there is none.
            MasterKeyMissing, StoredDataDamaged: it is encrypted, and cannot be decrypted.
        """
        # A picture is somebody's biometrics: nobody gets one without an entry in the audit log.
        with self._database.write() as connection:
            row = connection.execute(_GEI, {"walk_id": walk_id}).one_or_none()
            if row is None:
                raise UnknownWalk(walk_id)
            note(connection, "gei.viewed", subject=row.subject_id)
        return self._database.vault.opening().gei(walk_id, row.gei, stored_key(row))

    def delete(self, walk_id: str) -> Erasure:
        """Erases one walk and its templates; the subject stays, even without walks.

        Raises:
            UnknownWalk: there is none.
        """
        done = write_until_unchanged(self._database, partial(self._delete, walk_id=walk_id))
        return finished(self._database, *done)

    def _delete(self, connection: Connection, walk_id: str) -> tuple[Erasure, Noted]:
        subject_id, gallery_id = owner = _owner(connection, walk_id)
        raised = lock_subjects(connection, {subject_id: gallery_id})
        if _owner(connection, walk_id) != owner:
            raise ChangedMeanwhile
        template_count = erase_walks(connection, raised[gallery_id], subject_id, [walk_id])
        noted = note(connection, "walk.erased", gallery=gallery_id, subject=subject_id)
        external_id = connection.execute(
            update(subjects)
            .where(subjects.c.id == subject_id)
            .values(updated_at=self._database.now())
            .returning(subjects.c.external_id)
        ).scalar_one()
        erasure = Erasure(
            subjects=0,
            walks=1,
            templates=template_count,
            jobs=(),
            uploads=(),
            revision=raised[gallery_id].revision,
            gallery=raised[gallery_id].gallery,
            subject=external_id,
            walk=walk_id,
        )
        return erasure, noted


def _owner(connection: Connection, walk_id: str) -> tuple[int, int]:
    """The numbers of the subject and of the gallery that a walk belongs to."""
    row = connection.execute(
        select(subjects.c.id, subjects.c.gallery_id)
        .join(walks, walks.c.subject_id == subjects.c.id)
        .where(walks.c.id == walk_id)
    ).one_or_none()
    if row is None:
        raise UnknownWalk(walk_id)
    return row.id, row.gallery_id


def _find(connection: Connection, walk_id: str) -> Walk:
    row = connection.execute(_WALKS.where(walks.c.id == walk_id)).one_or_none()
    if row is None:
        raise UnknownWalk(walk_id)
    return _walk(connection, row)


def _walk(connection: Connection, row: AnyRow) -> Walk:
    checkpoints = connection.execute(
        select(templates.c.checkpoint_id).where(templates.c.walk_id == row.id).distinct()
    ).scalars()
    return Walk(
        id=row.id,
        subject=row.external_id,
        gallery=row.gallery,
        source=row.source,
        quality=row.quality,
        direction=row.direction,
        checkpoints=tuple(sorted(checkpoints)),
        job_id=row.job_id,
        created_at=row.created_at,
    )
