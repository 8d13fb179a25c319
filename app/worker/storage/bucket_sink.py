"""An upload on its way into a bucket: part by part, while the rest is still being received.

What arrives goes to a nameless file on this machine first, so that a client may be as slow as it
likes and memory holds one part for each sending thread, however many uploads there are. The file
is gone with the process, however that ends.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path

import structlog

from app import failpoints
from app.outages import outage_of
from app.worker.storage.bucket import PART_BYTES, Bucket

_log = structlog.get_logger(__name__)


class BucketSink:
    """One object being written. At any time at most one thread sends for it.

    Args:
        bucket: where to.
        key: of the object.
        folder: on this machine, for the nameless file.
        threads: send the parts.
    """

    def __init__(self, bucket: Bucket, key: str, folder: Path, threads: Executor) -> None:
        self._bucket = bucket
        self._key = key
        self._threads = threads
        self._spool = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed below
        self._lock = threading.Lock()
        self._received = 0
        self._sent = 0
        self._upload_id: str | None = None
        self._tags: list[str] = []
        self._failure: Exception | None = None
        self._all_received = self._may_exist = self._dropped = self._ended = self._busy = False
        self._stored: Future[None] = Future()

    def write(self, data: memoryview) -> None:
        """Appends; what makes a part is sent in a thread.

        Raises:
            Outage: the bucket did not take an earlier part, or this machine has no room.
        """
        if self._failure is not None:
            raise self._failure
        view = data
        while view:
            view = view[os.write(self._spool.fileno(), view) :]
        with self._lock:
            self._received += len(data)
            due = self._received - self._sent >= PART_BYTES
        if due:
            self._send()

    def complete(self) -> Future[None]:
        """Nothing more comes; the object is there when the future is done."""
        with self._lock:
            self._all_received = True
        self._send()
        return self._stored

    def drop(self) -> None:
        """Has what is there removed."""
        with self._lock:
            if self._dropped:
                return
            self._dropped = True
        self._send()

    def _send(self) -> None:
        with self._lock:
            if self._busy:
                return  # whoever sends looks again before it ends
            self._busy = True
        self._threads.submit(self._work)

    def _work(self) -> None:
        while (step := self._next_step()) is not None:
            try:
                step()
            except Exception as error:
                self._fail(error)

    def _next_step(self) -> Callable[[], None] | None:
        with self._lock:
            if self._dropped and not self._ended:
                return self._remove
            if not (self._dropped or self._failure or self._stored.done()):
                if self._received - self._sent >= PART_BYTES:
                    return self._send_part
                if self._all_received:
                    return self._finish
            self._busy = False
            return None

    def _send_part(self) -> None:
        if self._upload_id is None:
            self._upload_id = self._bucket.begin(self._key)
        data = os.pread(self._spool.fileno(), PART_BYTES, self._sent)
        number = len(self._tags) + 1
        self._tags.append(self._bucket.put_part(self._key, self._upload_id, number, data))
        with self._lock:
            self._sent += len(data)
        failpoints.reach(failpoints.MID_UPLOAD)

    def _finish(self) -> None:
        # From here on it may exist even where the answer is lost.
        self._may_exist = True
        if self._upload_id is None:
            self._bucket.put(self._key, os.pread(self._spool.fileno(), PART_BYTES, 0))
        else:
            if self._sent < self._received:
                self._send_part()
            self._bucket.complete(self._key, self._upload_id, self._tags)
        self._spool.close()
        self._stored.set_result(None)

    def _remove(self) -> None:
        self._ended = True
        self._spool.close()
        self._stored.cancel()
        try:
            if self._upload_id is not None:
                self._bucket.abort(self._key, self._upload_id)
            if self._may_exist:
                self._bucket.delete([self._key])
        except Exception as error:
            outage = outage_of(error)
            if outage is None:
                raise
            _log.warning("an upload is removed later", reason=outage.detail)

    def _fail(self, error: Exception) -> None:
        self._failure = error
        if not self._stored.done():
            self._stored.set_exception(error)
        if outage_of(error) is None:
            _log.error("an upload could not be stored", exc_info=error)
