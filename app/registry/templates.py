"""Templates: the vectors of enrolled walks, as searches read them.

Shape letters: N templates, D embedding size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, func, select

from app.errors import UnknownGallery
from app.registry.database import Database
from app.registry.facts import EPOCH_NOW
from app.registry.rotation import PLAIN, ROTATION_COLUMNS, Rotation, stored_rotation
from app.registry.rotation.stored import rotation_of
from app.registry.sealing import KEY_COLUMNS, stored_key
from app.registry.standing_templates import StandingTemplates, read_standing
from app.registry.subjects import find_subject
from app.registry.tables import data_keys, galleries, subjects, template_removals, templates
from app.registry.template_stream import TemplateBlock, stream_templates, vectors_of

_RESOLVE_AT_ONCE = 500
"""Ids in one IN list; SQLite and PostgreSQL both take thousands, plans stay small below that."""


@dataclass(frozen=True, slots=True)
class GalleryRevision:
    """How far a gallery is.

    Attributes:
        gallery_id: number of the gallery, never used again.
        revision: of its last committed change to templates.
        epoch: of the database; None where none was drawn yet.
    """

    gallery_id: int
    revision: int
    epoch: str | None


@dataclass(frozen=True, slots=True)
class TemplateChanges:
    """What brings an index from one revision to a later one.

    Attributes:
        since_revision: the one they start from.
        revision: the one that is reached.
        held: how many templates there are then, if that was asked for.
        removed_n: (N,) int64, template ids to drop; some may never have been held.
        added: template ids, subjects and vectors to add, by ascending id, read as they are taken.
        rotation: what all vectors of the gallery are under at `revision`.
        with_older: of some subjects, (S,) int64 numbers, those who have a template at `revision`
            that was there at `since_revision`; to be asked when all of `added` has been taken.
    """

    since_revision: int
    revision: int
    held: int | None
    removed_n: NDArray[np.int64]
    added: Iterator[TemplateBlock]
    rotation: Rotation = PLAIN
    with_older: Callable[[NDArray[np.int64]], NDArray[np.int64]] = lambda subjects_s: subjects_s[:0]


@dataclass(frozen=True, slots=True)
class TemplateOwner:
    """Whose a template is.

    Attributes:
        template_id: of the template.
        subject_id: number of the subject's row.
        subject: the caller's id.
        name: of the person, if known.
        walk_id: the walk that the template was made of.
    """

    template_id: int
    subject_id: int
    subject: str
    name: str | None
    walk_id: str


@dataclass(frozen=True, slots=True)
class SubjectTemplates:
    """All templates of one subject by one checkpoint.

    Attributes:
        subject_id: number of the subject's row.
        subject: the caller's id.
        name: of the person, if known.
        walk_ids: N ids, the walk of each vector.
        vectors_nd: (N, D) float32 unit vectors, under `rotation`; (0, 0) when there is none.
        rotation: what a probe must be turned by to be compared with them.
    """

    subject_id: int
    subject: str
    name: str | None
    walk_ids: tuple[str, ...]
    vectors_nd: NDArray[np.float32]
    rotation: Rotation


_REVISION = select(galleries.c.id, galleries.c.revision, EPOCH_NOW).where(
    galleries.c.name == bindparam("gallery")
)
_REVISION_BY_ID = select(galleries.c.revision, *ROTATION_COLUMNS).where(
    galleries.c.id == bindparam("gallery_id")
)
_HELD = select(func.count()).where(
    templates.c.gallery_id == bindparam("gallery_id"),
    templates.c.checkpoint_id == bindparam("checkpoint_id"),
)
_REMOVED = select(template_removals.c.template_id).where(
    template_removals.c.gallery_id == bindparam("gallery_id"),
    template_removals.c.revision > bindparam("since"),
)
_WITH_OLDER = (
    select(templates.c.subject_id)
    .distinct()
    .where(
        templates.c.subject_id.in_(bindparam("subjects", expanding=True)),
        templates.c.gallery_id == bindparam("gallery_id"),
        templates.c.checkpoint_id == bindparam("checkpoint_id"),
        templates.c.revision <= bindparam("since"),
    )
)
_OWNERS = (
    select(
        templates.c.id,
        templates.c.subject_id,
        subjects.c.external_id,
        subjects.c.name,
        templates.c.walk_id,
    )
    .join(subjects, subjects.c.id == templates.c.subject_id)
    .where(templates.c.id.in_(bindparam("ids", expanding=True)))
)


class Templates:
    """What searches ask the registry; every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def revision(self, gallery: str) -> GalleryRevision:
        """How far a gallery is now.

        Raises:
            UnknownGallery: there is none.
        """
        found = self._database.ask(_REVISION, {"gallery": gallery})
        if not found:
            raise UnknownGallery(gallery)
        return GalleryRevision(*found[0])

    def revisions(self) -> dict[int, int]:
        """How far every gallery is now, by its number."""
        rows = self._database.ask(select(galleries.c.id, galleries.c.revision))
        return {row[0]: row[1] for row in rows}

    @contextmanager
    def changes(
        self, gallery_id: int, checkpoint_id: str, since_revision: int, *, counted: bool = False
    ) -> Iterator[TemplateChanges | None]:
        """What happened to a checkpoint's templates after a revision, up to now.

        All is seen at one instant, in one transaction that lasts as long as the context: what was
        added is read from it block by block, so that a million templates never lie in memory
        beside the index that they are read for.

        Args:
            gallery_id: number of the gallery.
            checkpoint_id: whose templates.
            since_revision: the one an index holds; 0 for an empty index.
            counted: count what is held, too.

        Yields:
            The changes; None when the gallery was deleted.
        """
        which = {"gallery_id": gallery_id, "checkpoint_id": checkpoint_id}
        with self._database.read() as connection:
            now = connection.execute(_REVISION_BY_ID, {"gallery_id": gallery_id}).one_or_none()
            if now is None:
                yield None
                return
            # An empty index holds nothing that could have been removed.
            removed = (
                connection.execute(
                    _REMOVED, {"gallery_id": gallery_id, "since": since_revision}
                ).scalars()
                if since_revision
                else ()
            )
            held = connection.execute(_HELD, which).scalar_one() if counted else None
            removed_n = np.fromiter(removed, dtype=np.int64)
            added = stream_templates(
                connection, self._database.vault, gallery_id, checkpoint_id, since_revision
            )

            def with_older(subjects_s: NDArray[np.int64]) -> NDArray[np.int64]:
                numbers = subjects_s.tolist() if since_revision else []
                found: list[int] = []
                for start in range(0, len(numbers), _RESOLVE_AT_ONCE):
                    asked = {"subjects": numbers[start : start + _RESOLVE_AT_ONCE]}
                    found += connection.execute(
                        _WITH_OLDER, which | asked | {"since": since_revision}
                    ).scalars()
                return np.array(found, dtype=np.int64)

            with closing(added):
                rotation = stored_rotation(now).opened(self._database.vault)
                yield TemplateChanges(
                    since_revision, now.revision, held, removed_n, added, rotation, with_older
                )

    def removed(self, gallery_id: int, since_revision: int, until: int) -> NDArray[np.int64]:
        """(N,) int64 ids of what was removed after one revision and up to another."""
        with self._database.read() as connection:
            ids = connection.execute(
                _REMOVED.where(template_removals.c.revision <= until),
                {"gallery_id": gallery_id, "since": since_revision},
            ).scalars()
            return np.fromiter(ids, dtype=np.int64)

    def removed_last(self, gallery_ids: Sequence[int]) -> dict[int, int]:
        """The revision at which something was last removed, by gallery; 0 where nothing ever was.

        Args:
            gallery_ids: numbers of galleries; those that no longer exist are missing.
        """
        last = (
            select(func.coalesce(func.max(template_removals.c.revision), 0))
            .where(template_removals.c.gallery_id == galleries.c.id)
            .scalar_subquery()
        )
        rows = self._database.ask(
            select(galleries.c.id, last).where(galleries.c.id.in_(gallery_ids))
        )
        return {row[0]: row[1] for row in rows}

    def owners(self, template_ids: Sequence[int]) -> dict[int, TemplateOwner]:
        """Whose these templates are, now.

        Args:
            template_ids: any number.

        Returns:
            By template id; those that no longer exist are missing.
        """
        found: dict[int, TemplateOwner] = {}
        for start in range(0, len(template_ids), _RESOLVE_AT_ONCE):
            ids = list(template_ids[start : start + _RESOLVE_AT_ONCE])
            for row in self._database.ask(_OWNERS, {"ids": ids}):
                found[row[0]] = TemplateOwner(*row)
        return found

    def standing(
        self, gallery_id: int, checkpoint_id: str, subject_ids: Sequence[int]
    ) -> StandingTemplates | None:
        """What is there of some subjects now; see `read_standing`."""
        return read_standing(self._database, gallery_id, checkpoint_id, subject_ids)

    def of_subject(self, subject: str, gallery: str, checkpoint_id: str) -> SubjectTemplates:
        """One subject's templates by one checkpoint.

        Args:
            subject: the caller's id.
            gallery: name of the gallery.
            checkpoint_id: whose templates.

        Raises:
            UnknownGallery: there is none.
            UnknownSubject: not enrolled there.
        """
        with self._database.read() as connection:
            found = find_subject(connection, subject, gallery)
            rows = connection.execute(
                select(
                    templates.c.walk_id, templates.c.vector, templates.c.data_key_id, *KEY_COLUMNS
                )
                .outerjoin(data_keys, data_keys.c.id == templates.c.data_key_id)
                .where(
                    templates.c.subject_id == found.id, templates.c.checkpoint_id == checkpoint_id
                )
                .order_by(templates.c.id)
            ).all()
            rotation = rotation_of(connection, self._database.vault, found.gallery_id)
        opening = self._database.vault.opening()
        return SubjectTemplates(
            subject_id=found.id,
            subject=found.subject,
            name=found.name,
            walk_ids=tuple(row.walk_id for row in rows),
            vectors_nd=vectors_of(
                tuple(
                    opening.vector(row.walk_id, checkpoint_id, row.vector, stored_key(row))
                    for row in rows
                )
            ),
            rotation=rotation,
        )
