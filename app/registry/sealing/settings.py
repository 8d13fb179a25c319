"""The master keys that the settings name, and whether they are the ones the data need."""

from __future__ import annotations

from app.registry.database import Database
from app.registry.sealing.checking import require_master_keys
from app.registry.sealing.master_keys import MasterKeySource, MasterKeyUnusable, open_master_keys
from app.registry.sealing.problems import MasterKeyMissing
from app.settings import Settings


class CannotDecrypt(Exception):
    """The keys that are set are none, or not those the data need; the message says which."""


def master_key_source(settings: Settings) -> MasterKeySource | None:
    """Gives the keys that are set; None where none is.

    Raises:
        MasterKeyUnusable: one of them is no key.
    """
    return open_master_keys(settings.master_key, settings.old_master_keys, settings.master_key_file)


def require_usable_keys(settings: Settings) -> None:
    """Says in one sentence what a start would say in a page.

    Raises:
        CannotDecrypt: a key is none, or something is encrypted under one that is not set.
    """
    try:
        database = Database(settings.resolved_database_url, master_keys=master_key_source(settings))
        try:
            require_master_keys(database)
        finally:
            database.close()
    except MasterKeyUnusable as unusable:
        raise CannotDecrypt(str(unusable)) from unusable
    except MasterKeyMissing as missing:
        raise CannotDecrypt(f"{missing.detail} {missing.advice}") from missing
