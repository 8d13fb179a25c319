"""A registry with a million templates, written past the service: only what is read is measured.

Shape letters: N templates, D embedding size.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import make_url

from app.registry import Registry

GALLERY = "bench"
CHECKPOINT = "bench-checkpoint"
WALKS_PER_SUBJECT = 5
_BLOCK_ROWS = 16_384
_KINDS = 200  # of walkers: people are not spread evenly
_LIKE_ITS_KIND = 0.5
_LIKE_ITS_SUBJECT = 0.75
_NOW = "2026-01-01 00:00:00"

_SUBJECT_COLUMNS = "id, gallery_id, external_id, metadata, created_at, updated_at"
_WALK_COLUMNS = "id, subject_id, created_at, gei, quality, source"
_TEMPLATE_COLUMNS = "id, walk_id, gallery_id, subject_id, checkpoint_id, vector, revision"

Row = tuple[object, ...]


def subject_of(template: int, walks_per_subject: int = WALKS_PER_SUBJECT) -> int:
    """The number of the subject of a template; both count from 1."""
    return 1 + (template - 1) // walks_per_subject


def centres_sd(subjects: int, size: int) -> NDArray[np.float32]:
    """(S, D) what each subject's walks have in common, of length 1; some subjects are alike."""
    rng = np.random.default_rng(1)
    kinds = _unit(rng.standard_normal((_KINDS, size), dtype=np.float32))
    own = _unit(rng.standard_normal((subjects, size), dtype=np.float32))
    chosen = kinds[rng.integers(0, _KINDS, subjects)]
    return _unit(_LIKE_ITS_KIND * chosen + np.sqrt(1 - _LIKE_ITS_KIND**2, dtype=np.float32) * own)


def walk_like(centre_nd: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """(N, D) unit vectors, one walk of each of N subjects."""
    noise_nd = _unit(rng.standard_normal(centre_nd.shape, dtype=np.float32))
    rest = np.sqrt(1 - _LIKE_ITS_SUBJECT**2, dtype=np.float32)
    return _unit(_LIKE_ITS_SUBJECT * centre_nd + rest * noise_nd)


def template_blocks(
    templates: int, size: int, walks_per_subject: int = WALKS_PER_SUBJECT
) -> Iterator[NDArray[np.float32]]:
    """All templates in order, (N, D) at a time; the same each time."""
    centres = centres_sd(subject_of(templates, walks_per_subject), size)
    rng = np.random.default_rng(2)
    for start in range(0, templates, _BLOCK_ROWS):
        numbers_n = np.arange(start, min(templates, start + _BLOCK_ROWS)) // walks_per_subject
        yield walk_like(centres[numbers_n], rng)


def fill(url: str, templates: int, size: int, walks_per_subject: int = WALKS_PER_SUBJECT) -> None:
    """Makes one gallery of so many templates.

    Args:
        url: of an empty database, SQLite or PostgreSQL.
        templates: N.
        size: D.
        walks_per_subject: templates of each.
    """
    registry = Registry.open(url)
    registry.migrate()
    gallery_id = registry.galleries.create(GALLERY).id
    registry.close()
    subjects = subject_of(templates, walks_per_subject)
    each_subject = (
        (number, gallery_id, f"s{number:07d}", "{}", _NOW, _NOW)
        for number in range(1, subjects + 1)
    )
    each_walk = (
        (_walk_id(number), subject_of(number, walks_per_subject), _NOW, b"gei", "{}", "bench")
        for number in range(1, templates + 1)
    )
    vectors = (
        vector.tobytes()
        for block in template_blocks(templates, size, walks_per_subject)
        for vector in block
    )
    each_template = (
        # Every subject was enrolled by a change of its own.
        (number, _walk_id(number), gallery_id, owner, CHECKPOINT, vector, owner)
        for number, vector in enumerate(vectors, 1)
        for owner in [subject_of(number, walks_per_subject)]
    )
    tables = (
        ("subjects", _SUBJECT_COLUMNS, each_subject),
        ("walks", _WALK_COLUMNS, each_walk),
        ("templates", _TEMPLATE_COLUMNS, each_template),
    )
    (_fill_sqlite if url.startswith("sqlite") else _fill_postgresql)(url, subjects, tables)


def _fill_sqlite(url: str, revision: int, tables: Iterable[tuple[str, str, Iterator[Row]]]) -> None:
    connection = sqlite3.connect(str(make_url(url).database), isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for table, columns, rows in tables:
        places = ", ".join("?" * len(columns.split(", ")))
        connection.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({places})",  # noqa: S608 (our own names)
            rows,
        )
    connection.execute("UPDATE galleries SET revision = ?", (revision,))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _fill_postgresql(
    url: str, revision: int, tables: Iterable[tuple[str, str, Iterator[Row]]]
) -> None:
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(plain) as connection, connection.cursor() as cursor:
        for table, columns, rows in tables:
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
                while batch := list(islice(rows, _BLOCK_ROWS)):
                    for row in batch:
                        copy.write_row(row)
        for table in ("subjects", "templates"):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}".encode()  # noqa: S608,E501
            )
        cursor.execute("UPDATE galleries SET revision = %s", (revision,))
    with psycopg.connect(plain, autocommit=True) as connection:
        # As autovacuum would have done by the time such a gallery has come together.
        connection.execute("VACUUM (ANALYZE)")


def _walk_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _unit(vectors_nd: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths_n1: NDArray[np.float32] = np.linalg.norm(vectors_nd, axis=1, keepdims=True)
    return vectors_nd / lengths_n1
