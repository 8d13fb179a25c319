"""Merging subjects, and taking it back: the survivor gets the walks, the other one's id is free.

The surviving subject keeps its own name and metadata. What the other one was is kept with the merge
until its time is up, so that undoing it restores exactly that.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, true, update

from app.errors import InvalidField, SubjectExists, UnknownMerge
from app.registry.absorbed import Absorbed
from app.registry.audit import note
from app.registry.columns import new_id
from app.registry.database import Database, note_erasure
from app.registry.handover import hand_over_templates, mention_in, names, redirect_waiting
from app.registry.job import IdempotencyKey
from app.registry.kept_answers import once
from app.registry.locking import lock_subjects, write_until_unchanged
from app.registry.merge import Merge, find_merge, merges_into
from app.registry.revision import Raised
from app.registry.sealing import Vault, drop_unused_keys, reseal
from app.registry.subjects import Subject, find_subject, is_taken, subject_by_id
from app.registry.tables import data_keys, galleries, merges, subjects, templates, walks


class Merges:
    """What can be done with merges; every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def merge(
        self,
        subject: str,
        into: str,
        *,
        undo_within: timedelta,
        gallery: str | None = None,
        into_gallery: str | None = None,
        idempotency: IdempotencyKey | None = None,
    ) -> tuple[Merge, bool]:
        """Gives all walks of a subject to another one; the first one is no more.

        A search that starts after this returns finds only the survivor. Jobs that named the other
        one count as naming the survivor; those that wait go on with the survivor.

        Args:
            subject: the caller's id of the one that is absorbed.
            into: the caller's id of the one that survives.
            undo_within: how long the merge can be undone.
            gallery: of `subject`; None for everywhere.
            into_gallery: of `into`; None for the gallery of `subject`.
            idempotency: the caller's key, if there is one.

        Returns:
            The merge, and True when it was made earlier under the same key.

        Raises:
            InvalidField: the two are one subject already.
            UnknownGallery, UnknownSubject, AmbiguousSubject: as for `Subjects.get`.
            UnknownMerge: it was made earlier under this key, and then undone or became final.
            IdempotencyKeyReused: the key was used for another call.
        """
        now = self._database.now()

        def act(connection: Connection) -> tuple[Merge, bool]:
            def make() -> dict[str, object]:
                absorbed = find_subject(connection, subject, gallery)
                survivor = find_subject(connection, into, into_gallery or absorbed.gallery)
                if absorbed.id == survivor.id:
                    raise InvalidField("into", "A subject cannot be merged into itself.")
                until = now + undo_within
                vault = self._database.vault
                return {"merge": _merge(connection, vault, absorbed, survivor, now, until)}

            answer, replayed = once(connection, idempotency, now, make)
            return _require(connection, str(answer["merge"]), now), replayed

        return write_until_unchanged(self._database, act)

    def get(self, merge_id: str) -> Merge:
        """One merge that can still be undone.

        Raises:
            UnknownMerge: there is none.
        """
        with self._database.read() as connection:
            return _require(connection, merge_id, self._database.now())

    def home_of(self, merge: Merge) -> str:
        """Where the absorbed subject would come back: its old gallery, or that of the survivor."""
        home = self._database.ask(
            select(galleries.c.name).where(galleries.c.id == merge.absorbed.gallery_id)
        )
        return str(home[0].name) if home else merge.gallery

    def list(self, subject: str, *, gallery: str | None = None) -> tuple[Merge, ...]:
        """The merges into a subject that can still be undone, oldest first.

        Raises:
            UnknownGallery, UnknownSubject, AmbiguousSubject: as for `Subjects.get`.
        """
        with self._database.read() as connection:
            found = find_subject(connection, subject, gallery)
            return merges_into(connection, found.id, self._database.now())

    def undo(
        self, merge_id: str, *, idempotency: IdempotencyKey | None = None
    ) -> tuple[Subject, bool]:
        """Brings a merged subject back, in its gallery, with the walks it brought along.

        Walks that were erased since stay erased; walks that were enrolled since stay with the
        survivor. Where the gallery is gone, the subject comes back in that of the survivor.

        Args:
            merge_id: of the merge.
            idempotency: the caller's key, if there is one.

        Returns:
            The subject, and True when it was brought back earlier under the same key.

        Raises:
            UnknownMerge: there is none, or its time is up.
            SubjectExists: another subject has taken the id since.
            UnknownSubject: it was brought back earlier under this key, and erased since.
            IdempotencyKeyReused: the key was used for another call.
        """
        now = self._database.now()

        def act(connection: Connection) -> tuple[Subject, bool]:
            answer, replayed = once(
                connection,
                idempotency,
                now,
                lambda: {"subject": _undo(connection, self._database.vault, merge_id, now)},
            )
            return subject_by_id(connection, int(str(answer["subject"]))), replayed

        return write_until_unchanged(self._database, act)

    def purge_expired(self) -> int:
        """Forgets what absorbed subjects were, where their merge can no longer be undone.

        Returns:
            How many merges became final.
        """
        with self._database.write() as connection:
            purged = connection.execute(
                delete(merges).where(merges.c.undo_until <= self._database.now())
            ).rowcount
            if purged:
                note_erasure(connection)
                note(connection, "merges.final", merges=purged)
        return purged


def _require(connection: Connection, merge_id: str, now: datetime) -> Merge:
    found = find_merge(connection, merge_id, now)
    if found is None:
        raise UnknownMerge(merge_id)
    return found


def _merge(
    connection: Connection,
    vault: Vault,
    absorbed: Subject,
    survivor: Subject,
    now: datetime,
    until: datetime,
) -> str:
    # What was read of the two so far may be outdated; under the locks it is read again.
    raised = lock_subjects(
        connection, {absorbed.id: absorbed.gallery_id, survivor.id: survivor.gallery_id}
    )
    absorbed = subject_by_id(connection, absorbed.id)
    left, joined = raised[absorbed.gallery_id], raised[survivor.gallery_id]
    mention_in(connection, names(left.gallery, absorbed.subject, absorbed.id), survivor.id)
    redirect_waiting(
        connection,
        of=(left.gallery, absorbed.subject),
        to=(joined.gallery, survivor.subject),
    )
    hand_over_templates(connection, vault, true(), of=(left, absorbed.id), to=(joined, survivor.id))
    kept = Absorbed(
        gallery_id=absorbed.gallery_id,
        name=absorbed.name,
        metadata=absorbed.metadata,
        created_at=absorbed.created_at,
        walks=_ids(connection, walks.c.id, walks.c.subject_id == absorbed.id),
        merges=_ids(connection, merges.c.id, merges.c.subject_id == absorbed.id),
    )
    for table in (walks, merges, data_keys):
        connection.execute(
            update(table).where(table.c.subject_id == absorbed.id).values(subject_id=survivor.id)
        )
    connection.execute(delete(subjects).where(subjects.c.id == absorbed.id))
    connection.execute(update(subjects).where(subjects.c.id == survivor.id).values(updated_at=now))
    merge_id = new_id()
    connection.execute(
        insert(merges),
        {
            "id": merge_id,
            "subject_id": survivor.id,
            "external_id": absorbed.subject,
            "absorbed": kept.to_json(),
            "created_at": now,
            "undo_until": until,
        },
    )
    note(
        connection,
        "subject.merged",
        gallery=left.gallery_id,
        subject=absorbed.id,
        into_gallery=joined.gallery_id,
        into=survivor.id,
    )
    return merge_id


def _undo(connection: Connection, vault: Vault, merge_id: str, now: datetime) -> int:
    merge = _require(connection, merge_id, now)
    home = connection.execute(
        select(galleries.c.id).where(galleries.c.id == merge.absorbed.gallery_id)
    ).scalar_one_or_none()
    if home is None:
        merge = replace(merge, absorbed=replace(merge.absorbed, gallery_id=merge.gallery_id))
    home_id = merge.absorbed.gallery_id
    raised = lock_subjects(connection, {merge.subject_id: merge.gallery_id}, home_id)
    # Under the locks: which walks are left, and whether it can still be undone.
    absorbed = _require(connection, merge_id, now).absorbed
    left, joined = raised[merge.gallery_id], raised[home_id]
    if is_taken(connection, home_id, merge.absorbed_subject):
        raise SubjectExists(merge.absorbed_subject, joined.gallery)
    restored_id = _bring_back(connection, merge.absorbed_subject, joined, absorbed, now)
    # Their answers may name the survivor for a walk that is now the other's again.
    mention_in(connection, names(left.gallery, merge.subject, merge.subject_id), restored_id)
    hand_over_templates(
        connection,
        vault,
        templates.c.walk_id.in_(absorbed.walks),
        of=(left, merge.subject_id),
        to=(joined, restored_id),
    )
    for table, ids in ((walks, absorbed.walks), (merges, absorbed.merges)):
        connection.execute(
            update(table)
            .where(table.c.id.in_(ids), table.c.subject_id == merge.subject_id)
            .values(subject_id=restored_id)
        )
    # Who is erased later takes their keys along, and nothing of the other one may need these.
    reseal(connection, vault, [restored_id])
    if drop_unused_keys(connection, merge.subject_id):
        note_erasure(connection)
    connection.execute(delete(merges).where(merges.c.id == merge_id))
    connection.execute(
        update(subjects).where(subjects.c.id == merge.subject_id).values(updated_at=now)
    )
    note(
        connection,
        "merge.undone",
        gallery=joined.gallery_id,
        subject=restored_id,
        out_of=merge.subject_id,
    )
    return restored_id


def _bring_back(
    connection: Connection, subject: str, home: Raised, absorbed: Absorbed, now: datetime
) -> int:
    restored_id: int = connection.execute(
        insert(subjects)
        .values(
            gallery_id=home.gallery_id,
            external_id=subject,
            name=absorbed.name,
            metadata=absorbed.metadata,
            created_at=absorbed.created_at,
            updated_at=now,
        )
        .returning(subjects.c.id)
    ).scalar_one()
    return restored_id


def _ids(
    connection: Connection, column: ColumnElement[str], which: ColumnElement[bool]
) -> tuple[str, ...]:
    return tuple(connection.execute(select(column).where(which).order_by(column)).scalars())
