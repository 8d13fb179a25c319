"""Sessions: a browser that signed in with a key, and need not keep the key."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import delete, insert, select

from app.registry.audit import note
from app.registry.database import Database
from app.registry.keys import KEY_COLUMNS, Key, holds, key_of
from app.registry.tables import keys, sessions

_TOKEN_BYTES: Final = 32
SESSION_LIFE: Final = timedelta(hours=12)


class Sessions:
    """The sessions of one database.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: Key) -> tuple[str, datetime]:
        """Begins a session.

        Args:
            key: that was shown to be the caller's.

        Returns:
            The token, of 256 random bits and kept nowhere, and when it is over, in UTC.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._database.now()
        ends = (
            now + SESSION_LIFE
            if key.expires_at is None
            else min(now + SESSION_LIFE, key.expires_at)
        )
        with self._database.write() as connection:
            connection.execute(
                insert(sessions).values(
                    digest=_digest(token), key_id=key.id, created_at=now, expires_at=ends
                )
            )
            note(connection, "session.opened", key=key.id)
        return token, ends

    def key_of(self, token: str) -> Key | None:
        """The key that a session began with, if both hold now.

        Looked up by the digest of 256 random bits: what takes longer tells nobody anything.

        Args:
            token: whatever somebody sent.
        """
        now = self._database.now()
        found = self._database.ask(
            select(*KEY_COLUMNS)
            .join(sessions, sessions.c.key_id == keys.c.id)
            .where(sessions.c.digest == _digest(token), sessions.c.expires_at > now, holds(now))
        )
        return key_of(found[0]) if found else None

    def end(self, token: str) -> None:
        """Ends a session; one that is none is no error."""
        with self._database.write() as connection:
            ended = connection.execute(
                delete(sessions)
                .where(sessions.c.digest == _digest(token))
                .returning(sessions.c.key_id)
            ).one_or_none()
            if ended is not None:
                note(connection, "session.closed", key=ended.key_id)

    def purge(self) -> None:
        """Forgets the sessions that are over, or whose key is."""
        now = self._database.now()
        ended = select(keys.c.id).where(~holds(now))
        with self._database.write() as connection:
            connection.execute(
                delete(sessions).where(
                    (sessions.c.expires_at <= now) | sessions.c.key_id.in_(ended)
                )
            )


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="replace")).digest()
