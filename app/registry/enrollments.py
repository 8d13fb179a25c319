"""Enrolment: a subject's walks become known, all at once or not at all.

One transaction raises the gallery's revision, makes what is missing (gallery, subject), writes
walks and templates, and completes the job under its lease. An attempt that lost its lease, or a
power cut at any point, leaves nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select, update

from app.registry import leases
from app.registry.activations import Serving, require_unchanged
from app.registry.columns import new_id
from app.registry.database import Database
from app.registry.galleries import ensure_gallery
from app.registry.leases import Completion, LeaseLost
from app.registry.revision import Raised, raise_revision
from app.registry.tables import galleries, jobs, subjects, templates, walk_refusals, walks


@dataclass(frozen=True, slots=True)
class NewWalk:
    """One walk, ready to be enrolled.

    Attributes:
        gei_png: its gait energy image, as PNG bytes.
        quality: of the recording, as JSON.
        source: what was sent, in the words of capture.
        vector_d: (D,) float32, length 1: the checkpoint's embedding of the image.
        direction: of walking, as the camera saw it; None where it cannot be told.
        other_vectors_d: (D,) likewise, by the id of each checkpoint that is being made ready.
        refusals: why one of those cannot embed it, by the checkpoint's id.
        id: UUID; callers see it.
    """

    gei_png: bytes
    quality: dict[str, object]
    source: str
    vector_d: NDArray[np.float32]
    direction: str | None = None
    other_vectors_d: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Enrollment:
    """What an enrolment adds to the subject that its job names.

    Attributes:
        name: of the person; None keeps the one that is known.
        metadata: keys to set; the others stay.
        checkpoint_id: the checkpoint that made the vectors.
        walks: at least one.
        serving: what the walks were embedded by, which must still be so when they are written;
            None where the caller answers for it (an import says what lacks).
    """

    name: str | None
    metadata: dict[str, object]
    checkpoint_id: str
    walks: tuple[NewWalk, ...]
    serving: Serving | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What an enrolment did.

    Attributes:
        gallery: name of the gallery.
        subject: the caller's id.
        name: of the person, as it is known now.
        created: True when the subject was not known before.
        walks: ids of the new walks, in their order.
        revision: of the gallery, from which on searches find them.
    """

    gallery: str
    subject: str
    name: str | None
    created: bool
    walks: tuple[str, ...]
    revision: int


class Enrollments:
    """Recording enrolments.

    Args:
        database: where they go.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self,
        job_id: str,
        attempt: int,
        enrollment: Enrollment,
        result_of: Callable[[Enrolled], dict[str, object]],
        *,
        mentions: Sequence[str] = (),
    ) -> Enrolled:
        """Enrols walks and completes their job, in one transaction.

        Gallery and subject are those of the job's row. When this returns, every search that
        starts, in any process, finds the walks.

        Args:
            job_id: the job.
            attempt: the number it was claimed under.
            enrollment: what to add.
            result_of: makes the job's stored answer from what was done; must not touch the
                database.
            mentions: ids of other subjects that the answer names (possible duplicates).

        Raises:
            LeaseLost: this attempt does not hold the job any more; nothing was written.
            SubjectErased: a mentioned subject was erased meanwhile; nothing was written.
            ServingChanged: another checkpoint serves or is being made ready; nothing was written.
        """
        now = self._database.now()
        completion = Completion(job_id, attempt, now)
        with self._database.write() as connection:
            raised = _raise_for_job(connection, job_id, now)
            if enrollment.serving is not None:
                require_unchanged(connection, enrollment.serving)
            leases.mention(connection, completion, mentions)
            subject = connection.execute(
                select(jobs.c.subject).where(jobs.c.id == job_id, jobs.c.gallery == raised.gallery)
            ).scalar_one_or_none()
            if subject is None:
                raise LeaseLost(job_id)
            subject_id, name, created = _put_subject(connection, raised, subject, enrollment, now)
            _add_walks(connection, raised, subject_id, job_id, enrollment, now)
            enrolled = Enrolled(
                gallery=raised.gallery,
                subject=subject,
                name=name,
                created=created,
                walks=tuple(walk.id for walk in enrollment.walks),
                revision=raised.revision,
            )
            leases.succeed(connection, completion, result_of(enrolled), {})
        return enrolled


def _raise_for_job(connection: Connection, job_id: str, now: datetime) -> Raised:
    wanted = select(jobs.c.gallery).where(jobs.c.id == job_id)
    raised = raise_revision(connection, galleries.c.name == wanted.scalar_subquery())
    if raised is not None:
        return raised
    name = connection.execute(wanted).scalar_one_or_none()
    if name is None:  # the job was erased
        raise LeaseLost(job_id)
    ensure_gallery(connection, name, now)
    raised = raise_revision(connection, galleries.c.name == name)
    if raised is None:  # the new gallery, and the job with it, were deleted at once
        raise LeaseLost(job_id)
    return raised


def _put_subject(
    connection: Connection, raised: Raised, subject: str, enrollment: Enrollment, now: datetime
) -> tuple[int, str | None, bool]:
    """Adds the subject or brings it up to date; returns its number, name and whether it is new."""
    known = connection.execute(
        select(subjects.c.id, subjects.c.name, subjects.c.metadata)
        .where(subjects.c.gallery_id == raised.gallery_id, subjects.c.external_id == subject)
        .with_for_update()
    ).one_or_none()
    if known is None:
        added = connection.execute(
            insert(subjects)
            .values(
                gallery_id=raised.gallery_id,
                external_id=subject,
                name=enrollment.name,
                metadata=enrollment.metadata,
                created_at=now,
                updated_at=now,
            )
            .returning(subjects.c.id)
        ).scalar_one()
        return added, enrollment.name, True
    name = known.name if enrollment.name is None else enrollment.name
    connection.execute(
        update(subjects)
        .where(subjects.c.id == known.id)
        .values(name=name, metadata=known.metadata | enrollment.metadata, updated_at=now)
    )
    return known.id, name, False


def _add_walks(
    connection: Connection,
    raised: Raised,
    subject_id: int,
    job_id: str,
    enrollment: Enrollment,
    now: datetime,
) -> None:
    connection.execute(
        insert(walks),
        [
            {
                "id": walk.id,
                "subject_id": subject_id,
                "job_id": job_id,
                "created_at": now,
                "gei": walk.gei_png,
                "quality": walk.quality,
                "source": walk.source,
                "direction": walk.direction,
            }
            for walk in enrollment.walks
        ],
    )
    made = [
        (walk.id, checkpoint_id, vector_d)
        for walk in enrollment.walks
        for checkpoint_id, vector_d in (
            (enrollment.checkpoint_id, walk.vector_d),
            *walk.other_vectors_d.items(),
        )
    ]
    connection.execute(
        insert(templates),
        [
            {
                "walk_id": walk_id,
                "gallery_id": raised.gallery_id,
                "subject_id": subject_id,
                "checkpoint_id": checkpoint_id,
                "vector": vector_d.astype("<f4").tobytes(),
                "revision": raised.revision,
            }
            for walk_id, checkpoint_id, vector_d in made
        ],
    )
    refused = [
        {"walk_id": walk.id, "checkpoint_id": checkpoint_id, "reason": reason}
        for walk in enrollment.walks
        for checkpoint_id, reason in walk.refusals.items()
    ]
    if refused:
        connection.execute(insert(walk_refusals), refused)
