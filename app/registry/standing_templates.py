"""What SQL holds of some subjects at this moment, for who found them elsewhere.

Shape letters: N templates, D embedding size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, select

from app.registry.database import Database
from app.registry.rotation import ROTATION_COLUMNS, Rotation, stored_rotation
from app.registry.sealing import KEY_COLUMNS, stored_key
from app.registry.tables import data_keys, galleries, templates
from app.registry.template_stream import vectors_of

_ASKED_AT_ONCE = 500
"""Ids in one IN list; SQLite and PostgreSQL both take thousands, plans stay small below that."""

_STANDING = (
    select(
        templates.c.id,
        templates.c.subject_id,
        templates.c.walk_id,
        templates.c.vector,
        templates.c.data_key_id,
        *KEY_COLUMNS,
    )
    .outerjoin(data_keys, data_keys.c.id == templates.c.data_key_id)
    .where(
        templates.c.subject_id.in_(bindparam("subjects", expanding=True)),
        templates.c.gallery_id == bindparam("gallery_id"),
        templates.c.checkpoint_id == bindparam("checkpoint_id"),
    )
    .order_by(templates.c.id)
)


@dataclass(frozen=True, slots=True)
class StandingTemplates:
    """All templates of some subjects by one checkpoint, seen at one instant.

    Attributes:
        revision: of the gallery at that instant.
        rotation: what a probe must be turned by to be compared with them.
        templates_n: (N,) int64 ids.
        subjects_n: (N,) int64 numbers of their subjects.
        vectors_nd: (N, D) float32 unit vectors, under `rotation`; (0, 0) when there is none.
    """

    revision: int
    rotation: Rotation
    templates_n: NDArray[np.int64]
    subjects_n: NDArray[np.int64]
    vectors_nd: NDArray[np.float32]


def read_standing(
    database: Database, gallery_id: int, checkpoint_id: str, subject_ids: Sequence[int]
) -> StandingTemplates | None:
    """Reads what is there of some subjects, in one transaction.

    Args:
        database: where it is.
        gallery_id: number of the gallery.
        checkpoint_id: whose templates.
        subject_ids: numbers of the subjects; those who are gone have no template.

    Returns:
        None when there is no such gallery any more.

    Raises:
        MasterKeyMissing, StoredDataDamaged: one of them cannot be decrypted.
    """
    which = {"gallery_id": gallery_id, "checkpoint_id": checkpoint_id}
    with database.read() as connection:
        gallery = connection.execute(
            select(galleries.c.revision, *ROTATION_COLUMNS).where(galleries.c.id == gallery_id)
        ).one_or_none()
        if gallery is None:
            return None
        rows = [
            row
            for start in range(0, len(subject_ids), _ASKED_AT_ONCE)
            for row in connection.execute(
                _STANDING, which | {"subjects": list(subject_ids[start : start + _ASKED_AT_ONCE])}
            )
        ]
    opening = database.vault.opening()
    return StandingTemplates(
        revision=gallery.revision,
        rotation=stored_rotation(gallery).opened(database.vault),
        templates_n=np.array([row.id for row in rows], dtype=np.int64),
        subjects_n=np.array([row.subject_id for row in rows], dtype=np.int64),
        vectors_nd=vectors_of(
            tuple(
                opening.vector(row.walk_id, checkpoint_id, row.vector, stored_key(row))
                for row in rows
            )
        ),
    )
