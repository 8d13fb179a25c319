"""Appending to the log: a deed and its entry are committed together, or neither is.

`note` only collects; `Database.write` appends what was collected right before it commits. So the
lock of the head comes after all other locks, wherever in the transaction something is noted,
and it is held no longer than a few statements and the commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, cast

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.registry.acting import actor
from app.registry.audit.actions import Action, Detail
from app.registry.audit.entry import (
    NOTHING,
    Head,
    StoredEntry,
    about_another_key,
    chained,
    entry_text,
    signed_head,
)
from app.registry.columns import Clock
from app.registry.signing import Signer
from app.registry.tables import audit, audit_head

_HEAD: Final = select(
    audit_head.c.seq, audit_head.c.hash, audit_head.c.signature, audit_head.c.signer
)
_LOCKED_HEAD: Final = _HEAD.with_for_update()
_LAST_ENTRY: Final = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
_APPEND: Final = insert(audit)
_MOVE_HEAD: Final = update(audit_head).values(
    seq=bindparam("new_seq"),
    hash=bindparam("new_hash"),
    signature=bindparam("new_signature"),
    signer=bindparam("new_signer"),
)
_COLLECTED: Final = "walkprint audit"


@dataclass(slots=True)
class Noted:
    """A deed on its way into the log.

    Attributes:
        actor: who did it.
        action: what was done.
        details: to what.
        stored: its entry, once the transaction has been committed; None before.
    """

    actor: str
    action: Action
    details: dict[str, Detail]
    stored: StoredEntry | None = None


def note(connection: Connection, action: Action, **details: Detail) -> Noted:
    """Writes down that the present actor does something, if the transaction is committed.

    Args:
        connection: of a writing transaction (`Database.write`).
        action: what is done.
        details: to what: numbers of rows, counts; see `Detail`.

    Returns:
        The deed, which knows its entry after the commit.

    Raises:
        RuntimeError: outside of a writing transaction.
    """
    collected = cast("list[Noted] | None", connection.info.get(_COLLECTED))
    if collected is None:
        raise RuntimeError("only a writing transaction can be noted in the audit log")
    noted = Noted(actor(), action, details)
    collected.append(noted)
    return noted


class Chain:
    """The writing end of one database's log. Safe for threads to share.

    Args:
        signer: signs the head; None leaves it unsigned, which a check of the log reports.
        clock: gives the present instant in UTC.
    """

    def __init__(self, signer: Signer | None, clock: Clock) -> None:
        self._signer = signer
        self._now = clock
        # Of a head that was signed here: what need not be checked again before going on from it.
        self._signed_here: tuple[int, bytes] | None = None

    @contextmanager
    def collecting(self, connection: Connection) -> Iterator[None]:
        """Appends what is noted within the block at its end, unless an error leaves it."""
        # Of the driver's connection: the pool hands it on to others.
        info = connection.info
        collected: list[Noted] = []
        info[_COLLECTED] = collected
        try:
            yield
            if collected:
                self._append(connection, collected)
        finally:
            del info[_COLLECTED]

    def _append(self, connection: Connection, notes: list[Noted]) -> None:
        head = _lock_head(connection)
        if self._signer is not None and not self._is_ours(head, self._signer):
            details = about_another_key(head)
            notes = [Noted(actor(), "audit.head_not_ours", details), *notes]
        chain_hash, rows = head.hash, []
        for seq, each in enumerate(notes, start=head.seq + 1):
            text = entry_text(seq, self._now(), each.actor, each.action, each.details)
            chain_hash = chained(chain_hash, text)
            rows.append({"seq": seq, "entry": text, "hash": chain_hash})
            each.stored = StoredEntry(seq, text, chain_hash)
        connection.execute(_APPEND, rows)
        moved = signed_head(head.seq + len(notes), chain_hash, self._signer)
        connection.execute(
            _MOVE_HEAD,
            {
                "new_seq": moved.seq,
                "new_hash": moved.hash,
                "new_signature": moved.signature,
                "new_signer": moved.signer,
            },
        )
        if self._signer is not None:
            self._signed_here = moved.seq, moved.hash

    def _is_ours(self, head: Head, signer: Signer) -> bool:
        """Whether the chain that is gone on with is one that this key vouches for.

        Without this, the next signature would vouch for whatever a forger has put before it.
        """
        if head == Head(0, NOTHING, None, None) or self._signed_here == (head.seq, head.hash):
            return True
        return head.is_signed_by(signer.public)


def read_head(connection: Connection) -> Head | None:
    """The end of the chain; None where nothing was ever noted."""
    row = connection.execute(_HEAD).one_or_none()
    return None if row is None else Head(*row)


def _lock_head(connection: Connection) -> Head:
    row = connection.execute(_LOCKED_HEAD).one_or_none()
    if row is not None:
        return Head(*row)
    # The first entry of all; or somebody took the head away, and then its signature is missing.
    last = connection.execute(_LAST_ENTRY).one_or_none()
    begin = {"id": 1, "seq": 0, "hash": NOTHING}
    if last is not None:
        begin |= {"seq": last.seq, "hash": last.hash}
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    # PostgreSQL waits here for a transaction that is just doing the same.
    connection.execute(build(audit_head).on_conflict_do_nothing(), begin)
    return Head(*connection.execute(_LOCKED_HEAD).one())
