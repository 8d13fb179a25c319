"""Galleries: named sets of subjects that are searched together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app import failpoints
from app.errors import GalleryExists, GalleryNotEmpty, UnknownGallery
from app.registry.asked_erasures import (
    ask_for_gallery,
    erase_asked_gallery,
    finished,
    remove_gallery,
)
from app.registry.audit import note
from app.registry.columns import AnyRow
from app.registry.database import Database, insert_unless_there
from app.registry.erasure import Erasure
from app.registry.fields import clean_gallery
from app.registry.gallery_rules import GalleryRules, RuleName, clean_rules
from app.registry.job import IdempotencyKey
from app.registry.revision import raise_revision
from app.registry.tables import galleries, idempotency_keys, jobs, subjects

_COLUMNS = select(
    galleries.c.id,
    galleries.c.name,
    galleries.c.revision,
    galleries.c.created_at,
    select(func.count())
    .where(subjects.c.gallery_id == galleries.c.id)
    .scalar_subquery()
    .label("subjects"),
    galleries.c.walks_per_subject,
    galleries.c.keep_walks_days,
    galleries.c.keep_subjects_days,
    galleries.c.rotation.is_not(None).label("is_protected"),
)
_BY_NAME = _COLUMNS.where(galleries.c.name == bindparam("name"))


@dataclass(frozen=True, slots=True)
class Gallery:
    """One gallery.

    Attributes:
        id: number that is never used again, even when the gallery is deleted.
        name: what callers call it.
        revision: how many changes to templates it has seen.
        subjects: how many are enrolled in it.
        created_at: in UTC.
        rules: how much is kept, and for how long.
        is_protected: whether templates are stored under a secret rotation.
    """

    id: int
    name: str
    revision: int
    subjects: int
    created_at: datetime
    rules: GalleryRules
    is_protected: bool


class Galleries:
    """What can be done with galleries; every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Gallery:
        """One gallery by its name.

        Raises:
            UnknownGallery: there is none.
        """
        with self._database.read() as connection:
            return gallery_by_name(connection, name)

    def list(self) -> tuple[Gallery, ...]:
        """All galleries, by name."""
        rows = self._database.ask(_COLUMNS.order_by(galleries.c.name))
        return tuple(_gallery(row) for row in rows)

    def create(self, name: str) -> Gallery:
        """Makes an empty gallery.

        Raises:
            InvalidField: not a gallery name.
            GalleryExists: the name is taken.
        """
        return self.create_once(name, None)[0]

    def create_once(self, name: str, idempotency: IdempotencyKey | None) -> tuple[Gallery, bool]:
        """Makes an empty gallery, once for each key.

        Args:
            name: of the gallery.
            idempotency: the caller's key, if there is one.

        Returns:
            The gallery, and False when it was made earlier under the same key.

        Raises:
            InvalidField: not a gallery name.
            GalleryExists: the name is taken.
            IdempotencyKeyReused: the key was used for a call with another fingerprint.
        """
        name = clean_gallery(name)
        now = self._database.now()
        try:
            with self._database.write() as connection:
                connection.execute(insert(galleries), _row(name, now))
                made = gallery_by_name(connection, name)
                note(connection, "gallery.created", gallery=made.id)
                if idempotency is not None:
                    connection.execute(
                        insert(idempotency_keys),
                        {
                            "key": idempotency.key_hash,
                            "fingerprint": idempotency.fingerprint,
                            "gallery_id": made.id,
                            "created_at": now,
                        },
                    )
                return made, True
        except IntegrityError as error:
            # Either the name or the key is taken.
            earlier = self._of_key(idempotency)
            if earlier is None:
                raise GalleryExists(name) from error
            return earlier, False

    def _of_key(self, idempotency: IdempotencyKey | None) -> Gallery | None:
        if idempotency is None:
            return None
        with self._database.read() as connection:
            row = connection.execute(
                _COLUMNS.add_columns(idempotency_keys.c.fingerprint)
                .join(idempotency_keys, idempotency_keys.c.gallery_id == galleries.c.id)
                .where(idempotency_keys.c.key == idempotency.key_hash)
            ).one_or_none()
        if row is None:
            return None
        idempotency.require_same_call(row.fingerprint)
        return _gallery(row)

    def ensure(self, name: str) -> Gallery:
        """The gallery of this name, made when there is none.

        Raises:
            InvalidField: not a gallery name.
        """
        name = clean_gallery(name)
        with self._database.write() as connection:
            ensure_gallery(connection, name, self._database.now())
            return gallery_by_name(connection, name)

    def change(
        self,
        name: str,
        *,
        new_name: str | None = None,
        rules: Mapping[RuleName, int | None] | None = None,
    ) -> Gallery:
        """Gives a gallery another name or other rules; its jobs that still wait follow it.

        A new limit of walks is applied to each subject at their next enrolment.

        Args:
            name: of the gallery.
            new_name: None keeps the present one.
            rules: those that change; None as a value lifts a rule.

        Raises:
            InvalidField: not a gallery name, or a rule out of range.
            UnknownGallery: there is none called `name`.
            GalleryExists: `new_name` is taken.
        """
        renamed = name if new_name is None else clean_gallery(new_name)
        values: dict[str, Any] = {"name": renamed, **clean_rules(rules or {})}
        try:
            with self._database.write() as connection:
                changed = connection.execute(
                    update(galleries).where(galleries.c.name == name).values(values)
                )
                if changed.rowcount == 0:
                    raise UnknownGallery(name)
                if renamed != name:
                    connection.execute(
                        update(jobs).where(jobs.c.gallery == name).values(gallery=renamed)
                    )
                found = gallery_by_name(connection, renamed)
                note(
                    connection,
                    "gallery.changed",
                    gallery=found.id,
                    renamed=renamed != name,
                    rules={str(rule): days for rule, days in (rules or {}).items()},
                )
                return found
        except IntegrityError as error:
            raise GalleryExists(renamed) from error

    def delete(self, name: str, *, force: bool = False) -> Erasure:
        """Deletes a gallery, with everything that is known of its subjects.

        Args:
            name: of the gallery.
            force: delete it even though subjects are enrolled in it.

        Raises:
            UnknownGallery: there is none.
            GalleryNotEmpty: it holds subjects and `force` is not set.
        """
        with self._database.write() as connection:
            raised = raise_revision(connection, galleries.c.name == name)
            if raised is None:
                raise UnknownGallery(name)
            held = gallery_by_name(connection, name).subjects
            if held and not force:
                raise GalleryNotEmpty(name, held)
            if not held:
                erasure, noted = remove_gallery(connection, raised)
            else:
                ask_for_gallery(connection, raised.gallery_id, self._database.now())
        if not held:
            return finished(self._database, erasure, noted)
        failpoints.reach(failpoints.ERASURE_ASKED)
        erased = erase_asked_gallery(self._database, raised.gallery_id)
        if erased is None:  # somebody else was quicker
            raise UnknownGallery(name)
        return erased


def ensure_gallery(connection: Connection, name: str, created_at: datetime) -> None:
    """Makes an empty gallery, unless there is one of this name, within the caller's transaction."""
    if insert_unless_there(connection, galleries, _row(name, created_at)):
        note(connection, "gallery.created", gallery=gallery_by_name(connection, name).id)


def _row(name: str, created_at: datetime) -> dict[str, object]:
    return {"name": name, "revision": 0, "created_at": created_at}


def gallery_by_name(connection: Connection, name: str) -> Gallery:
    """One gallery, within the caller's transaction.

    Raises:
        UnknownGallery: there is none.
    """
    row = connection.execute(_BY_NAME, {"name": name}).one_or_none()
    if row is None:
        raise UnknownGallery(name)
    return _gallery(row)


def _gallery(row: AnyRow) -> Gallery:
    return Gallery(
        id=row.id,
        name=row.name,
        revision=row.revision,
        subjects=row.subjects,
        created_at=row.created_at,
        rules=GalleryRules(row.walks_per_subject, row.keep_walks_days, row.keep_subjects_days),
        is_protected=bool(row.is_protected),
    )
