"""Uploads in a folder: of one machine, or of a file server that several have mounted."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from app import failpoints
from app.outages import StorageAway, outage_of
from app.worker.storage.shelf import Item, RecordingLost, Stock

_SIGNS = ".alive"
# What a file server that is away, or was never mounted, looks like.
_AWAY = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EACCES,
        errno.EPERM,
        errno.EIO,
        errno.ESTALE,
        errno.ENOTCONN,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ETIMEDOUT,
        errno.EREMOTEIO,
    }
)


class FolderShelf:
    """A folder with one folder for each instance.

    Args:
        root: the folder. A private one is made where it is missing; of a shared one that means
            that it is not mounted.
        is_shared: whether machines use it that do not share this one's data folder.
    """

    def __init__(self, root: Path, *, is_shared: bool = False) -> None:
        self.is_shared = is_shared
        self._root = root
        self._opened = ""

    def open(self, instance_id: str) -> None:
        """Makes the folder of an instance."""
        self._opened = instance_id
        if not self.is_shared:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._root / instance_id).mkdir(mode=0o700, exist_ok=True)

    def create(self, name: str) -> FolderSink:
        """A new, empty file.

        Raises:
            Outage: the folder is not there.
        """
        path = self._root / name
        with self._outages_named():
            try:
                return FolderSink(path, self._named)
            except FileNotFoundError:
                path.parent.mkdir(mode=0o700, exist_ok=True)
                return FolderSink(path, self._named)

    @contextmanager
    def fetched(self, names: Sequence[str]) -> Iterator[list[Path]]:
        """The files themselves.

        Raises:
            RecordingLost: one of them is gone.
            Outage: the folder is not there.
        """
        paths = [self._root / name for name in names]
        for path in paths:
            try:
                path.stat()
            except FileNotFoundError:
                self._require_mounted()
                raise RecordingLost from None
            except OSError as error:
                raise self._named(error) from error
        yield paths

    def remove(self, names: Collection[str]) -> None:
        """Removes files.

        Raises:
            Outage: the folder is not there; some may be left.
        """
        missing = False
        with self._outages_named():
            for name in names:
                try:
                    (self._root / name).unlink()
                except FileNotFoundError:
                    missing = True
        if missing:
            self._require_mounted()

    def stock(self, instance_id: str | None = None) -> Stock:
        """What lies there.

        Raises:
            Outage: the folder is not there.
        """
        with self._outages_named():
            rooms = self._rooms() if instance_id is None else [instance_id]
            items = [item for room in rooms for item in self._items(room)]
            if instance_id is not None:
                return Stock(tuple(items))
            signs = {path.name: _changed_at(path) for path in self._sign_files()}
            return Stock(tuple(items), {who: at for who, at in signs.items() if at is not None})

    def drop(self, items: Collection[Item]) -> None:
        """Removes files.

        Raises:
            Outage: the folder is not there.
        """
        self.remove([item.name for item in items])
        for room in {item.instance for item in items} - {self._opened}:
            self._close_room(room)

    def give_sign(self, instance_id: str) -> None:
        """Touches a file, which the file server's clock dates.

        Raises:
            Outage: the folder is not there.
        """
        with self._outages_named():
            folder = self._root / _SIGNS
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / instance_id).touch(mode=0o600)

    def take_sign(self, instance_ids: Collection[str]) -> None:
        """Removes those files, and the rooms that are empty.

        Raises:
            Outage: the folder is not there.
        """
        with self._outages_named():
            for instance_id in instance_ids:
                self._close_room(instance_id)
                with suppress(FileNotFoundError):
                    (self._root / _SIGNS / instance_id).unlink()

    def rooms_here(self) -> list[str]:
        """The folders of a private root; those of a shared one may be another machine's."""
        return [] if self.is_shared else self._rooms()

    def clear_room(self, instance_id: str) -> None:
        """Nothing: uploads are all there is."""

    def close(self) -> None:
        """Nothing."""

    def _rooms(self) -> list[str]:
        return [path.name for path in self._root.iterdir() if not path.name.startswith(".")]

    def _sign_files(self) -> list[Path]:
        folder = self._root / _SIGNS
        return list(folder.iterdir()) if folder.is_dir() else []

    def _items(self, room: str) -> list[Item]:
        folder = self._root / room
        try:
            paths = list(folder.iterdir())
        except FileNotFoundError:
            return []
        dated = [(f"{room}/{path.name}", _changed_at(path)) for path in paths]
        return [Item(name, at) for name, at in dated if at is not None]

    def _close_room(self, room: str) -> None:
        # Not empty: a job still needs something in it, and somebody comes back.
        with suppress(OSError):
            (self._root / room).rmdir()

    def _require_mounted(self) -> None:
        """A file that is missing says nothing where the whole file server is."""
        if not self.is_shared:
            return
        sign = self._root / _SIGNS / self._opened
        if _changed_at(sign) is None:
            raise StorageAway("The folder of uploads is not the one it was; is it mounted?")

    @contextmanager
    def _outages_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._named(error) from error

    def _named(self, error: OSError) -> Exception:
        if self.is_shared and outage_of(error) is None and error.errno in _AWAY:
            return StorageAway("The folder of uploads cannot be reached.")
        return error


class FolderSink:
    """A file being written.

    Args:
        path: made here; nobody but the service's user may read it.
        named: what to raise for an error of the file system.
    """

    def __init__(self, path: Path, named: Callable[[OSError], Exception]) -> None:
        self._path = path
        self._named = named
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, data: memoryview) -> None:
        """Appends."""
        view = data
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            raise self._named(error) from error
        failpoints.reach(failpoints.MID_UPLOAD)

    def complete(self) -> None:
        """Closes the file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def drop(self) -> None:
        """Closes and removes the file."""
        self.complete()
        self._path.unlink(missing_ok=True)


def _changed_at(path: Path) -> datetime | None:
    """None where it is gone by now."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
