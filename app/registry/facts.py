"""What is true of the database as a whole: small texts by key."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from app.registry.columns import new_id
from app.registry.database import Database, insert_unless_there
from app.registry.tables import facts

_EPOCH = "epoch"

_KNOWN = select(facts.c.value).where(facts.c.key == _EPOCH)
EPOCH_NOW = _KNOWN.scalar_subquery().label("epoch")
"""A column with the epoch, for a statement that asks something else; NULL before the first call."""


def epoch(database: Database) -> str:
    """Names the history that this database's revisions and template ids belong to.

    Both count up for ever, until a backup is restored: then they go back, and the next changes
    give the same numbers to other vectors. So a restored database has another epoch, and what is
    kept outside of it (snapshots of indexes) holds only in the epoch that it was made in.

    Args:
        database: migrated.

    Returns:
        A UUID: drawn by the first call, the same one in every process from then on.
    """
    known = database.ask(_KNOWN)
    if known:
        return str(known[0].value)
    with database.write() as connection:
        insert_unless_there(connection, facts, {"key": _EPOCH, "value": new_id()})
        return str(connection.execute(_KNOWN).scalar_one())


def end_epoch(connection: Connection) -> None:
    """Forgets the epoch: the next call of `epoch` draws another. For a restored database."""
    connection.execute(delete(facts).where(facts.c.key == _EPOCH))
