"""A gallery leaves the database line by line, as it is at one instant."""

from __future__ import annotations

import binascii
import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from app.errors import UnknownGallery
from app.registry.columns import AnyRow
from app.registry.database import Database
from app.registry.exchange.lines import FORMAT, VERSION
from app.registry.tables import galleries, subjects, templates, walks

_FLOAT32_BYTES = 4
_SUBJECTS_AT_ONCE = 500
_WALKS_AT_ONCE = 200
"""Rows in memory at once: 200 walks are about 500 KB."""

_GALLERY = select(
    galleries.c.id,
    galleries.c.name,
    galleries.c.walks_per_subject,
    galleries.c.keep_walks_days,
    galleries.c.keep_subjects_days,
).where(galleries.c.name == bindparam("name"))
_SUBJECT_COUNT = select(func.count()).where(subjects.c.gallery_id == bindparam("gallery_id"))
_WALK_COUNT = (
    select(func.count())
    .select_from(walks.join(subjects, subjects.c.id == walks.c.subject_id))
    .where(subjects.c.gallery_id == bindparam("gallery_id"))
)
_TEMPLATE_COUNTS = (
    select(templates.c.checkpoint_id, func.count())
    .where(templates.c.gallery_id == bindparam("gallery_id"))
    .group_by(templates.c.checkpoint_id)
    .order_by(templates.c.checkpoint_id)
)
_VECTOR_BYTES = (
    select(func.length(templates.c.vector))
    .where(
        templates.c.gallery_id == bindparam("gallery_id"),
        templates.c.checkpoint_id == bindparam("checkpoint_id"),
    )
    .limit(1)
)
_SUBJECTS = (
    select(
        subjects.c.id,
        subjects.c.external_id,
        subjects.c.name,
        subjects.c.metadata,
        subjects.c.created_at,
        subjects.c.updated_at,
    )
    .where(subjects.c.gallery_id == bindparam("gallery_id"), subjects.c.id > bindparam("after"))
    .order_by(subjects.c.id)
    .limit(_SUBJECTS_AT_ONCE)
)
_WALKS = (
    select(
        walks.c.id,
        walks.c.subject_id,
        walks.c.created_at,
        walks.c.source,
        walks.c.direction,
        walks.c.quality,
        walks.c.gei,
    )
    .where(walks.c.subject_id.in_(bindparam("subject_ids", expanding=True)))
    .order_by(walks.c.subject_id, walks.c.created_at, walks.c.id)
)
_TEMPLATES = (
    select(templates.c.walk_id, templates.c.checkpoint_id, templates.c.vector)
    .where(templates.c.walk_id.in_(bindparam("walk_ids", expanding=True)))
    .order_by(templates.c.walk_id, templates.c.checkpoint_id, templates.c.id)
)


def export_lines(database: Database, gallery: str) -> Generator[bytes]:
    """A gallery as the lines of a file, each with its line feed.

    All lines are read in one transaction, which lasts until the last of them was taken or the
    iterator is closed. What is in memory at once does not grow with the gallery.

    Args:
        database: where it is.
        gallery: name of the gallery.

    Raises:
        UnknownGallery: there is none; raised before the first line.
    """
    digest = hashlib.sha256()
    counts = {"subject": 0, "walk": 0}
    template_count = 0
    with database.read() as connection:
        found = connection.execute(_GALLERY, {"name": gallery}).one_or_none()
        if found is None:
            raise UnknownGallery(gallery)
        line = _packed(_header(connection, found, database.now()))
        digest.update(line)
        yield line
        for fields in _subjects_and_walks(connection, found.id):
            counts[str(fields["kind"])] += 1
            template_count += len(fields.get("embeddings", ()))
            line = _packed(fields)
            digest.update(line)
            yield line
    yield _packed(
        {
            "kind": "end",
            "subjects": counts["subject"],
            "walks": counts["walk"],
            "templates": template_count,
            "sha256": digest.hexdigest(),
        }
    )


def _packed(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _header(connection: Connection, gallery: AnyRow, now: datetime) -> dict[str, object]:
    which = {"gallery_id": gallery.id}
    template_counts = connection.execute(_TEMPLATE_COUNTS, which).all()
    return {
        "kind": "gallery",
        "format": FORMAT,
        "version": VERSION,
        "gallery": gallery.name,
        "rules": {
            "walks_per_subject": gallery.walks_per_subject,
            "keep_walks_days": gallery.keep_walks_days,
            "keep_subjects_days": gallery.keep_subjects_days,
        },
        "checkpoints": [
            {
                "id": checkpoint_id,
                "embedding_size": connection.execute(
                    _VECTOR_BYTES, which | {"checkpoint_id": checkpoint_id}
                ).scalar_one()
                // _FLOAT32_BYTES,
            }
            for checkpoint_id, _ in template_counts
        ],
        "subjects": connection.execute(_SUBJECT_COUNT, which).scalar_one(),
        "walks": connection.execute(_WALK_COUNT, which).scalar_one(),
        "templates": sum(count for _, count in template_counts),
        "created_at": now.isoformat(),
    }


def _subjects_and_walks(connection: Connection, gallery_id: int) -> Iterator[dict[str, Any]]:
    after = 0
    while page := connection.execute(_SUBJECTS, {"gallery_id": gallery_id, "after": after}).all():
        # Both come by the subject's number, so that the walks need not be collected.
        by_subject = groupby(
            _walks_of(connection, [row.id for row in page]), key=lambda walk: walk[0].subject_id
        )
        following = next(by_subject, None)
        for subject in page:
            yield {
                "kind": "subject",
                "subject": subject.external_id,
                "name": subject.name,
                "metadata": subject.metadata,
                "created_at": subject.created_at.isoformat(),
                "updated_at": subject.updated_at.isoformat(),
            }
            if following is not None and following[0] == subject.id:
                for walk, vectors in following[1]:
                    yield _walk_fields(walk, vectors)
                following = next(by_subject, None)
        after = page[-1].id


def _walks_of(
    connection: Connection, subject_ids: Sequence[int]
) -> Iterator[tuple[AnyRow, list[tuple[str, bytes]]]]:
    rows = connection.execute(
        _WALKS,
        {"subject_ids": subject_ids},
        execution_options={"stream_results": True, "yield_per": _WALKS_AT_ONCE},
    )
    for some in rows.partitions():
        vectors: dict[str, list[tuple[str, bytes]]] = {walk.id: [] for walk in some}
        for walk_id, checkpoint_id, vector in connection.execute(
            _TEMPLATES, {"walk_ids": list(vectors)}
        ):
            vectors[walk_id].append((checkpoint_id, vector))
        for walk in some:
            yield walk, vectors[walk.id]


def _walk_fields(walk: AnyRow, vectors: list[tuple[str, bytes]]) -> dict[str, object]:
    return {
        "kind": "walk",
        "id": walk.id,
        "created_at": walk.created_at.isoformat(),
        "source": walk.source,
        "direction": walk.direction,
        "quality": walk.quality,
        "gei": _base64(walk.gei),
        "embeddings": {checkpoint_id: _base64(vector) for checkpoint_id, vector in vectors},
    }


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")
