"""Templates out of SQL by the hundred thousand: arrays, without an object for each row.

Shape letters: N templates, D embedding size.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

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

# https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format".
_COPY_SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
_COPY_FLAGS_BYTES = 8
_SEVERAL_SIZES = "templates of one checkpoint have vectors of several sizes"
_COPY_TRAILER = b"\xff\xff"
_VECTOR_LENGTH_AT = 2 + 4 + 8 + 4 + 8


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
    connection: Connection, gallery_id: int, checkpoint_id: str, since_revision: int
) -> Generator[TemplateBlock]:
    """A checkpoint's templates that came after a revision, by ascending id.

    Args:
        connection: of a reading transaction, used by nobody else until the end.
        gallery_id: number of the gallery.
        checkpoint_id: whose templates.
        since_revision: the last one of those that are left out.
    """
    which = (gallery_id, checkpoint_id, since_revision)
    driver = connection.connection.driver_connection
    blocks = _from_sqlite if connection.dialect.name == "sqlite" else _from_postgresql
    return blocks(driver, which)


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
    # psycopg stands only where PostgreSQL is used.
    from psycopg import sql  # noqa: PLC0415

    gallery_id, checkpoint_id, since_revision = which
    statement = sql.SQL(_COPY).format(
        gallery=sql.Literal(gallery_id),
        checkpoint=sql.Literal(checkpoint_id),
        since=sql.Literal(since_revision),
    )
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
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
