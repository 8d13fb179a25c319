"""Locks on several galleries and subjects at once, without deadlocks.

Galleries come first, then subjects, then jobs, each kind in the order of its numbers. What is to be
locked is looked up before; where it changed in between, the transaction is begun anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import Connection, select

from app.registry.database import Database
from app.registry.revision import Raised, raise_revision
from app.registry.tables import galleries, subjects

Result = TypeVar("Result")


class ChangedMeanwhile(Exception):
    """What was looked up is no longer so: begin again."""


def write_until_unchanged(database: Database, act: Callable[[Connection], Result]) -> Result:
    """Runs a writing transaction, anew each time something changed before it was locked."""
    while True:
        try:
            with database.write() as connection:
                return act(connection)
        except ChangedMeanwhile:
            # PostgreSQL only; SQLite's transactions take the one lock there is when they begin.
            continue


def lock_subjects(
    connection: Connection, gallery_of: Mapping[int, int], *also_galleries: int
) -> dict[int, Raised]:
    """Raises the revisions of some galleries and locks subjects in them.

    Args:
        connection: of a writing transaction that holds no such lock yet.
        gallery_of: the number of the gallery, by the number of each subject.
        also_galleries: numbers of galleries without a subject to lock.

    Returns:
        The galleries with their new revisions, by number.

    Raises:
        ChangedMeanwhile: a gallery or a subject is gone, or a subject is elsewhere.
    """
    raised: dict[int, Raised] = {}
    for gallery_id in sorted({*gallery_of.values(), *also_galleries}):
        gallery = raise_revision(connection, galleries.c.id == gallery_id)
        if gallery is None:
            raise ChangedMeanwhile
        raised[gallery_id] = gallery
    found = connection.execute(
        select(subjects.c.id, subjects.c.gallery_id)
        .where(subjects.c.id.in_(list(gallery_of)))
        .order_by(subjects.c.id)
        .with_for_update()
    ).all()
    if {row.id: row.gallery_id for row in found} != dict(gallery_of):
        raise ChangedMeanwhile
    return raised
