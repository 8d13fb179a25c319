"""Snapshots of indexes on disk: one file per gallery and checkpoint, shared by all processes.

A snapshot only speeds up a start. What must hold is that none outlives an erasure (design.md,
section 4), and three rules see to it:

1. Who erased something deletes the snapshots it may be in before the erasure is acknowledged.
2. Who wrote a snapshot asks SQL, once the file has its name, whether something was removed since
   its revision, and deletes it again if so. An erasure that is committed later finds the file.
3. Every process looks now and then, and when it starts, for files that a dead process left behind
   between those steps: unfinished ones, and ones of an earlier revision than the last removal.

All three are `discard_outdated`. The file is deleted, not patched: a start without it takes some
seconds longer, and nothing of a person is left in it for certain.

With a master key snapshots are encrypted, and one that is not is deleted unread.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import structlog

from app import failpoints
from app.registry import Registry
from app.registry.sealing import MasterKeys
from app.search.index import TemplateIndex
from app.search.snapshot_file import (
    SnapshotHead,
    SnapshotInterrupted,
    UnusableSnapshot,
    read_head,
    read_snapshot,
    write_snapshot,
)
from app.search.view import Mark, View

_log = structlog.get_logger(__name__)

LEAST_TEMPLATES = 10_000
"""Below, SQL is read in a tenth of a second, and a vector has better one copy less."""

_SUFFIX = ".index"
_UNFINISHED = ".part"
_BUFFER_BYTES = 1 << 20


class Snapshots:
    """The snapshots in one folder, which only the service's own user may enter.

    Args:
        folder: made when it is needed.
        registry: knows what was removed since.
        least_templates: smaller indexes are not worth a snapshot.

    Attributes:
        least_templates: as given.
    """

    def __init__(
        self, folder: Path, registry: Registry, *, least_templates: int = LEAST_TEMPLATES
    ) -> None:
        self.least_templates = least_templates
        self._folder = folder
        self._registry = registry

    def load(self, gallery_id: int, checkpoint_id: str, *, epoch: str) -> View | None:
        """What a snapshot holds; None, and no file left, when there is none that can be used.

        Its revision may be too new, or its templates others than SQL's: whoever applies changes
        to it finds out.

        Args:
            gallery_id: number of the gallery.
            checkpoint_id: whose templates.
            epoch: of the database.
        """
        path = self._path(gallery_id, checkpoint_id)
        try:
            head, view = read_snapshot(path, self._registry.master_keys)
        except FileNotFoundError:
            return None
        except (OSError, UnusableSnapshot) as error:
            self.discard(gallery_id, checkpoint_id, str(error))
            return None
        if (head.epoch, head.gallery_id, head.checkpoint_id) != (epoch, gallery_id, checkpoint_id):
            self.discard(gallery_id, checkpoint_id, "it is of another database or checkpoint")
            return None
        return view

    def save(
        self, gallery_id: int, checkpoint_id: str, index: TemplateIndex, *, epoch: str
    ) -> Mark | None:
        """Writes a snapshot in place of an older one.

        Args:
            gallery_id: number of the gallery.
            checkpoint_id: whose templates.
            index: of them.
            epoch: of the database that the index is in step with.

        Returns:
            How far the index is in the snapshot; None when there is none, because something was
            removed meanwhile or another process is just writing one.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(gallery_id, checkpoint_id)
        with self._turn() as mine:
            if not mine:
                return None
            # A name of its own: a dead process's may still lie there.
            part = self._folder / f"{uuid.uuid4()}{_UNFINISHED}"
            try:
                with open(part, "xb", opener=_private, buffering=_BUFFER_BYTES) as file:
                    with index.reading() as view:
                        head = SnapshotHead.of(
                            view, epoch=epoch, gallery_id=gallery_id, checkpoint_id=checkpoint_id
                        )
                        unharmed = partial(_holds, index, view)
                        keys = self._registry.master_keys
                        write_snapshot(file, head, view, keys=keys, goes_on=unharmed)
                    failpoints.reach(failpoints.MID_SNAPSHOT)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            except SnapshotInterrupted:
                return None
            finally:
                part.unlink(missing_ok=True)
        self.discard_outdated()
        return view.mark if path.exists() else None

    def discard(self, gallery_id: int, checkpoint_id: str, reason: str) -> None:
        """Deletes a snapshot that turned out to be wrong."""
        path = self._path(gallery_id, checkpoint_id)
        _log.warning("a snapshot is not used", snapshot=path.name, reason=reason)
        self._delete(path)

    def discard_outdated(self) -> None:
        """Deletes whatever may hold something that SQL does not hold any more."""
        try:
            names = sorted(os.listdir(self._folder))  # noqa: PTH208 (one call, no objects)
        except FileNotFoundError:
            return
        if any(name.endswith(_UNFINISHED) for name in names):
            self._delete_unfinished()
        paths = [self._folder / name for name in names if name.endswith(_SUFFIX)]
        if not paths:
            return
        keys = self._registry.master_keys
        heads = {path: _head_of(path, keys) for path in paths}
        removed_last = self._registry.templates.removed_last(
            sorted({head.gallery_id for head in heads.values() if head is not None})
        )
        epoch = self._registry.epoch()
        for path, head in heads.items():
            if (
                head is None
                or head.epoch != epoch
                or head.revision < removed_last.get(head.gallery_id, head.revision + 1)
            ):
                self._delete(path)

    def _path(self, gallery_id: int, checkpoint_id: str) -> Path:
        # A checkpoint's name may hold what a file's may not.
        short = hashlib.sha256(checkpoint_id.encode()).hexdigest()[:16]
        return self._folder / f"{gallery_id}-{short}{_SUFFIX}"

    def _delete(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        _sync_folder(self._folder)

    def _delete_unfinished(self) -> None:
        with self._turn() as mine:
            if mine:  # then nobody is writing, and whoever began these is dead
                for part in self._folder.glob(f"*{_UNFINISHED}"):
                    part.unlink(missing_ok=True)

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """One writer at a time among all processes; the system frees a dead one's turn."""
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            mine = False
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                mine = True
            yield mine
        finally:
            os.close(descriptor)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _holds(index: TemplateIndex, view: View) -> bool:
    """Whether nothing was removed from an index since a view of it."""
    return index.mark.removals == view.removals


def _head_of(path: Path, keys: MasterKeys | None) -> SnapshotHead | None:
    """None when the file cannot be read, or is just gone."""
    try:
        return read_head(path, keys)
    except (OSError, UnusableSnapshot):
        return None


def _sync_folder(folder: Path) -> None:
    """Has a deletion outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
