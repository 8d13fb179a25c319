"""Keys: who may call, and what. A key is shown once; what is stored cannot be used to call."""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import ColumnElement, insert, or_, select, update

from app.errors import InvalidField, Problem
from app.registry.acting import actor
from app.registry.audit import note
from app.registry.columns import AnyRow
from app.registry.database import Database, insert_unless_there
from app.registry.fields import clean_gallery, clean_name
from app.registry.job import IdempotencyKey
from app.registry.kept_answers import once
from app.registry.scopes import SCOPES, Scope
from app.registry.tables import keys

_SECRET_BYTES: Final = 32
_ID_CHARACTERS: Final = 10
_ID_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_KEY: Final = re.compile(rf"wp_([a-z0-9]{{{_ID_CHARACTERS}}})_[A-Za-z0-9_-]{{43}}")
_USE_NOTED_EVERY: Final = timedelta(minutes=1)
_NOBODY: Final = bytes(32)
"""No key has this digest; unknown ids are compared with it, so that they take as long as known."""


class UnknownKey(Problem):
    """There is no key of this id."""

    status = 404
    slug = "unknown-key"
    title = "There is no such key"
    advice = "GET /keys lists them; the id is the part between the two underscores."

    def __init__(self) -> None:
        # Without what was asked for: that may be a whole key.
        super().__init__("No key has this id.")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made.

    Attributes:
        label: whose it is and what for, for people to read.
        scopes: what it allows; without any it shows figures and nothing else.
        galleries: names of the only ones it sees, which need not exist yet; None for all.
        requests_per_minute: calls it has; None for as many as the service grants all.
        expires_at: from when on it is refused, in UTC; None for never.
    """

    label: str
    scopes: Sequence[Scope]
    galleries: Sequence[str] | None = None
    requests_per_minute: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept, which is not enough to call with.

    Attributes:
        id: stands in the key itself, between the underscores.
        label: for people to read.
        scopes: what it allows.
        galleries: names of the only ones it sees; None for all.
        requests_per_minute: calls it has; None for as many as the service grants all.
        created_at: in UTC.
        created_by: as the audit log names callers.
        expires_at: in UTC; None for never.
        revoked_at: in UTC; None while it holds.
        last_used_at: in UTC, to the minute; None before the first call.
    """

    id: str
    label: str
    scopes: tuple[Scope, ...]
    galleries: tuple[str, ...] | None
    requests_per_minute: int | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def name(self) -> str:
        """Whoever calls with it, as the audit log names callers."""
        return f"key:{self.id}"


KEY_COLUMNS: Final = (
    keys.c.id,
    keys.c.label,
    keys.c.scopes,
    keys.c.galleries,
    keys.c.requests_per_minute,
    keys.c.created_at,
    keys.c.created_by,
    keys.c.expires_at,
    keys.c.revoked_at,
    keys.c.last_used_at,
)


class Keys:
    """The keys of one database. Safe for threads to share.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._any_made = threading.Event()

    def create(
        self, new_key: NewKey, *, idempotency: IdempotencyKey | None = None
    ) -> tuple[Key, str | None]:
        """Makes a key.

        Args:
            new_key: what it is to allow.
            idempotency: the caller's, if there is one.

        Returns:
            The key, and its text: kept nowhere, so this is the only time it can be shown. None for
            a call that was answered before.

        Raises:
            InvalidField: label, scopes, galleries, limit or expiry cannot be.
            IdempotencyKeyReused: the key of idempotency was used for another call.
        """
        key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARACTERS))
        text = f"wp_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        now = self._database.now()
        row = self._row(text, new_key, now)
        with self._database.write() as connection:

            def make() -> dict[str, object]:
                connection.execute(insert(keys), row)
                note(connection, "key.created", key=key_id, scopes=sorted(new_key.scopes))
                return {"key": key_id}

            answer, replayed = once(connection, idempotency, now, make)
            made = key_of(
                connection.execute(
                    select(*KEY_COLUMNS).where(keys.c.id == str(answer["key"]))
                ).one()
            )
        return made, None if replayed else text

    def adopt(self, text: str, label: str) -> None:
        """Makes a key of which somebody else drew the text an administrator's; once.

        Args:
            text: the whole key.
            label: for people to read.

        Raises:
            InvalidField: it does not have the form of a key.
        """
        row = self._row(text, NewKey(label, ("admin",)), self._database.now())
        with self._database.write() as connection:
            if insert_unless_there(connection, keys, row):
                note(connection, "key.created", key=str(row["id"]), scopes=["admin"])

    def list(self) -> tuple[Key, ...]:
        """All keys, revoked ones too, in the order in which they were made."""
        rows = self._database.ask(select(*KEY_COLUMNS).order_by(keys.c.created_at, keys.c.id))
        return tuple(key_of(row) for row in rows)

    def revoke(self, key_id: str) -> Key:
        """Ends a key, and the sessions that began with it; again, nothing more happens.

        Raises:
            UnknownKey: there is none of this id.
        """
        now = self._database.now()
        with self._database.write() as connection:
            ended = connection.execute(
                update(keys)
                .where(keys.c.id == key_id, keys.c.revoked_at.is_(None))
                .values(revoked_at=now)
                .returning(keys.c.id)
            ).one_or_none()
            row = connection.execute(select(*KEY_COLUMNS).where(keys.c.id == key_id)).one_or_none()
            if row is None:
                raise UnknownKey
            if ended is not None:
                note(connection, "key.revoked", key=key_id)
        return key_of(row)

    def authenticate(self, text: str) -> Key | None:
        """The key of this text, if it holds now.

        Args:
            text: whatever somebody sent.
        """
        shape = _KEY.fullmatch(text)
        key_id = shape.group(1) if shape else ""
        now = self._database.now()
        found = self._database.ask(
            select(*KEY_COLUMNS, keys.c.digest).where(keys.c.id == key_id, holds(now))
        )
        row = found[0] if found else None
        stored = _NOBODY if row is None else row.digest
        if (
            not hmac.compare_digest(sha256(text.encode(errors="replace")).digest(), stored)
            or row is None
        ):
            return None
        if row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY:
            self._note_use(key_id, now)
        return key_of(row)

    def any_made(self) -> bool:
        """Whether there ever was a key, revoked and expired ones included."""
        if not self._any_made.is_set():
            if not self._database.ask(select(keys.c.id).limit(1)):
                return False
            self._any_made.set()
        return True

    def _row(self, text: str, new_key: NewKey, now: datetime) -> dict[str, object]:
        key_id = id_in(text)
        if unknown := set(new_key.scopes) - set(SCOPES):
            raise InvalidField("scopes", f"There is no scope '{min(unknown)}'.")
        limit = new_key.requests_per_minute
        if limit is not None and not 1 <= limit <= 1_000_000:
            raise InvalidField("requests_per_minute", "The limit is from 1 to 1,000,000.")
        if new_key.expires_at is not None and new_key.expires_at <= now:
            raise InvalidField("expires_at", "That is over already.")
        label = clean_name(new_key.label)
        if label is None:
            raise InvalidField("label", "Say whose key it is, or what for.")
        galleries = new_key.galleries
        return {
            "id": key_id,
            "digest": sha256(text.encode()).digest(),
            "label": label,
            "scopes": sorted(set(new_key.scopes)),
            "galleries": None if galleries is None else sorted(set(map(clean_gallery, galleries))),
            "requests_per_minute": limit,
            "created_at": now,
            "created_by": actor(),
            "expires_at": new_key.expires_at,
        }

    def _note_use(self, key_id: str, now: datetime) -> None:
        with self._database.write(durable=False) as connection:
            connection.execute(update(keys).where(keys.c.id == key_id).values(last_used_at=now))


def id_in(text: str) -> str:
    """The id in the text of a key.

    Raises:
        InvalidField: it does not have the form of a key.
    """
    shape = _KEY.fullmatch(text)
    if shape is None:
        raise InvalidField(
            "key", "A key is wp_, ten small letters or digits, _, and 43 characters of base64."
        )
    return shape.group(1)


def holds(now: datetime) -> ColumnElement[bool]:
    """Whether a key, by `keys.c`, is neither revoked nor over."""
    return keys.c.revoked_at.is_(None) & or_(keys.c.expires_at.is_(None), keys.c.expires_at > now)


def key_of(row: AnyRow) -> Key:
    """A key out of its row of KEY_COLUMNS."""
    return Key(
        id=row.id,
        label=row.label,
        scopes=tuple(row.scopes),
        galleries=None if row.galleries is None else tuple(row.galleries),
        requests_per_minute=row.requests_per_minute,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
