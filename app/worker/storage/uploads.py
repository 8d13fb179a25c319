"""Uploads while their job lasts, as one process sees them; where they lie is the shelf's affair.

The name that the client gave a file is kept nowhere. An upload is removed when its job has ended.
What was left by mistakes and deaths goes in three ways: a process looks through its own uploads;
the processes of one data folder see each other die, and tidy up at once; and on a shelf that is
shared beyond one data folder, whoever has given no sign of life for an hour is taken to be dead.
An upload that a job in the registry still needs is never removed.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from app.outages import StorageAway, outage_of
from app.worker.storage.folder_shelf import FolderShelf
from app.worker.storage.shelf import Shelf
from app.worker.storage.upload_file import UploadFile

GRACE: Final = timedelta(hours=1)
"""Silence after which an instance elsewhere counts as dead, and age below which nothing of such an
instance is touched. Signs are given every minute; a client may send for hours."""

_log = structlog.get_logger(__name__)


class UploadStorage:
    """The uploads of one service, seen by one process.

    Args:
        place: the folder or the shelf where they lie.
        instance_id: this process; it names what is received here.
        grace: silence after which an instance elsewhere counts as dead.
    """

    def __init__(self, place: Path | Shelf, instance_id: str, *, grace: timedelta = GRACE) -> None:
        self._shelf: Shelf = FolderShelf(place) if isinstance(place, Path) else place
        self._instance_id = instance_id
        self._grace = grace
        self._lock = threading.Lock()
        # Being received, or complete and not yet a job's.
        self._unclaimed: set[str] = set()
        # Of those, what others may have removed while this process was silent.
        self._doubtful: set[str] = set()
        self._sign_given = float("-inf")
        self._owes_removals = False
        self._shelf.open(instance_id)

    @property
    def is_shared(self) -> bool:
        """Whether machines use it that do not share this one's data folder."""
        return self._shelf.is_shared

    @property
    def owes_removals(self) -> bool:
        """Whether something could not be removed that `remove_unneeded` may remove now."""
        return self._owes_removals

    def begin(self) -> UploadFile:
        """Opens a new, empty upload for writing; nobody tidies it away until `hand_over`.

        Raises:
            Outage: the storage is not there.
        """
        name = f"{self._instance_id}/{secrets.token_hex(16)}"
        with self._lock:
            self._unclaimed.add(name)
        try:
            return UploadFile(name, self._shelf.create(name), on_discard=self.hand_over)
        except BaseException:
            self.hand_over((name,))
            raise

    def vouch(self, names: Iterable[str]) -> None:
        """Makes sure that nobody else can have taken this process for dead, and its uploads away.

        Args:
            names: uploads that are about to become a job's.

        Raises:
            StorageAway: signs of life did not arrive for so long that they may be gone.
        """
        with self._lock:
            doubtful = not self._doubtful.isdisjoint(names)
        if self._shelf.is_shared and (doubtful or self._was_silent()):
            raise StorageAway("The storage of uploads did not answer for a while.")

    def hand_over(self, names: Iterable[str]) -> None:
        """From here on the uploads belong to a job in the registry, or to nobody."""
        with self._lock:
            self._unclaimed.difference_update(names)
            self._doubtful.intersection_update(self._unclaimed)

    def fetched(self, names: Sequence[str]) -> AbstractContextManager[list[Path]]:
        """Uploads as files to read, in the same order, for as long as the block lasts.

        Raises:
            RecordingLost: one of them is gone.
            Outage: the storage is not there, or this machine has no room.
        """
        return self._shelf.fetched(names)

    def discard(self, names: Iterable[str]) -> bool:
        """Removes uploads; those already gone are no error.

        Where the storage is away, whoever received them removes them when it is back.

        Returns:
            Whether they are gone now.
        """
        try:
            self._shelf.remove(list(names))
        except Exception as error:
            outage = outage_of(error)
            if outage is None:
                raise
            _log.warning("uploads are removed later", reason=outage.detail)
            self._owes_removals = True
            return False
        return True

    def remove_unneeded(self, needed: Callable[[], Collection[str]]) -> None:
        """Removes what this process received and no job needs (any more).

        Args:
            needed: asks the registry. It is asked after the storage, not before: an upload is a
                job's before it is handed over.

        Raises:
            Outage: the storage or the registry is away.
        """
        items = self._shelf.stock(self._instance_id).items
        with self._lock:
            handed_over = [item for item in items if item.name not in self._unclaimed]
        if handed_over:
            keep = set(needed())
            self._shelf.drop([item for item in handed_over if item.name not in keep])
        self._owes_removals = False

    def left_by(self, dead: Collection[str], is_registered: Callable[[str], bool]) -> list[str]:
        """The instances of this data folder that are gone and may have left something.

        Args:
            dead: those that are known to have died.
            is_registered: whether an instance of this data folder lives.
        """
        here = (room for room in self._shelf.rooms_here() if not is_registered(room))
        return sorted({*dead, *here})

    def tidy(self, instance_id: str, keep: Collection[str]) -> None:
        """Removes what a dead instance left, except the uploads that unfinished jobs still need.

        Args:
            instance_id: who is dead.
            keep: names of uploads that must stay.

        Raises:
            Outage: the storage is away.
        """
        self._shelf.clear_room(instance_id)
        items = self._shelf.stock(instance_id).items
        self._shelf.drop([item for item in items if item.name not in keep])
        self._shelf.take_sign([instance_id])

    def give_sign(self) -> None:
        """Tells processes elsewhere that this one lives.

        Raises:
            Outage: the storage is away.
        """
        if not self._shelf.is_shared:
            return
        began = _now()
        self._shelf.give_sign(self._instance_id)
        with self._lock:
            if self._was_silent():
                self._doubtful |= self._unclaimed
            self._sign_given = began

    def _was_silent(self) -> bool:
        return _now() - self._sign_given > self._grace.total_seconds() / 2

    def remove_orphans(self, needed: Callable[[], Collection[str]]) -> int:
        """Removes what instances elsewhere left that have been silent for too long.

        Args:
            needed: asks the registry, after the storage; see `remove_unneeded`.

        Returns:
            How many were removed.

        Raises:
            Outage: the storage or the registry is away.
        """
        if not self._shelf.is_shared:
            return 0
        self.give_sign()
        stock = self._shelf.stock()
        now = stock.signs.get(self._instance_id)  # by the clock that everything else is dated by
        if now is None:
            return 0
        silent = {who for who, sign in stock.signs.items() if now - sign > self._grace}
        alive = stock.signs.keys() - silent
        orphans = [
            item
            for item in stock.items
            if item.instance not in alive and now - item.changed_at > self._grace
        ]
        keep = set(needed()) if orphans else set()
        orphans = [item for item in orphans if item.name not in keep]
        self._shelf.drop(orphans)
        self._shelf.take_sign(silent)
        return len(orphans)

    def close(self, keep: Collection[str]) -> None:
        """Leaves: removes what this process received but for the uploads still needed."""
        try:
            self.tidy(self._instance_id, keep)
        except Exception as error:
            outage = outage_of(error)
            if outage is None:
                raise
            _log.warning("uploads are removed later", reason=outage.detail)
        finally:
            self._shelf.close()


def _now() -> float:
    # Goes on while the machine sleeps, unlike `monotonic`: to others the process is silent then.
    return time.clock_gettime(time.CLOCK_BOOTTIME)
