"""Data keys: one per subject, made when their first walk is stored, wrapped by the master key.

They are not kept in memory: unwrapping one takes 2 µs, less than asking SQL whether it is still
there would, and a key that was erased is thereby gone at once, in every process.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import (
    BigInteger,
    Connection,
    LargeBinary,
    String,
    bindparam,
    column,
    func,
    select,
    table,
    text,
)

from app.registry.bulk_insert import insert_many
from app.registry.columns import AnyRow, UtcDateTime
from app.registry.sealing.aead import KEY_BYTES
from app.registry.sealing.master_keys import MasterKeys, Wrapped
from app.registry.tables import data_keys

KEY_COLUMNS: Final = (
    data_keys.c.wrapped.label("key_wrapped"),
    data_keys.c.master.label("key_master"),
)
"""What a query asks for beside the `data_key_id` of what it reads, with an outer join on it."""

_LOOKED_UP_AT_ONCE = 1000
_TABLE = table(
    "data_keys",
    column("id", BigInteger),
    column("subject_id", BigInteger),
    column("wrapped", LargeBinary),
    column("master", String),
    column("created_at", UtcDateTime),
)
_TYPES = ("int8", "int8", "bytea", "varchar", "timestamptz")
_NEWEST = (
    select(func.max(data_keys.c.id))
    .where(data_keys.c.subject_id.in_(bindparam("subject_ids", expanding=True)))
    .group_by(data_keys.c.subject_id)
)
_OF_SUBJECTS = select(data_keys).where(data_keys.c.id.in_(_NEWEST))


class StoredKey(NamedTuple):
    """The data key of a row, as SQL has it.

    Attributes:
        id: of the key; None where the row is not encrypted.
        wrapped: None where the key is gone, or where there is none.
        master: fingerprint of what wraps it; None likewise.
    """

    id: int | None
    wrapped: bytes | None
    master: str | None


class DataKey(NamedTuple):
    """A data key, ready for use."""

    id: int
    cipher: AESGCM


def stored_key(row: AnyRow) -> StoredKey:
    """The key of a row that has `data_key_id` and `KEY_COLUMNS`."""
    return StoredKey(row.data_key_id, row.key_wrapped, row.key_master)


def unwrapped(keys: MasterKeys, key_id: int, wrapped: Wrapped) -> AESGCM:
    """What a data key encrypts with.

    Raises:
        MasterKeyMissing, StoredDataDamaged: as `MasterKeys.unwrap`.
    """
    return AESGCM(keys.unwrap(wrapped, bound_to(key_id)))


def bound_to(key_id: int) -> bytes:
    """What a wrapped data key is authenticated with: its number, whoever it belongs to."""
    return b"data key\0" + key_id.to_bytes(8, "big")


def keys_of_subjects(
    connection: Connection, keys: MasterKeys, subject_ids: Collection[int], now: datetime
) -> dict[int, DataKey]:
    """The newest key of each subject, made where there is none.

    Args:
        connection: of a writing transaction that holds these subjects, or their gallery.
        keys: wrap and unwrap them.
        subject_ids: numbers of the subjects.
        now: in UTC.
    """
    wanted = sorted(set(subject_ids))
    found: dict[int, DataKey] = {}
    for start in range(0, len(wanted), _LOOKED_UP_AT_ONCE):
        some = wanted[start : start + _LOOKED_UP_AT_ONCE]
        for row in connection.execute(_OF_SUBJECTS, {"subject_ids": some}):
            cipher = unwrapped(keys, row.id, Wrapped(row.wrapped, row.master))
            found[row.subject_id] = DataKey(row.id, cipher)
    missing = [subject_id for subject_id in wanted if subject_id not in found]
    return found | _make(connection, keys, missing, now)


def _make(
    connection: Connection, keys: MasterKeys, subject_ids: Sequence[int], now: datetime
) -> dict[int, DataKey]:
    made: dict[int, DataKey] = {}
    rows = []
    for key_id, subject_id in zip(
        _reserved_ids(connection, len(subject_ids)), subject_ids, strict=True
    ):
        secret = os.urandom(KEY_BYTES)
        wrapped = keys.wrap(secret, bound_to(key_id))
        rows.append((key_id, subject_id, wrapped.data, wrapped.master, now))
        made[subject_id] = DataKey(key_id, AESGCM(secret))
    insert_many(connection, _TABLE, _TYPES, rows)
    return made


def _reserved_ids(connection: Connection, count: int) -> Sequence[int]:
    """Numbers that no key has or had: a key is wrapped with its number before it is stored."""
    if count == 0:
        return ()
    if connection.dialect.name == "sqlite":
        # Nobody else writes; storing rows of these numbers moves the sequence on.
        last: int | None = connection.execute(
            text("SELECT seq FROM sqlite_sequence WHERE name = 'data_keys'")
        ).scalar_one_or_none()
        return range((last or 0) + 1, (last or 0) + 1 + count)
    drawn = connection.execute(
        text(
            "SELECT nextval(pg_get_serial_sequence('data_keys', 'id'))"
            " FROM generate_series(1, :count)"
        ),
        {"count": count},
    )
    return drawn.scalars().all()
