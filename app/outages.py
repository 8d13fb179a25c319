"""What may fail around the service for a while: its disk and its database.

Nothing of a call that met one of these was kept, unless the detail says otherwise; a job that met
one is put back and runs again. The service goes on by itself as soon as the cause is gone.
"""

from __future__ import annotations

import errno
from typing import ClassVar

from app.errors import Problem

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_TOO_MANY_FILES = frozenset({errno.EMFILE, errno.ENFILE})


class Outage(Problem):
    """Something the service stands on is not there at the moment. Try again a little later."""

    status = 503
    slug = "outage"
    title = "The service cannot work at the moment"
    advice = "Wait for the seconds in Retry-After, then send the call again."
    retry_after_seconds: ClassVar[int] = 5

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After, in seconds."""
        return {"Retry-After": str(self.retry_after_seconds)}


class DatabaseAway(Outage):
    """The database does not answer. The call may be sent again, with the same Idempotency-Key."""

    slug = "database-away"
    title = "The database does not answer"
    advice = (
        "Wait for the seconds in Retry-After, then send the call again; under the same"
        " Idempotency-Key it is done once, even if the database had just done it."
    )


class StorageFull(Outage):
    """There is no room left where the service keeps its data."""

    slug = "storage-full"
    title = "There is no room left to store anything"
    advice = (
        "Send the call again later. Whoever runs the service: free some room under the data folder"
        " or the database; nothing needs to be restarted."
    )
    retry_after_seconds = 30


class StorageReadOnly(Outage):
    """The place where the service keeps its data cannot be written to."""

    slug = "storage-read-only"
    title = "The service cannot write at the moment"
    advice = (
        "Send the call again later; what only reads is answered. Whoever runs the service: make"
        " the data folder or the database writable again; nothing needs to be restarted."
    )
    retry_after_seconds = 30


class StorageAway(Outage):
    """The place where recordings lie until they are worked on does not answer."""

    slug = "storage-away"
    title = "The storage of uploads does not answer"
    advice = (
        "Send the call again later. Whoever runs the service: see docs/storage.md; nothing needs to"
        " be restarted."
    )


class TooManyOpenFiles(Outage):
    """The service has as many files and connections open as the system lets it."""

    slug = "too-busy"
    title = "The service has more work than it can take"


def outage_of(error: BaseException) -> Outage | None:
    """The outage behind an error, if there is one: itself, or what the operating system said.

    What a database said is found out where the database is (`app.registry.database_outages`).
    """
    if isinstance(error, Outage):
        return error
    if not isinstance(error, OSError):
        return None
    if error.errno in _FULL:
        return StorageFull("The disk under the data folder is full.")
    if error.errno == errno.EROFS:
        return StorageReadOnly("The data folder cannot be written to.")
    if error.errno in _TOO_MANY_FILES:
        return TooManyOpenFiles("Too many files and connections are open.")
    return None
