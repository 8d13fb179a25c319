"""Moving a subject to another gallery, with everything that is known of them."""

from __future__ import annotations

from sqlalchemy import Connection, true, update

from app.errors import SubjectExists
from app.registry.audit import note
from app.registry.database import Database
from app.registry.handover import hand_over_templates, mention_in, names, redirect_waiting
from app.registry.job import IdempotencyKey
from app.registry.kept_answers import once
from app.registry.locking import lock_subjects, write_until_unchanged
from app.registry.subjects import (
    Subject,
    find_subject,
    gallery_id_of,
    is_taken,
    subject_by_id,
)
from app.registry.tables import subjects


class Transfers:
    """Moves; every call is one transaction.

    Args:
        database: where the subjects are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def move(
        self,
        subject: str,
        to_gallery: str,
        *,
        gallery: str | None = None,
        idempotency: IdempotencyKey | None = None,
    ) -> tuple[Subject, bool]:
        """Moves a subject to another gallery.

        A search that starts after this returns finds the subject there and nowhere else. Jobs about
        the subject that wait go on in the new gallery.

        Args:
            subject: the caller's id.
            to_gallery: where to.
            gallery: where the subject is; None for everywhere.
            idempotency: the caller's key, if there is one.

        Returns:
            The subject as it is now, and True when it was moved earlier under the same key.

        Raises:
            UnknownGallery, UnknownSubject, AmbiguousSubject: as for `Subjects.get`; and there is
                no gallery `to_gallery`.
            SubjectExists: the id is taken there.
            IdempotencyKeyReused: the key was used for another call.
        """

        def act(connection: Connection) -> tuple[Subject, bool]:
            def move_once() -> dict[str, object]:
                found = find_subject(connection, subject, gallery)
                self._move(connection, found, gallery_id_of(connection, to_gallery))
                return {"subject": found.id}

            answer, replayed = once(connection, idempotency, self._database.now(), move_once)
            return subject_by_id(connection, int(str(answer["subject"]))), replayed

        return write_until_unchanged(self._database, act)

    def _move(self, connection: Connection, found: Subject, joined_id: int) -> None:
        if found.gallery_id == joined_id:
            return
        raised = lock_subjects(connection, {found.id: found.gallery_id}, joined_id)
        left, joined = raised[found.gallery_id], raised[joined_id]
        if is_taken(connection, joined_id, found.subject):
            raise SubjectExists(found.subject, joined.gallery)
        # Ended jobs stay with the gallery they searched; their mention follows the subject.
        mention_in(connection, names(left.gallery, found.subject, found.id), found.id)
        redirect_waiting(
            connection, of=(left.gallery, found.subject), to=(joined.gallery, found.subject)
        )
        hand_over_templates(
            connection,
            self._database.vault,
            true(),
            of=(left, found.id),
            to=(joined, found.id),
        )
        connection.execute(
            update(subjects)
            .where(subjects.c.id == found.id)
            .values(gallery_id=joined_id, updated_at=self._database.now())
        )
        note(
            connection,
            "subject.moved",
            gallery=left.gallery_id,
            subject=found.id,
            to_gallery=joined_id,
        )
