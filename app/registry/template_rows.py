"""New templates, by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, LargeBinary, String, column, table

from app.registry.bulk_insert import insert_many

_TEMPLATES = table(
    "templates",
    column("walk_id", String),
    column("gallery_id", BigInteger),
    column("subject_id", BigInteger),
    column("checkpoint_id", String),
    column("vector", LargeBinary),
    column("data_key_id", BigInteger),
    column("revision", BigInteger),
)
_TYPES = ("varchar", "int8", "int8", "varchar", "bytea", "int8", "int8")


class TemplateRow(NamedTuple):
    """One row to be, in the order of the table's columns."""

    walk_id: str
    gallery_id: int
    subject_id: int
    checkpoint_id: str
    vector: bytes
    data_key_id: int | None
    revision: int


def insert_templates(connection: Connection, rows: Sequence[TemplateRow]) -> None:
    """Adds templates; they get new ids, in the order given.

    Args:
        connection: of the transaction that raised the gallery's revision.
        rows: any number.
    """
    insert_many(connection, _TEMPLATES, _TYPES, rows)
