"""Uploads on disk while their job lasts: random names, one folder for each running process.

A stored upload is known by its name relative to the root, `{instance}/{random}`; the name the
client gave the file is kept nowhere.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path


class UploadStorage:
    """The upload folder of one data folder, seen by one process.

    Args:
        root: `{data}/uploads`.
        instance_id: this process; what it receives goes to `{root}/{instance_id}`.
    """

    def __init__(self, root: Path, instance_id: str) -> None:
        self._root = root
        self._instance_id = instance_id
        self._own = root / instance_id
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own.mkdir(mode=0o700, exist_ok=True)
        self._lock = threading.Lock()
        # Being received, or complete and not yet a job's.
        self._unclaimed: set[str] = set()

    def begin(self) -> UploadFile:
        """Opens a new, empty upload for writing; nobody tidies it away until `hand_over`."""
        name = f"{self._instance_id}/{secrets.token_hex(16)}"
        with self._lock:
            self._unclaimed.add(name)
        return UploadFile(name, self._root / name, on_discard=self.hand_over)

    def hand_over(self, names: Iterable[str]) -> None:
        """From here on the uploads belong to a job in the registry, or to nobody."""
        with self._lock:
            self._unclaimed.difference_update(names)

    def path(self, name: str) -> Path:
        """Where a stored upload lies."""
        return self._root / name

    def discard(self, names: Iterable[str]) -> None:
        """Removes uploads; those already gone are no error."""
        for name in names:
            (self._root / name).unlink(missing_ok=True)

    def handed_over(self) -> set[str]:
        """This process's own uploads that belong to jobs, or did: the registry knows which.

        Ask the registry after this, not before: an upload is a job's before it is listed here.
        """
        names = {f"{self._instance_id}/{path.name}" for path in self._own.iterdir()}
        with self._lock:
            return names - self._unclaimed

    def tidy(self, instance_id: str, keep: set[str]) -> None:
        """Removes what a dead instance left, except the uploads that unfinished jobs still need.

        Args:
            instance_id: whose folder to tidy.
            keep: stored names that must stay.
        """
        folder = self._root / instance_id
        if not folder.is_dir():
            return
        for path in list(folder.iterdir()):
            if f"{instance_id}/{path.name}" not in keep:
                path.unlink(missing_ok=True)
        _remove_if_empty(folder)

    def folders(self) -> list[str]:
        """The instance ids that have an upload folder, dead or alive."""
        return [path.name for path in self._root.iterdir()]

    def close(self, keep: set[str]) -> None:
        """Leaves: removes this process's own folder but for the uploads still needed."""
        self.tidy(self._instance_id, keep)

    def free_bytes(self) -> int:
        """What the disk under the uploads can still take."""
        return shutil.disk_usage(self._root).free


class UploadFile:
    """One upload being received. Ends with `close`; `discard` removes it at any time.

    Attributes:
        name: as stored in the job, relative to the upload root.
        size: bytes so far.
        head: the first bytes, enough to tell a picture from a clip.
    """

    _HEAD_BYTES = 16

    def __init__(
        self, name: str, path: Path, *, on_discard: Callable[[Iterable[str]], None]
    ) -> None:
        self.name = name
        self.size = 0
        self.head = b""
        self._path = path
        self._on_discard = on_discard
        self._digest = hashlib.sha256()
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, data: bytes | memoryview) -> None:
        """Appends. A chunk is at most what the server reads at once (64 KiB), so the page cache
        takes it in microseconds and the event loop may call this itself."""
        if self.size < self._HEAD_BYTES:
            self.head += bytes(data[: self._HEAD_BYTES - len(self.head)])
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        """Of everything written so far, in hexadecimal."""
        return self._digest.hexdigest()

    def close(self) -> None:
        """Ends writing; the upload stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """Ends writing and removes the upload."""
        self.close()
        self._path.unlink(missing_ok=True)
        self._on_discard((self.name,))


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        # Not empty: a job still needs something in it; the sweep comes back.
        return
