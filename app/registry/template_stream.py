"""Templates out of SQL by the hundred thousand: arrays, without an object for each row.

Shape letters: N templates, D embedding size.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, exists, select

from app.registry.sealing import Opening, StoredKey, Vault
from app.registry.tables import data_keys

_BLOCK_ROWS = 8192
"""Rows in memory at once, besides what the driver holds: 8 MB of 256-d vectors."""

# A gallery's ids and revisions ascend together, and the index has both: no database sorts vectors.
_COPY = """\
COPY (
    SELECT id, subject_id, vector FROM templates
    WHERE gallery_id = {gallery} AND checkpoint_id = {checkpoint} AND revision > {since}
    ORDER BY revision, id
) TO STDOUT (FORMAT BINARY)"""

_SELECT = """\
SELECT id, subject_id, vector FROM templates
WHERE gallery_id = ? AND checkpoint_id = ? AND revision > ?
ORDER BY revision, id"""

# The same with the keys, looked up one by one: another join would have PostgreSQL sort the vectors.
_COPY_WITH_KEYS = """\
COPY (
    SELECT t.id, t.subject_id, t.vector, t.walk_id, t.data_key_id, k.wrapped, k.master
    FROM templates t
    LEFT JOIN LATERAL (
        SELECT wrapped, master FROM data_keys WHERE id = t.data_key_id OFFSET 0
    ) k ON true
    WHERE t.gallery_id = {gallery} AND t.checkpoint_id = {checkpoint} AND t.revision > {since}
    ORDER BY t.revision, t.id
) TO STDOUT (FORMAT BINARY)"""
_TYPES_WITH_KEYS = ("int8", "int8", "bytea", "varchar", "int8", "bytea", "varchar")

_SELECT_WITH_KEYS = """\
SELECT t.id, t.subject_id, t.vector, t.walk_id, t.data_key_id, k.wrapped, k.master
FROM templates t LEFT JOIN data_keys k ON k.id = t.data_key_id
WHERE t.gallery_id = ? AND t.checkpoint_id = ? AND t.revision > ?
ORDER BY t.revision, t.id"""

_ANY_KEY = select(exists(select(data_keys.c.id)))

# https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format".
_COPY_SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
_COPY_FLAGS_BYTES = 8
_SEVERAL_SIZES = "templates of one checkpoint have vectors of several sizes"
_COPY_TRAILER = b"\xff\xff"
_VECTOR_LENGTH_AT = 2 + 4 + 8 + 4 + 8

# id, subject_id, vector, walk_id, and the key as `StoredKey` has it.
_Row = tuple[int, int, bytes, str, int | None, bytes | None, str | None]


@dataclass(frozen=True, slots=True)
class TemplateBlock:
    """Some templates, at least one, by ascending id.

    Attributes:
        templates_n: (N,) int64 ids.
        subjects_n: (N,) int64 numbers of their subjects.
        vectors_nd: (N, D) float32 unit vectors.
    """

    templates_n: NDArray[np.int64]
    subjects_n: NDArray[np.int64]
    vectors_nd: NDArray[np.float32]


def stream_templates(
    connection: Connection,
    vault: Vault,
    gallery_id: int,
    checkpoint_id: str,
    since_revision: int,
) -> Generator[TemplateBlock]:
    """A checkpoint's templates that came after a revision, by ascending id.

    Args:
        connection: of a reading transaction, used by nobody else until the end.
        vault: decrypts them.
        gallery_id: number of the gallery.
        checkpoint_id: whose templates.
        since_revision: the last one of those that are left out.

    Raises:
        MasterKeyMissing, StoredDataDamaged: one of them cannot be decrypted.
    """
    which = (gallery_id, checkpoint_id, since_revision)
    in_sqlite = connection.dialect.name == "sqlite"
    is_plain = not connection.execute(_ANY_KEY).scalar_one()
    driver = connection.connection.driver_connection
    if is_plain:
        blocks = _from_sqlite if in_sqlite else _from_postgresql
        return blocks(driver, which)
    rows = _sqlite_rows if in_sqlite else _postgresql_rows
    return _opened(rows(driver, which), checkpoint_id, vault.opening())


def _from_sqlite(driver: Any, which: tuple[int, str, int]) -> Generator[TemplateBlock]:
    cursor = driver.cursor()
    try:
        cursor.execute(_SELECT, which)
        while rows := cursor.fetchmany(_BLOCK_ROWS):
            ids, subjects, vectors = zip(*rows, strict=True)
            yield TemplateBlock(
                np.array(ids, dtype=np.int64),
                np.array(subjects, dtype=np.int64),
                vectors_of(vectors),
            )
    finally:
        cursor.close()


def _from_postgresql(driver: Any, which: tuple[int, str, int]) -> Generator[TemplateBlock]:
    with driver.cursor() as cursor, cursor.copy(_copy_of(_COPY, which)) as copy:
        # One message a row, the first with the header before it, and the trailer last.
        rows = iter(copy.read, b"")
        first = bytes(next(rows))
        start = len(_COPY_SIGNATURE) + _COPY_FLAGS_BYTES
        if not first.startswith(_COPY_SIGNATURE) or first[start - 4 : start] != b"\0\0\0\0":
            raise ValueError("PostgreSQL sent another binary format than it documents")
        messages = chain([first[start:]], rows)
        while packed := b"".join(islice(messages, _BLOCK_ROWS)):
            block = _unpack(packed)
            if len(block.templates_n):
                yield block


def _copy_of(query: str, which: tuple[int, str, int]) -> Any:
    # psycopg stands only where PostgreSQL is used.
    from psycopg import sql  # noqa: PLC0415

    gallery_id, checkpoint_id, since_revision = which
    return sql.SQL(query).format(
        gallery=sql.Literal(gallery_id),
        checkpoint=sql.Literal(checkpoint_id),
        since=sql.Literal(since_revision),
    )


def _unpack(packed: bytes) -> TemplateBlock:
    # Fields of a row are preceded by their number, each by its length in bytes.
    vector_bytes = int.from_bytes(packed[_VECTOR_LENGTH_AT : _VECTOR_LENGTH_AT + 4], "big")
    row = np.dtype(
        [
            ("fields", ">i2"),
            ("id_bytes", ">i4"),
            ("id", ">i8"),
            ("subject_bytes", ">i4"),
            ("subject", ">i8"),
            ("vector_bytes", ">i4"),
            ("vector", "<f4", (vector_bytes // 4,)),
        ]
    )
    rows_n = np.frombuffer(packed, dtype=row, count=len(packed) // row.itemsize)
    if not (
        packed[rows_n.nbytes :] in (b"", _COPY_TRAILER)
        and (rows_n["fields"] == 3).all()
        and (rows_n["id_bytes"] == 8).all()
        and (rows_n["subject_bytes"] == 8).all()
        and (rows_n["vector_bytes"] == vector_bytes).all()
    ):
        raise ValueError(_SEVERAL_SIZES)
    return TemplateBlock(
        rows_n["id"].astype(np.int64),
        rows_n["subject"].astype(np.int64),
        rows_n["vector"].astype(np.float32),
    )


def _sqlite_rows(driver: Any, which: tuple[int, str, int]) -> Generator[list[_Row]]:
    with closing(driver.cursor()) as cursor:
        cursor.execute(_SELECT_WITH_KEYS, which)
        while rows := cursor.fetchmany(_BLOCK_ROWS):
            yield rows


def _postgresql_rows(driver: Any, which: tuple[int, str, int]) -> Generator[list[_Row]]:
    with (
        driver.cursor() as cursor,
        cursor.copy(_copy_of(_COPY_WITH_KEYS, which)) as copy,
    ):
        copy.set_types(_TYPES_WITH_KEYS)
        received = copy.rows()
        while rows := list(islice(received, _BLOCK_ROWS)):
            yield rows


def _opened(
    blocks: Generator[list[_Row]], checkpoint_id: str, opening: Opening
) -> Generator[TemplateBlock]:
    """Decrypts row by row: each has its own key, and its own walk to be bound to."""
    with closing(blocks):
        for rows in blocks:
            vectors = tuple(
                opening.vector(row[3], checkpoint_id, row[2], StoredKey(row[4], row[5], row[6]))
                for row in rows
            )
            # Templates of one enrolment follow each other; keys of a million subjects are not kept.
            opening.forget_keys()
            yield TemplateBlock(
                np.array([row[0] for row in rows], dtype=np.int64),
                np.array([row[1] for row in rows], dtype=np.int64),
                vectors_of(vectors),
            )


def vectors_of(stored: tuple[bytes, ...]) -> NDArray[np.float32]:
    """(N, D) float32 from N stored vectors; (0, 0) of none.

    Raises:
        ValueError: they are not of one size.
    """
    if not stored:
        return np.zeros((0, 0), dtype=np.float32)
    if len(set(map(len, stored))) > 1:
        raise ValueError(_SEVERAL_SIZES)
    flat = np.frombuffer(b"".join(stored), dtype="<f4")
    return flat.reshape(len(stored), -1).astype(np.float32, copy=False)
