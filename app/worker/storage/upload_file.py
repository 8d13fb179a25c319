"""One upload being received."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from app.worker.storage.shelf import Sink


class UploadFile:
    """One upload being received. Ends with `close` and `stored`; `discard` removes it at any time.

    Attributes:
        name: as stored in the job.
        size: bytes so far.
        head: the first bytes, enough to tell a picture from a clip.
    """

    _HEAD_BYTES = 16

    def __init__(
        self, name: str, sink: Sink, *, on_discard: Callable[[Iterable[str]], None]
    ) -> None:
        self.name = name
        self.size = 0
        self.head = b""
        self._sink = sink
        self._on_discard = on_discard
        self._digest = hashlib.sha256()
        self._closed = False
        self._stored: Future[None] | None = None

    def write(self, data: bytes | memoryview) -> None:
        """Appends. A chunk is at most what the server reads at once (64 KiB), so the page cache
        takes it in microseconds and the event loop may call this itself.

        Raises:
            Outage: the storage does not take it.
        """
        if self.size < self._HEAD_BYTES:
            self.head += bytes(data[: self._HEAD_BYTES - len(self.head)])
        self._sink.write(memoryview(data))
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        """Of everything written so far, in hexadecimal."""
        return self._digest.hexdigest()

    def close(self) -> None:
        """Ends writing; the upload stays, and others find it once `stored` has returned."""
        if not self._closed:
            self._closed = True
            self._stored = self._sink.complete()

    async def stored(self) -> None:
        """Waits until the upload is where workers find it.

        Raises:
            Outage: the storage did not take it.
        """
        if self._stored is not None:
            await asyncio.wrap_future(self._stored)

    def wait_stored(self) -> None:
        """The same outside an event loop.

        Raises:
            Outage: the storage did not take it.
        """
        if self._stored is not None:
            self._stored.result()

    def discard(self) -> None:
        """Ends writing and removes the upload."""
        self._closed = True
        self._sink.drop()
        self._on_discard((self.name,))
