"""A gallery leaves the database line by line, as it is at one instant."""

from __future__ import annotations

import binascii
import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from app.errors import UnknownGallery
from app.registry.columns import AnyRow
from app.registry.database import Database
from app.registry.exchange.lines import FORMAT, VERSION
from app.registry.rotation import ROTATION_COLUMNS, Rotation, stored_rotation
from app.registry.sealing import KEY_COLUMNS, VECTOR_BYTES, Vault, stored_key
from app.registry.tables import data_keys, galleries, subjects, templates, walks

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
    *ROTATION_COLUMNS,
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
    select(VECTOR_BYTES)
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
        walks.c.data_key_id,
        *KEY_COLUMNS,
    )
    .outerjoin(data_keys, data_keys.c.id == walks.c.data_key_id)
    .where(walks.c.subject_id.in_(bindparam("subject_ids", expanding=True)))
    .order_by(walks.c.subject_id, walks.c.created_at, walks.c.id)
)
_TEMPLATES = (
    select(
        templates.c.walk_id,
        templates.c.checkpoint_id,
        templates.c.vector,
        templates.c.data_key_id,
        *KEY_COLUMNS,
    )
    .outerjoin(data_keys, data_keys.c.id == templates.c.data_key_id)
    .where(templates.c.walk_id.in_(bindparam("walk_ids", expanding=True)))
    .order_by(templates.c.walk_id, templates.c.checkpoint_id, templates.c.id)
)


@dataclass(frozen=True, slots=True)
class _ExportedWalk:
    """A walk's line, and the number of whose it is."""

    subject_id: int
    fields: dict[str, Any]


def export_lines(database: Database, gallery: str) -> Generator[bytes]:
    """A gallery as the lines of a file, each with its line feed.

    All lines are read in one transaction, which lasts until the last of them was taken or the
    iterator is closed. What is in memory at once does not grow with the gallery. Vectors are as the
    encoder gave them, out of a protected gallery too: the file is for any service.

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
        rotation = stored_rotation(found).opened(database.vault)
        line = _packed(_header(connection, found, database.now()))
        digest.update(line)
        yield line
        for fields in _subjects_and_walks(connection, database.vault, rotation, found.id):
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


def _subjects_and_walks(
    connection: Connection, vault: Vault, rotation: Rotation, gallery_id: int
) -> Iterator[dict[str, Any]]:
    after = 0
    while page := connection.execute(_SUBJECTS, {"gallery_id": gallery_id, "after": after}).all():
        # Both come by the subject's number, so that the walks need not be collected.
        by_subject = groupby(
            _walks_of(connection, vault, rotation, [row.id for row in page]),
            key=lambda walk: walk.subject_id,
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
                for walk in following[1]:
                    yield walk.fields
                following = next(by_subject, None)
        after = page[-1].id


def _walks_of(
    connection: Connection, vault: Vault, rotation: Rotation, subject_ids: Sequence[int]
) -> Iterator[_ExportedWalk]:
    rows = connection.execute(
        _WALKS,
        {"subject_ids": subject_ids},
        execution_options={"stream_results": True, "yield_per": _WALKS_AT_ONCE},
    )
    for some in rows.partitions():
        opening = vault.opening()
        embeddings: dict[str, dict[str, str]] = {walk.id: {} for walk in some}
        for row in connection.execute(_TEMPLATES, {"walk_ids": list(embeddings)}):
            vector = opening.vector(row.walk_id, row.checkpoint_id, row.vector, stored_key(row))
            plain = rotation.turned_back_bytes(vector)
            embeddings[row.walk_id][row.checkpoint_id] = _base64(plain)
        for walk in some:
            gei = opening.gei(walk.id, walk.gei, stored_key(walk))
            yield _ExportedWalk(walk.subject_id, _walk_fields(walk, gei, embeddings[walk.id]))


def _walk_fields(walk: AnyRow, gei: bytes, embeddings: Mapping[str, str]) -> dict[str, object]:
    return {
        "kind": "walk",
        "id": walk.id,
        "created_at": walk.created_at.isoformat(),
        "source": walk.source,
        "direction": walk.direction,
        "quality": walk.quality,
        "gei": _base64(gei),
        "embeddings": embeddings,
    }


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")
