"""One running process of the service, and how its neighbours notice that it died.

Each process holds an exclusive lock on `{data}/instances/{id}.lock` while it lives. The kernel
drops the lock with the process, however it ends, so that a restarted or sibling process can tell a
dead instance at once, without waiting for a lease to run out.

All of them also share one lock, `{data}/instances/.shared`. Whoever holds that one alone, as a
restore does, knows that no service is running, and keeps one from starting.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FolderInUse(Exception):
    """A service is running on the data folder."""


class Instance:
    """This process's own lock. Build with `Instance.enter`; `leave` gives it back.

    Attributes:
        id: random, in lower-case hexadecimal; names the lease owner and the upload folder.
    """

    def __init__(self, folder: Path, instance_id: str, descriptor: int, shared: int) -> None:
        self.id = instance_id
        self._folder = folder
        self._descriptor = descriptor
        self._shared = shared

    @classmethod
    def enter(cls, folder: Path) -> Instance:
        """Registers this process; waits while a restore replaces the database.

        Args:
            folder: shared by all processes of one data folder; made if missing.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shared = _open_shared(folder)
        fcntl.flock(shared, fcntl.LOCK_SH)
        instance_id = secrets.token_hex(8)
        # Locked under a name nobody looks for, then renamed: a neighbour never sees it unlocked.
        hidden = folder / f".{instance_id}"
        descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        hidden.rename(folder / f"{instance_id}.lock")
        return cls(folder, instance_id, descriptor, shared)

    def leave(self) -> None:
        """Gives the lock back and removes its file."""
        (self._folder / f"{self.id}.lock").unlink(missing_ok=True)
        self.drop()

    def drop(self) -> None:
        """Gives the lock back and leaves its file: to its neighbours this process has died."""
        os.close(self._descriptor)
        os.close(self._shared)

    def is_registered(self, instance_id: str) -> bool:
        """Whether that instance has a lock file: it lives, or nobody has cleaned up after it."""
        return (self._folder / f"{instance_id}.lock").exists()

    @contextmanager
    def dead_neighbours(self) -> Iterator[list[str]]:
        """The ids of instances whose process is gone, locked against other cleaners meanwhile.

        Their lock files are removed on a normal exit of the `with` block; after an error they stay,
        and the next sweep tries again.
        """
        held: list[tuple[str, int]] = []
        try:
            for path in sorted(self._folder.glob("*.lock")):
                if path.stem == self.id:
                    continue
                descriptor = _lock_if_free(path)
                if descriptor is not None:
                    held.append((path.stem, descriptor))
            yield [instance_id for instance_id, _ in held]
            for instance_id, _ in held:
                (self._folder / f"{instance_id}.lock").unlink(missing_ok=True)
        finally:
            for _, descriptor in held:
                os.close(descriptor)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keeps every service from running on a data folder until the block ends.

    Args:
        folder: as for `Instance.enter`; made if missing.

    Raises:
        FolderInUse: one is running.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shared = _open_shared(folder)
    try:
        try:
            fcntl.flock(shared, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(str(folder)) from None
        yield
    finally:
        os.close(shared)


def _open_shared(folder: Path) -> int:
    return os.open(folder / ".shared", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock_if_free(path: Path) -> int | None:
    """Locks the file and returns its descriptor; None while its process lives (or it is gone)."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another cleaner may have removed the file between the two calls.
        if os.fstat(descriptor).st_nlink > 0:
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None
