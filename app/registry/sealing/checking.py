"""Which master keys a database needs, before anything of it is read."""

from __future__ import annotations

from sqlalchemy import Connection, func, inspect, select

from app.registry.database import Database
from app.registry.sealing.problems import MasterKeyMissing
from app.registry.tables import data_keys, galleries


def require_master_keys(database: Database) -> None:
    """Makes sure that every master key that something is encrypted under is set.

    Raises:
        MasterKeyMissing: one is not; names its fingerprint.
    """
    keys = database.vault.keys
    known = frozenset() if keys is None else keys.fingerprints
    with database.read() as connection:
        if not inspect(connection).has_table(data_keys.name):
            return  # from before there was encryption, or not migrated yet
        for fingerprint in masters_in_use(connection):
            if fingerprint not in known:
                raise MasterKeyMissing(fingerprint)


def masters_in_use(connection: Connection) -> tuple[str, ...]:
    """Fingerprints of the master keys that wrap something, in their order."""
    protecting = connection.execute(
        select(galleries.c.rotation_master)
        .where(galleries.c.rotation_master.is_not(None))
        .distinct()
    ).scalars()
    found = set(protecting)
    # From one to the next through the index, whatever the number of keys.
    last = ""
    while True:
        following: str | None = connection.execute(
            select(func.min(data_keys.c.master)).where(data_keys.c.master > last)
        ).scalar_one()
        if following is None:
            return tuple(sorted(found))
        found.add(following)
        last = following
