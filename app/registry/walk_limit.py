"""A gallery's rule how many walks of one subject are kept, applied when walks are enrolled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, and_, select

from app.registry.columns import AnyRow
from app.registry.enrollment import Enrollment
from app.registry.revision import Raised
from app.registry.rotation import Rotation
from app.registry.sealing import KEY_COLUMNS, Vault, stored_key
from app.registry.tables import data_keys, galleries, templates, walks
from app.registry.walk_choice import RankedWalk, surplus_walks


def surplus_of(
    connection: Connection,
    vault: Vault,
    raised: Raised,
    subject_id: int,
    enrollment: Enrollment,
    now: datetime,
) -> frozenset[str]:
    """The walks, new ones among them, that the gallery's rule leaves no room for.

    Args:
        connection: of the enrolling transaction, which has locked the subject.
        vault: decrypts the vectors that are stored.
        raised: the subject's gallery.
        subject_id: number of the subject's row.
        enrollment: its walks are about to be stored; its checkpoint's vectors tell walks apart.
        now: in UTC.

    Returns:
        Ids of stored and of new walks; empty where there is no rule or nothing too many.
    """
    most: int | None = connection.execute(
        select(galleries.c.walks_per_subject).where(galleries.c.id == raised.gallery_id)
    ).scalar_one()
    if most is None:
        return frozenset()
    arriving = [
        RankedWalk(walk.id, _score(walk.quality), walk.direction, walk.vector_d, now)
        for walk in enrollment.walks
    ]
    rotation = raised.rotation.opened(vault)
    stored = _stored(connection, vault, rotation, subject_id, enrollment.checkpoint_id)
    return surplus_walks([*stored, *arriving], most)


def _stored(
    connection: Connection, vault: Vault, rotation: Rotation, subject_id: int, checkpoint_id: str
) -> list[RankedWalk]:
    rows = connection.execute(
        select(walks.c.id, walks.c.quality, walks.c.direction, templates.c.vector)
        .add_columns(walks.c.created_at, templates.c.data_key_id, *KEY_COLUMNS)
        .outerjoin(
            templates,
            and_(templates.c.walk_id == walks.c.id, templates.c.checkpoint_id == checkpoint_id),
        )
        .outerjoin(data_keys, data_keys.c.id == templates.c.data_key_id)
        .where(walks.c.subject_id == subject_id)
    ).all()
    opening = vault.opening()

    def vector_of(row: AnyRow) -> NDArray[np.float32] | None:
        if row.vector is None:
            return None
        opened = opening.vector(row.id, checkpoint_id, row.vector, stored_key(row))
        return rotation.turned_back(np.frombuffer(opened, dtype="<f4"))

    return [
        RankedWalk(
            id=row.id,
            score=_score(row.quality),
            direction=row.direction,
            vector_d=vector_of(row),
            created_at=row.created_at,
        )
        for row in rows
    ]


def _score(quality: Mapping[str, object]) -> float | None:
    score = quality.get("score")
    return float(score) if isinstance(score, int | float) else None
