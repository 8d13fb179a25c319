"""Column types that behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, Row
from sqlalchemy.types import TypeDecorator

Clock: TypeAlias = Callable[[], datetime]
AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"

BigId = BigInteger().with_variant(Integer, "sqlite")
"""64-bit identity; SQLite counts up by itself only for columns declared exactly INTEGER."""

Json = JSON(none_as_null=True)
"""JSON text. PostgreSQL's JSON, not JSONB: it gives back exactly what was stored."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware and in UTC in Python, TIMESTAMPTZ in PostgreSQL, naive UTC in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses naive times, which would mean different instants on different machines."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Gives every time back aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utc_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A random id (UUID 4) as text: says nothing about how many there are, or when."""
    return str(uuid.uuid4())
