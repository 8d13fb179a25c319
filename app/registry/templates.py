"""Templates: the vectors of enrolled walks, as searches read them.

Shape letters: N templates, D embedding size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, select

from app.errors import UnknownGallery
from app.registry.database import Database
from app.registry.subjects import find_subject
from app.registry.tables import galleries, subjects, template_removals, templates

_RESOLVE_AT_ONCE = 500
"""Ids in one IN list; SQLite and PostgreSQL both take thousands, plans stay small below that."""


@dataclass(frozen=True, slots=True)
class GalleryRevision:
    """How far a gallery is.

    Attributes:
        gallery_id: number of the gallery, never used again.
        revision: of its last committed change to templates.
    """

    gallery_id: int
    revision: int


@dataclass(frozen=True, slots=True)
class TemplateChanges:
    """What brings an index from one revision to a later one.

    Attributes:
        since_revision: the one they start from.
        revision: the one that is reached.
        removed_n: (N,) int64, template ids to drop; some may never have been held.
        added_n: (N,) int64, template ids to add.
        subjects_n: (N,) int64, numbers of the subjects of the added ones.
        vectors_nd: (N, D) float32, their unit vectors; (0, 0) when nothing was added.
    """

    since_revision: int
    revision: int
    removed_n: NDArray[np.int64]
    added_n: NDArray[np.int64]
    subjects_n: NDArray[np.int64]
    vectors_nd: NDArray[np.float32]


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
        vectors_nd: (N, D) float32 unit vectors; (0, 0) when there is none.
    """

    subject_id: int
    subject: str
    name: str | None
    walk_ids: tuple[str, ...]
    vectors_nd: NDArray[np.float32]


_REVISION = select(galleries.c.id, galleries.c.revision).where(
    galleries.c.name == bindparam("gallery")
)
_REVISION_BY_ID = select(galleries.c.revision).where(galleries.c.id == bindparam("gallery_id"))
_ADDED = (
    select(templates.c.id, templates.c.subject_id, templates.c.vector)
    .where(
        templates.c.gallery_id == bindparam("gallery_id"),
        templates.c.checkpoint_id == bindparam("checkpoint_id"),
        templates.c.revision > bindparam("since"),
    )
    .order_by(templates.c.id)
)
_REMOVED = select(template_removals.c.template_id).where(
    template_removals.c.gallery_id == bindparam("gallery_id"),
    template_removals.c.revision > bindparam("since"),
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
        with self._database.read() as connection:
            row = connection.execute(_REVISION, {"gallery": gallery}).one_or_none()
        if row is None:
            raise UnknownGallery(gallery)
        return GalleryRevision(row.id, row.revision)

    def revisions(self) -> dict[int, int]:
        """How far every gallery is now, by its number."""
        with self._database.read() as connection:
            rows = connection.execute(select(galleries.c.id, galleries.c.revision)).all()
        return {row[0]: row[1] for row in rows}

    def changes(
        self, gallery_id: int, checkpoint_id: str, since_revision: int
    ) -> TemplateChanges | None:
        """What happened to a checkpoint's templates after a revision, up to now.

        Args:
            gallery_id: number of the gallery.
            checkpoint_id: whose templates.
            since_revision: the one an index holds; 0 for an empty index.

        Returns:
            The changes, all seen at one instant; None when the gallery was deleted.
        """
        values = {
            "gallery_id": gallery_id,
            "checkpoint_id": checkpoint_id,
            "since": since_revision,
        }
        with self._database.read() as connection:
            revision = connection.execute(
                _REVISION_BY_ID, {"gallery_id": gallery_id}
            ).scalar_one_or_none()
            if revision is None:
                return None
            # An empty index holds nothing that could have been removed.
            removed = connection.execute(_REMOVED, values).scalars().all() if since_revision else []
            added = connection.execute(_ADDED, values).all()
        return TemplateChanges(
            since_revision=since_revision,
            revision=revision,
            removed_n=np.array(removed, dtype=np.int64),
            added_n=np.array([row.id for row in added], dtype=np.int64),
            subjects_n=np.array([row.subject_id for row in added], dtype=np.int64),
            vectors_nd=_vectors([row.vector for row in added]),
        )

    def owners(self, template_ids: Sequence[int]) -> dict[int, TemplateOwner]:
        """Whose these templates are, now.

        Args:
            template_ids: any number.

        Returns:
            By template id; those that no longer exist are missing.
        """
        found: dict[int, TemplateOwner] = {}
        with self._database.read() as connection:
            for start in range(0, len(template_ids), _RESOLVE_AT_ONCE):
                ids = list(template_ids[start : start + _RESOLVE_AT_ONCE])
                for row in connection.execute(_OWNERS, {"ids": ids}):
                    found[row[0]] = TemplateOwner(*row)
        return found

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
                select(templates.c.walk_id, templates.c.vector)
                .where(
                    templates.c.subject_id == found.id, templates.c.checkpoint_id == checkpoint_id
                )
                .order_by(templates.c.id)
            ).all()
        return SubjectTemplates(
            subject_id=found.id,
            subject=found.subject,
            name=found.name,
            walk_ids=tuple(row.walk_id for row in rows),
            vectors_nd=_vectors([row.vector for row in rows]),
        )


def _vectors(stored: Sequence[bytes]) -> NDArray[np.float32]:
    if not stored:
        return np.zeros((0, 0), dtype=np.float32)
    flat = np.frombuffer(b"".join(stored), dtype="<f4")
    return flat.reshape(len(stored), -1).astype(np.float32, copy=False)
