"""Bringing what is stored of subjects under their own keys: what was plain, what was another's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    update,
)

from app.registry.sealing.data_keys import KEY_COLUMNS, stored_key
from app.registry.sealing.vault import Vault
from app.registry.tables import data_keys, templates, walks

_WALKS: Final = select(
    walks.c.id, walks.c.subject_id, walks.c.gei, walks.c.data_key_id, *KEY_COLUMNS
).outerjoin(data_keys, data_keys.c.id == walks.c.data_key_id)
_TEMPLATES: Final = select(
    templates.c.id,
    templates.c.subject_id,
    templates.c.walk_id,
    templates.c.checkpoint_id,
    templates.c.vector,
    templates.c.data_key_id,
    *KEY_COLUMNS,
).outerjoin(data_keys, data_keys.c.id == templates.c.data_key_id)


@dataclass(frozen=True, slots=True)
class Resealed:
    """How much was encrypted anew."""

    walks: int
    templates: int


def reseal(connection: Connection, vault: Vault, subject_ids: Sequence[int]) -> Resealed:
    """Encrypts under their own subject's key whatever of some subjects is not.

    Templates keep their ids: their vectors are what they were. Without a master key what is plain
    stays so.

    Args:
        connection: of a writing transaction that holds the subjects.
        vault: decrypts and encrypts.
        subject_ids: numbers of the subjects.

    Raises:
        MasterKeyMissing, StoredDataDamaged: something cannot be decrypted.
    """
    walk_rows = connection.execute(_WALKS.where(_is_amiss(walks, vault, subject_ids))).all()
    template_rows = connection.execute(
        _TEMPLATES.where(_is_amiss(templates, vault, subject_ids))
    ).all()
    owners = {row.subject_id for row in (*walk_rows, *template_rows)}
    if not owners:
        return Resealed(0, 0)
    opening, sealing = vault.opening(), vault.sealing(connection, owners)
    _write(
        connection,
        walks.c.gei,
        [
            (row.id, *sealing.gei(row.subject_id, row.id, opening.gei(row.id, row.gei, key)))
            for row in walk_rows
            for key in [stored_key(row)]
        ],
    )
    _write(
        connection,
        templates.c.vector,
        [
            (
                row.id,
                *sealing.vector_bytes(
                    row.subject_id,
                    row.walk_id,
                    row.checkpoint_id,
                    opening.vector(row.walk_id, row.checkpoint_id, row.vector, stored_key(row)),
                ),
            )
            for row in template_rows
        ],
    )
    return Resealed(len(walk_rows), len(template_rows))


def drop_unused_keys(connection: Connection, subject_id: int) -> int:
    """Deletes a subject's keys that nothing is encrypted under any more; returns how many."""
    return connection.execute(
        delete(data_keys).where(
            data_keys.c.subject_id == subject_id,
            ~exists().where(
                walks.c.subject_id == subject_id, walks.c.data_key_id == data_keys.c.id
            ),
            ~exists().where(
                templates.c.subject_id == subject_id, templates.c.data_key_id == data_keys.c.id
            ),
        )
    ).rowcount


def _is_amiss(of: Table, vault: Vault, subject_ids: Sequence[int]) -> ColumnElement[bool]:
    of_another = data_keys.c.subject_id != of.c.subject_id
    if vault.keys is None:
        return and_(of.c.subject_id.in_(subject_ids), of_another)
    return and_(of.c.subject_id.in_(subject_ids), or_(of.c.data_key_id.is_(None), of_another))


def _write(
    connection: Connection,
    content: Column[bytes],
    rows: Sequence[tuple[str | int, bytes, int | None]],
) -> None:
    """Replaces a column by what is encrypted now: ids of rows, bytes and keys."""
    if rows:
        target = content.table
        connection.execute(
            update(target)
            .where(target.c.id == bindparam("row_id"))
            .values({content: bindparam("data"), target.c.data_key_id: bindparam("key_id")}),
            [dict(zip(("row_id", "data", "key_id"), row, strict=True)) for row in rows],
        )
