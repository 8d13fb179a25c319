"""Stored templates pass from one rotation to another.

Shape letters: N templates, D embedding size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy import ColumnElement, Connection, bindparam, delete, select

from app.registry.columns import AnyRow
from app.registry.revision import Raised, note_removals
from app.registry.rotation.rotation import Rotation
from app.registry.sealing import KEY_COLUMNS, Vault, stored_key
from app.registry.tables import data_keys, templates
from app.registry.template_rows import TemplateRow, insert_templates

_AT_ONCE: Final = 1000
"""Templates in memory, and ids in one IN list."""

_TEMPLATES = (
    select(
        templates.c.walk_id,
        templates.c.subject_id,
        templates.c.checkpoint_id,
        templates.c.vector,
        templates.c.data_key_id,
        *KEY_COLUMNS,
    )
    .outerjoin(data_keys, data_keys.c.id == templates.c.data_key_id)
    .where(templates.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(templates.c.id)
)


@dataclass(frozen=True, slots=True)
class Turn:
    """Where templates go, and how they are turned on the way.

    Attributes:
        left: the gallery they leave, with its new revision.
        joined: the gallery they join, likewise; it may be the same one.
        back: the rotation they were stored under.
        forth: the one they are stored under next.
        subject_id: whose they become; None leaves them with whom they belong to.
    """

    left: Raised
    joined: Raised
    back: Rotation
    forth: Rotation
    subject_id: int | None = None


def turn_templates(
    connection: Connection, vault: Vault, which: ColumnElement[bool], turn: Turn
) -> int:
    """Replaces templates by new ones under another rotation, with new ids.

    An index that held the old ones drops them and takes the new ones in one step, because both
    carry one revision.

    Args:
        connection: of the transaction that raised the revisions.
        vault: decrypts and encrypts; data keys stay those of the subject the templates leave.
        which: of the templates, by `templates.c`; true of none that are written here.
        turn: how.

    Returns:
        How many templates there were.
    """
    # Numbers first, out of an index alone: a page by page search would sort the gallery each time.
    ids = sorted(connection.execute(select(templates.c.id).where(which)).scalars())
    note_removals(connection, turn.left, which)
    for start in range(0, len(ids), _AT_ONCE):
        some = {"ids": ids[start : start + _AT_ONCE]}
        rows = connection.execute(_TEMPLATES, some).all()
        insert_templates(connection, _turned(connection, vault, rows, turn))
    connection.execute(delete(templates).where(which))
    return len(ids)


def _turned(
    connection: Connection, vault: Vault, rows: Sequence[AnyRow], turn: Turn
) -> list[TemplateRow]:
    opening = vault.opening()
    sealing = vault.sealing(connection, {row.subject_id for row in rows})
    plain = [
        opening.vector(row.walk_id, row.checkpoint_id, row.vector, stored_key(row)) for row in rows
    ]
    return [
        TemplateRow(
            row.walk_id,
            turn.joined.gallery_id,
            row.subject_id if turn.subject_id is None else turn.subject_id,
            row.checkpoint_id,
            *sealing.vector_bytes(row.subject_id, row.walk_id, row.checkpoint_id, vector),
            turn.joined.revision,
        )
        for row, vector in zip(rows, _turned_vectors(plain, turn), strict=True)
    ]


def _turned_vectors(vectors: Sequence[bytes], turn: Turn) -> list[bytes]:
    """The same vectors turned, all of one size at once: a product of matrices, not thousands."""
    turned = list(vectors)
    for size in set(map(len, vectors)):
        places = [place for place, vector in enumerate(vectors) if len(vector) == size]
        flat = np.frombuffer(b"".join(vectors[place] for place in places), dtype="<f4")
        vectors_nd = flat.reshape(len(places), -1).astype(np.float32, copy=False)
        turned_nd = turn.forth.turned(turn.back.turned_back(vectors_nd)).astype("<f4", copy=False)
        for place, vector_d in zip(places, turned_nd, strict=True):
            turned[place] = vector_d.tobytes()
    return turned
