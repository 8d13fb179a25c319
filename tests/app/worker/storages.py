"""The three places where uploads may lie, each opened by as many processes as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from app.worker.storage import FolderShelf, UploadFile, UploadStorage
from app.worker.storage.bucket import Bucket
from app.worker.storage.bucket_shelf import BucketShelf
from app.worker.storage.uploads import GRACE
from tests.buckets import BucketServer


@dataclass
class Place:
    """One place for uploads.

    Attributes:
        kind: of it.
        open: a process begins to use it: (its instance, how long it may be silent).
        there: the names of complete uploads, as somebody sees who does not ask Walkprint.
        halves: the names of uploads that are not complete, where those are told apart.
        opened: what was opened.
    """

    kind: str
    shelf: Callable[[str], Path | FolderShelf | BucketShelf]
    there: Callable[[], list[str]]
    halves: Callable[[], list[str]]
    opened: list[UploadStorage] = field(default_factory=list)

    def open(self, instance: str = "me", *, grace: timedelta = GRACE) -> UploadStorage:
        """A process begins to use it."""
        storage = UploadStorage(self.shelf(instance), instance, grace=grace)
        storage.give_sign()
        self.opened.append(storage)
        return storage


def private_folder(folder: Path) -> Place:
    """The default: a folder in the data folder of a machine."""
    return Place("private", lambda _: folder, lambda: _files(folder), list)


def shared_folder(folder: Path) -> Place:
    """A folder that several machines have mounted."""
    folder.mkdir()
    return Place(
        "shared", lambda _: FolderShelf(folder, is_shared=True), lambda: _files(folder), list
    )


def bucket(server: BucketServer, machines: Path) -> Iterator[Place]:
    """A bucket, and a machine for each process."""
    name = server.new_bucket()

    def under_prefix(keys: list[str]) -> list[str]:
        return [key.removeprefix("gait/") for key in keys]

    place = Place(
        "bucket",
        lambda who: BucketShelf(Bucket(name, "gait/", server.endpoint), machines / who),
        lambda: under_prefix(server.keys(name)),
        lambda: under_prefix(server.halves(name)),
    )
    yield place
    for storage in place.opened:
        storage.close(())


def stored(storage: UploadStorage, content: bytes) -> UploadFile:
    """An upload that was received whole."""
    upload = storage.begin()
    for start in range(0, len(content), 1 << 16):
        upload.write(memoryview(content)[start : start + (1 << 16)])
    upload.close()
    upload.wait_stored()
    return upload


def _files(folder: Path) -> list[str]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(str(path.relative_to(folder)) for path in paths if path.parent.name != ".alive")
