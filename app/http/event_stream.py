"""Answers that stay open: few enough of them, and none after its reader has gone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.errors import Problem, TooBusy
from app.http.doorkeeper import LEAVING

_RETRY_AFTER_SECONDS = 30


class TooManyStreams(Problem):
    """You follow as many jobs at once as one caller may."""

    status = 429
    slug = "too-many-streams"
    title = "Too many streams of one caller"
    advice = "Close streams that nobody reads, or ask GET /jobs/{job} now and then instead."

    def __init__(self, limit: int) -> None:
        super().__init__(f"One caller may follow {limit} jobs at the same time.", limit=limit)

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After, in seconds."""
        return {"Retry-After": str(_RETRY_AFTER_SECONDS)}


class Streams:
    """Places for open streams. Used from the event loop only.

    Args:
        most: at one time, of all callers.
        most_of_one: of one caller.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._open: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many are open."""
        return self._open.total()

    @contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """Holds a place until the block ends.

        Args:
            caller: who they are, as the audit log names them.

        Raises:
            TooManyStreams: the caller has no more.
            TooBusy: nobody has.
        """
        if self._open[caller] >= self._most_of_one:
            raise TooManyStreams(self._most_of_one)
        if self.count >= self._most:
            raise TooBusy(
                f"{self._most} streams of events are open, as many as are served at once.",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            )
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]


class EventStream(StreamingResponse):
    """Server-sent events, which no cache keeps and no proxy collects.

    Args:
        events: as text.
        held: what is given back when the stream ends, or nobody reads it any more.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[str], held: ExitStack) -> None:
        super().__init__(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._held = held.pop_all()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends until the events end or the caller has gone."""
        with self._held:
            await super().__call__(scope, receive, send)


def leaving(request: Request) -> asyncio.Event:
    """Set when the server that got this request stops: an open answer comes to its end then."""
    event: asyncio.Event | None = request.scope.get(LEAVING)
    return event or asyncio.Event()
