"""Answers kept under an Idempotency-Key, for calls that make neither a job nor a gallery."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from app.registry.database import insert_unless_there
from app.registry.job import IdempotencyKey
from app.registry.tables import idempotency_keys

Answer = dict[str, object]


def once(
    connection: Connection, key: IdempotencyKey | None, now: datetime, act: Callable[[], Answer]
) -> tuple[Answer, bool]:
    """Does something unless it was done under this key before.

    Of two transactions with one key the second waits for the first and gets its answer.

    Args:
        connection: of a writing transaction.
        key: the caller's, if there is one.
        now: in UTC.
        act: does it and gives the answer, which must not hold anything about a person.

    Returns:
        The answer, and True when it is that of an earlier call.

    Raises:
        IdempotencyKeyReused: the key was used for another call.
    """
    if key is None:
        return act(), False
    claim = {"key": key.key_hash, "fingerprint": key.fingerprint, "created_at": now}
    # PostgreSQL waits here for a transaction that is just doing the same.
    if not insert_unless_there(connection, idempotency_keys, claim):
        seen = connection.execute(
            select(idempotency_keys.c.fingerprint, idempotency_keys.c.answer).where(
                idempotency_keys.c.key == key.key_hash
            )
        ).one()
        key.require_same_call(seen.fingerprint)
        return seen.answer, True
    answer = act()
    connection.execute(
        update(idempotency_keys).where(idempotency_keys.c.key == key.key_hash).values(answer=answer)
    )
    return answer, False


def forget_answers(connection: Connection, before: datetime) -> None:
    """Deletes the kept answers that are older than this; keys of jobs go with their jobs."""
    connection.execute(
        delete(idempotency_keys).where(
            idempotency_keys.c.answer.is_not(None), idempotency_keys.c.created_at < before
        )
    )
