"""Gallery files on their way through HTTP: never whole in memory, in either direction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import ExitStack, closing
from typing import Self

import structlog
from anyio import CancelScope, from_thread
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Send

from app.errors import UnsupportedMediaType
from app.http.envelope import let_large_body_in
from app.http.multipart import body_chunks
from app.registry.exchange.problems import ImportTooLarge

MEDIA_TYPE = "application/x-ndjson"
_ACCEPTED_TYPES = frozenset({MEDIA_TYPE, "application/jsonl"})

_BLOCK_BYTES = 256 * 1024
"""Taken from, or handed to, a thread at once: each change of threads costs about 0.1 ms."""
_IDLE_SECONDS = 30.0
"""Longest silence of a client: an export holds a transaction open, an import a thread."""

_log = structlog.get_logger(__name__)


class GalleryFile(StreamingResponse):
    """A gallery file that is read from the database while it is sent. Build with `begin`."""

    media_type = MEDIA_TYPE

    def __init__(self, first: bytes, blocks: Generator[bytes], name: str, held: ExitStack) -> None:
        headers = {"Content-Disposition": f'attachment; filename="{name}.walkprint.jsonl"'}
        super().__init__(iter(()), headers=headers)
        self._first = first
        self._blocks = blocks
        self._held = held

    @classmethod
    async def begin(cls, lines: Generator[bytes], name: str, held: ExitStack) -> Self:
        """Reads the beginning, so that what is refused is refused before the answer starts.

        Args:
            lines: of the file; closed at the end.
            name: of the gallery.
            held: what is given back when all was sent, or nobody takes it any more.
        """
        blocks = _in_blocks(lines)
        first = await run_in_threadpool(next, blocks)
        return cls(first, blocks, name, held.pop_all())

    async def stream_response(self, send: Send) -> None:
        """Sends block by block. Breaks off, without the end of the answer, when nobody reads."""
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            await _send_block(send, self._first)
            async for block in iterate_in_threadpool(self._blocks):
                await _send_block(send, block)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            _log.info("an export was broken off: nobody read it", seconds=_IDLE_SECONDS)
        finally:
            with CancelScope(shield=True), self._held:
                await run_in_threadpool(self._blocks.close)


async def receive_gallery_file(request: Request, limit_bytes: int) -> AsyncGenerator[bytes]:
    """The body of an import, block by block.

    Args:
        request: not read yet.
        limit_bytes: of the body.

    Raises:
        UnsupportedMediaType: the body is something else, or compressed.
        ImportTooLarge: announced or found to be over the limit.
        UploadStalled: the client stopped sending.
        MalformedRequest: it went away.
    """
    _check_headers(request, limit_bytes)
    let_large_body_in(request.scope)
    received_bytes = 0
    block: list[bytes] = []
    block_bytes = 0
    async for chunk in body_chunks(request, _IDLE_SECONDS):
        received_bytes += len(chunk)
        if received_bytes > limit_bytes:
            raise ImportTooLarge(limit_bytes)
        block.append(chunk)
        block_bytes += len(chunk)
        if block_bytes >= _BLOCK_BYTES:
            yield b"".join(block)
            block, block_bytes = [], 0
    if block:
        yield b"".join(block)


def pulled(blocks: AsyncIterator[bytes]) -> Iterator[bytes]:
    """The same blocks, for a thread that the event loop started; it takes them one by one."""

    async def following() -> bytes:
        return await anext(blocks, b"")

    while block := from_thread.run(following):
        yield block


def _check_headers(request: Request, limit_bytes: int) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _ACCEPTED_TYPES:
        raise UnsupportedMediaType(f"An import takes a body of the type {MEDIA_TYPE}.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType("An import takes a body that is not compressed.")
    announced = request.headers.get("content-length")
    if announced is not None and int(announced) > limit_bytes:
        raise ImportTooLarge(limit_bytes)


async def _send_block(send: Send, block: bytes) -> None:
    async with asyncio.timeout(_IDLE_SECONDS):
        await send({"type": "http.response.body", "body": block, "more_body": True})


def _in_blocks(lines: Generator[bytes]) -> Generator[bytes]:
    with closing(lines):
        block: list[bytes] = []
        block_bytes = 0
        for line in lines:
            block.append(line)
            block_bytes += len(line)
            if block_bytes >= _BLOCK_BYTES:
                yield b"".join(block)
                block, block_bytes = [], 0
        yield b"".join(block)
