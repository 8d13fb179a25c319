"""The log as the rest of the service reads it, and as it notes what belongs to no transaction."""

from __future__ import annotations

from app.registry.audit.actions import Action, Detail
from app.registry.audit.chain import note, read_head
from app.registry.audit.entry import Head
from app.registry.database import Database


class AuditLog:
    """One database's log.

    Args:
        database: where it is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, action: Action, **details: Detail) -> None:
        """Writes down what changes nothing in the database; see `app.registry.audit.note`."""
        with self._database.write() as connection:
            note(connection, action, **details)

    def head(self) -> Head | None:
        """The end of the chain; None where nothing was ever noted."""
        with self._database.read() as connection:
            return read_head(connection)
