"""Uploads in a bucket that speaks S3, shared by any number of machines."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import structlog

from app.outages import Outage
from app.worker.storage.bucket import Bucket
from app.worker.storage.bucket_sink import BucketSink
from app.worker.storage.shelf import Item, RecordingLost, Stock

# Each holds one part in memory, 8 MiB.
_SENDING_THREADS = 8
_SIGNS = ".alive/"

_log = structlog.get_logger(__name__)


class BucketShelf:
    """A bucket, and a room on this machine for what is on its way in or out.

    Args:
        bucket: where the uploads lie.
        rooms: folder of this data folder; each instance has a room in it.
    """

    is_shared = True

    def __init__(self, bucket: Bucket, rooms: Path) -> None:
        self._bucket = bucket
        self._rooms = rooms
        self._room = rooms
        self._threads = ThreadPoolExecutor(_SENDING_THREADS, thread_name_prefix="upload")
        self._lock = threading.Lock()
        self._versions_checked = False

    def open(self, instance_id: str) -> None:
        """Makes the room of this process."""
        self._room = self._rooms / instance_id
        self._rooms.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._room.mkdir(mode=0o700, exist_ok=True)

    def create(self, name: str) -> BucketSink:
        """A new, empty object, which is there for others when it is complete."""
        return BucketSink(self._bucket, name, self._room, self._threads)

    @contextmanager
    def fetched(self, names: Sequence[str]) -> Iterator[list[Path]]:
        """Copies on this machine, readable by the service's user alone.

        Raises:
            RecordingLost: one of the objects is gone.
            Outage: the bucket is away.
        """
        with tempfile.TemporaryDirectory(dir=self._room, ignore_cleanup_errors=True) as folder:
            paths = [Path(folder) / str(number) for number in range(len(names))]
            for path in paths:
                path.touch(mode=0o600)
            try:
                self._bucket.get(names, paths)
            except FileNotFoundError:
                raise RecordingLost from None
            yield paths

    def remove(self, names: Collection[str]) -> None:
        """Removes objects.

        Raises:
            Outage: the bucket is away; some may be left.
        """
        if names:
            self._bucket.delete(names)

    def stock(self, instance_id: str | None = None) -> Stock:
        """What lies there: first what is half there, or one that is completed between the two
        looks would be missed.

        Raises:
            Outage: the bucket is away.
        """
        start = "" if instance_id is None else f"{instance_id}/"
        found = [*self._bucket.halves(start), *self._bucket.objects(start)]
        items = [Item(each.key, each.changed_at, each.upload_id) for each in found]
        return Stock(
            items=tuple(item for item in items if not item.name.startswith(_SIGNS)),
            signs={
                item.name.removeprefix(_SIGNS): item.changed_at
                for item in items
                if item.name.startswith(_SIGNS)
            },
        )

    def drop(self, items: Collection[Item]) -> None:
        """Removes objects, and the parts of what was never completed.

        Raises:
            Outage: the bucket is away; some may be left.
        """
        for item in items:
            if item.half is not None:
                self._bucket.abort(item.name, item.half)
        self.remove([item.name for item in items if item.half is None])

    def give_sign(self, instance_id: str) -> None:
        """Writes an object, which the bucket's clock dates.

        Raises:
            Outage: the bucket is away.
        """
        self._bucket.put(_SIGNS + instance_id, b"")
        self._check_versions()

    def take_sign(self, instance_ids: Collection[str]) -> None:
        """Removes those objects.

        Raises:
            Outage: the bucket is away.
        """
        self.remove([_SIGNS + instance_id for instance_id in instance_ids])

    def rooms_here(self) -> list[str]:
        """Instances of this data folder, dead or alive."""
        return [path.name for path in self._rooms.iterdir()]

    def clear_room(self, instance_id: str) -> None:
        """Removes copies that an instance had fetched."""
        shutil.rmtree(self._rooms / instance_id, ignore_errors=True)

    def close(self) -> None:
        """Ends threads and connections."""
        self._threads.shutdown()
        self._bucket.close()

    def _check_versions(self) -> None:
        """Says so once where erasure would not be real."""
        with self._lock:
            if self._versions_checked:
                return
            self._versions_checked = True
        try:
            keeps_versions = self._bucket.keeps_versions()
        except Outage:
            return  # not allowed to ask
        if keeps_versions:
            _log.error(
                "the bucket of uploads keeps old versions: what is erased stays there until its"
                " lifecycle rule removes it; turn versioning off (docs/storage.md)"
            )
