"""Encryption of a whole database: how far it is, applying it in place, and new master keys.

Both run batch by batch beside a service that has the same keys, and may be killed at any point:
what is left to do is read from the rows themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import sleep

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    exists,
    func,
    select,
    update,
)

from app.registry.audit import note
from app.registry.database import Database, note_erasure
from app.registry.rotation.stored import rotation_place
from app.registry.sealing.checking import masters_in_use
from app.registry.sealing.data_keys import bound_to
from app.registry.sealing.master_keys import MasterKeys, MasterKeyUnusable, Wrapped
from app.registry.sealing.resealing import reseal
from app.registry.sealing.vault import StoredOfJob, Vault
from app.registry.tables import (
    data_keys,
    galleries,
    job_explanations,
    job_geis,
    subjects,
    templates,
    walks,
)

_RETRY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class EncryptionStatus:
    """How far the encryption of a database is.

    Attributes:
        current: fingerprint of the master key that encrypts; None where none is set.
        data_keys: how many there are, by the fingerprint of the master key that wraps them.
        walks: encrypted ones.
        walks_plain: those that are not.
        templates: encrypted ones.
        templates_plain: those that are not.
    """

    current: str | None
    data_keys: dict[str, int]
    walks: int
    walks_plain: int
    templates: int
    templates_plain: int


class Encryption:
    """What an operator does with it.

    Args:
        database: opened with the master keys.

    Attributes:
        subjects_at_once: in one transaction of `apply`: enrolments wait for so long, some ten
            milliseconds.
        keys_at_once: in one transaction of `rotate`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.subjects_at_once = 50
        self.keys_at_once = 1000

    def status(self) -> EncryptionStatus:
        """Counts everything: takes seconds where there are millions of walks."""
        keys = self._database.vault.keys
        with self._database.read() as connection:
            wrapped = connection.execute(
                select(data_keys.c.master, func.count()).group_by(data_keys.c.master)
            ).all()
            counts = [
                connection.execute(
                    select(func.count(each.c.data_key_id), func.count()).select_from(each)
                ).one()
                for each in (walks, templates)
            ]
        (walks_sealed, walks_all), (templates_sealed, templates_all) = counts
        return EncryptionStatus(
            current=None if keys is None else keys.current.fingerprint,
            data_keys={row[0]: row[1] for row in wrapped},
            walks=walks_sealed,
            walks_plain=walks_all - walks_sealed,
            templates=templates_sealed,
            templates_plain=templates_all - templates_sealed,
        )

    def apply(self) -> Iterator[int]:
        """Encrypts what is plain. On SQLite `Registry.scrub` has to follow: copies are left.

        Yields:
            How many subjects' walks a transaction encrypted.

        Raises:
            MasterKeyUnusable: none is set.
        """
        self._require_keys()
        people, walk_count, template_count = 0, 0, 0
        for found in self._plain_subjects():
            with self._database.write() as connection:
                done = reseal(connection, self._database.vault, _locked(connection, found))
                note_erasure(connection)
            people += len(found)
            walk_count += done.walks
            template_count += done.templates
            yield len(found)
        with self._database.write() as connection:
            _reseal_job_geis(connection, self._database.vault, job_geis.c.master.is_(None))
            _reseal_explanations(
                connection, self._database.vault, job_explanations.c.master.is_(None)
            )
            note_erasure(connection)
            note(
                connection,
                "encryption.applied",
                subjects=people,
                walks=walk_count,
                templates=template_count,
            )
        self._database.forget_deleted_pages()

    def rotate(self) -> Iterator[int]:
        """Wraps everything under the current master key that an old one wraps.

        Yields:
            How many data keys a transaction wrapped anew.

        Raises:
            MasterKeyUnusable: none is set.
            MasterKeyMissing: an old one is not set.
        """
        keys = self._require_keys()
        total = 0
        while True:
            with self._database.write() as connection:
                count = _rewrap_data_keys(connection, keys, self.keys_at_once)
                note_erasure(connection)
            total += count
            if count:
                yield count
            elif self._data_keys_are_left(keys):
                sleep(_RETRY_SECONDS)  # somebody is just being erased
            else:
                break
        old = job_geis.c.master != keys.current.fingerprint
        old_too = job_explanations.c.master != keys.current.fingerprint
        with self._database.write() as connection:
            _rewrap_rotations(connection, keys)
            _reseal_job_geis(connection, self._database.vault, old)
            _reseal_explanations(connection, self._database.vault, old_too)
            note_erasure(connection)
            note(connection, "encryption.rotated", keys=total, master=keys.current.fingerprint)
        self._database.forget_deleted_pages()

    def masters_in_use(self) -> tuple[str, ...]:
        """Fingerprints of the master keys that something needs; others may be forgotten."""
        with self._database.read() as connection:
            return masters_in_use(connection)

    def _require_keys(self) -> MasterKeys:
        keys = self._database.vault.keys
        if keys is None:
            raise MasterKeyUnusable(
                "No master key is set: name one by WALKPRINT_MASTER_KEY_FILE."
                " `walkprint encryption new-key` makes one."
            )
        return keys

    def _plain_subjects(self) -> Iterator[list[int]]:
        """Numbers of the subjects of whom something is plain, some at a time."""
        after = 0
        while True:
            with self._database.read() as connection:
                page = list(
                    connection.execute(
                        select(subjects.c.id)
                        .where(subjects.c.id > after)
                        .order_by(subjects.c.id)
                        .limit(self.subjects_at_once)
                    ).scalars()
                )
                # Plain look-ups: for an EXISTS PostgreSQL would read the whole table each time.
                plain = {
                    subject_id
                    for each in (walks, templates)
                    for subject_id in connection.execute(
                        select(each.c.subject_id)
                        .where(each.c.subject_id.in_(page), each.c.data_key_id.is_(None))
                        .distinct()
                    ).scalars()
                }
            if not page:
                return
            after = page[-1]
            if plain:
                yield sorted(plain)

    def _data_keys_are_left(self, keys: MasterKeys) -> bool:
        with self._database.read() as connection:
            return any(
                connection.execute(
                    select(exists().where(data_keys.c.master == fingerprint))
                ).scalar_one()
                for fingerprint in masters_in_use(connection)
                if fingerprint != keys.current.fingerprint
            )


def _locked(connection: Connection, subject_ids: list[int]) -> list[int]:
    """Locks subjects, in the order of their numbers as everywhere; those that still exist."""
    return list(
        connection.execute(
            select(subjects.c.id)
            .where(subjects.c.id.in_(subject_ids))
            .order_by(subjects.c.id)
            .with_for_update()
        ).scalars()
    )


def _rewrap_data_keys(connection: Connection, keys: MasterKeys, most: int) -> int:
    old = [each for each in masters_in_use(connection) if each != keys.current.fingerprint]
    rows = connection.execute(
        select(data_keys.c.id, data_keys.c.wrapped, data_keys.c.master)
        .where(data_keys.c.master.in_(old))
        .limit(most)
        # PostgreSQL: whoever erases these waits for this transaction, never it for them.
        .with_for_update(skip_locked=True)
    ).all()
    anew = [
        (row.id, keys.wrap(keys.unwrap(Wrapped(row.wrapped, row.master), place), place))
        for row in rows
        for place in [bound_to(row.id)]
    ]
    if anew:
        connection.execute(
            update(data_keys)
            .where(data_keys.c.id == bindparam("key_id"))
            .values(wrapped=bindparam("data"), master=bindparam("by")),
            [{"key_id": key_id, "data": each.data, "by": each.master} for key_id, each in anew],
        )
    return len(anew)


def _rewrap_rotations(connection: Connection, keys: MasterKeys) -> None:
    """The secrets of protected galleries."""
    rows = connection.execute(
        select(galleries.c.id, galleries.c.rotation, galleries.c.rotation_master)
        .where(galleries.c.rotation_master != keys.current.fingerprint)
        .order_by(galleries.c.id)
        .with_for_update()
    ).all()
    for row in rows:
        place = rotation_place(row.id)
        wrapped = keys.wrap(keys.unwrap(Wrapped(row.rotation, row.rotation_master), place), place)
        connection.execute(
            update(galleries)
            .where(galleries.c.id == row.id)
            .values(rotation=wrapped.data, rotation_master=wrapped.master)
        )


def _reseal_job_geis(connection: Connection, vault: Vault, which: ColumnElement[bool]) -> None:
    """The images of answers, which are kept for a day."""
    rows = connection.execute(select(job_geis).where(which).with_for_update(skip_locked=True)).all()
    for row in rows:
        stored = StoredOfJob(row.gei, row.master)
        anew = vault.sealed_job_gei(
            row.job_id, row.walker, vault.opened_job_gei(row.job_id, row.walker, stored)
        )
        connection.execute(
            update(job_geis)
            .where(job_geis.c.job_id == row.job_id, job_geis.c.walker == row.walker)
            .values(gei=anew.data, master=anew.master)
        )


def _reseal_explanations(connection: Connection, vault: Vault, which: ColumnElement[bool]) -> None:
    """What answers rest on, likewise."""
    rows = connection.execute(
        select(job_explanations).where(which).with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        stored = StoredOfJob(row.explanation, row.master)
        anew = vault.sealed_explanation(
            row.job_id, row.walker, vault.opened_explanation(row.job_id, row.walker, stored)
        )
        connection.execute(
            update(job_explanations)
            .where(job_explanations.c.job_id == row.job_id, job_explanations.c.walker == row.walker)
            .values(explanation=anew.data, master=anew.master)
        )
