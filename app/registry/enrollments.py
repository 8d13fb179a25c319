"""Enrolment: a subject's walks become known, all at once or not at all.

One transaction raises the gallery's revision, makes what is missing (gallery, subject), writes
walks and templates, and completes the job under its lease. An attempt that lost its lease, or a
power cut at any point, leaves nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from app.registry import leases
from app.registry.activations import require_unchanged
from app.registry.audit import note
from app.registry.database import Database
from app.registry.enrollment import Enrolled, Enrollment
from app.registry.erasure import erase_walks
from app.registry.galleries import ensure_gallery
from app.registry.leases import Completion, LeaseLost
from app.registry.locking import ChangedMeanwhile, write_until_unchanged
from app.registry.revision import Raised, raise_revision
from app.registry.rotation import Rotation
from app.registry.sealing import Sealing, Vault
from app.registry.tables import galleries, jobs, subjects, templates, walk_refusals, walks
from app.registry.walk_limit import surplus_of


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
        starts, in any process, finds the walks. Where the gallery limits how many walks of a
        subject it keeps, those that are too many are not stored, or are erased.

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

        def act(connection: Connection) -> Enrolled:
            raised = _raise_for_job(connection, job_id, now)
            if enrollment.serving is not None:
                require_unchanged(connection, enrollment.serving)
            leases.mention(connection, completion, mentions)
            subject = _subject_of_job(connection, job_id, raised)
            enrolled = _enroll(
                connection, self._database.vault, raised, subject, job_id, enrollment, now
            )
            leases.succeed(connection, completion, result_of(enrolled))
            return enrolled

        enrolled = write_until_unchanged(self._database, act)
        if enrolled.replaced:
            self._database.forget_deleted_pages()
        return enrolled


def _subject_of_job(connection: Connection, job_id: str, raised: Raised) -> str:
    job = connection.execute(
        select(jobs.c.subject, jobs.c.gallery).where(jobs.c.id == job_id)
    ).one_or_none()
    if job is None:
        raise LeaseLost(job_id)
    if job.gallery != raised.gallery:  # the subject moved, and the job with it
        raise ChangedMeanwhile
    return str(job.subject)


def _enroll(
    connection: Connection,
    vault: Vault,
    raised: Raised,
    subject: str,
    job_id: str,
    enrollment: Enrollment,
    now: datetime,
) -> Enrolled:
    subject_id, name, created = _put_subject(connection, raised, subject, enrollment, now)
    surplus = surplus_of(connection, vault, raised, subject_id, enrollment, now)
    stored = tuple(walk for walk in enrollment.walks if walk.id not in surplus)
    replaced = tuple(sorted(surplus.difference(walk.id for walk in enrollment.walks)))
    if replaced:
        erase_walks(connection, raised, subject_id, replaced)
    if stored:
        sealing = vault.sealing(connection, [subject_id])
        to_store = replace(enrollment, walks=stored)
        rotation = raised.rotation.opened(vault)
        _add_walks(connection, sealing, rotation, raised, subject_id, job_id, to_store, now)
    note(
        connection,
        "subject.enrolled",
        gallery=raised.gallery_id,
        subject=subject_id,
        created=created,
        walks=len(stored),
        replaced=len(replaced),
    )
    return Enrolled(
        gallery=raised.gallery,
        subject=subject,
        name=name,
        created=created,
        walks=tuple(walk.id for walk in stored),
        revision=raised.revision,
        replaced=replaced,
    )


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
    sealing: Sealing,
    rotation: Rotation,
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
                "gei": gei.data,
                "data_key_id": gei.data_key_id,
                "quality": walk.quality,
                "source": walk.source,
                "direction": walk.direction,
            }
            for walk in enrollment.walks
            for gei in [sealing.gei(subject_id, walk.id, walk.gei_png)]
        ],
    )
    made = [
        (walk.id, checkpoint_id, rotation.turned(vector_d))
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
                "vector": vector.data,
                "data_key_id": vector.data_key_id,
                "revision": raised.revision,
            }
            for walk_id, checkpoint_id, vector_d in made
            for vector in [sealing.vector(subject_id, walk_id, checkpoint_id, vector_d)]
        ],
    )
    refused = [
        {"walk_id": walk.id, "checkpoint_id": checkpoint_id, "reason": reason}
        for walk in enrollment.walks
        for checkpoint_id, reason in walk.refusals.items()
    ]
    if refused:
        connection.execute(insert(walk_refusals), refused)
