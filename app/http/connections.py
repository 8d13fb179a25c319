"""Connections that nobody has to trust yet: bounded before a request reaches the application.

uvicorn and httptools set no limit to the time and the size of a request's head, nor to how long an
answer may lie unread. Here a caller who is slow, endless or does not speak HTTP costs one
connection for a bounded time, and is told so in a problem document.

"Head" is the request line with the headers.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import MalformedRequest, Problem, TooBusy
from app.http.doorkeeper import LEAVING, ConnectionLimits, Doorkeeper

_PROBLEM_JSON = "application/problem+json"


class HeadTooLarge(Problem):
    """The request line and headers are larger than this service reads, or there are too many."""

    status = 431
    slug = "headers-too-large"
    title = "The headers of the request are too large"
    advice = "Send fewer and shorter headers; what is long belongs into the body."


class AddressTooLong(Problem):
    """The address of the request is longer than any this service has."""

    status = 414
    slug = "address-too-long"
    title = "The address of the request is too long"
    advice = "Check the path and the query; /docs lists every call."


class HeadStalled(Problem):
    """The headers of the request did not arrive in time."""

    status = 408
    slug = "request-stalled"
    title = "The request did not arrive"
    advice = "Send the call again over a steadier connection."


class _Transport:
    """A transport that takes no offence at an answer for a caller who has just left.

    uvloop raises an error there, which would fill the log at any caller's wish; asyncio's own
    transports do as this one.

    Attributes:
        written_bytes: so far, whether they have left or wait.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self.written_bytes = 0
        self._transport = transport

    @property
    def waiting_bytes(self) -> int:
        """That the system has not taken yet."""
        return self._transport.get_write_buffer_size()

    @property
    def sent_bytes(self) -> int:
        """That have left."""
        return self.written_bytes - self.waiting_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self.written_bytes += len(data)
            self._transport.write(data)


class GuardedConnection(HttpToolsProtocol):
    """uvicorn's connection within limits.

    Args:
        doorkeeper: shared by all connections of the process.
        kwargs: uvicorn's own.
    """

    def __init__(self, *, doorkeeper: Doorkeeper, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._doorkeeper = doorkeeper
        self._limits = doorkeeper.limits
        self._head_bytes = 0
        self._awaits_head = False
        self._was_busy = False
        self._refused = False
        self._out: _Transport
        self._sent_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None

    # --- from the transport ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Gives the caller some seconds for a head."""
        self._out = _Transport(transport)
        super().connection_made(cast("asyncio.Transport", self._out))
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Hands on what is within the limits."""
        if self._refused:
            return
        if not self._awaits_head and self._is_idle():
            # Also for bytes that the parser passes over, such as empty lines between requests.
            self._await_head()
        super().data_received(data)
        if self._awaits_head and not self._refused:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes:
                self._refuse(HeadTooLarge())

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends all waiting."""
        self._doorkeeper.leaves(self)
        _cancel(self._head_timer)
        _cancel(self._unread_timer)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The caller does not read its answer: it has some seconds to go on."""
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        """The caller reads."""
        _cancel(self._unread_timer)
        self._unread_timer = None
        super().resume_writing()

    def shutdown(self) -> None:
        """The server stops: what would stay open comes to its end."""
        self._doorkeeper.leaving.set()
        super().shutdown()

    # --- from the parser ------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Another request begins, perhaps before the one before was answered (pipelining)."""
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)[LEAVING] = self._doorkeeper.leaving
        if not self._awaits_head:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Measures the head, and lets the request in."""
        if self._refused:
            return
        head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) > self._limits.address_bytes:
            self._refuse(AddressTooLong())
        elif head_bytes > self._limits.head_bytes or len(self.headers) > self._limits.head_fields:
            self._refuse(HeadTooLarge())
        else:
            self._awaits_head = False
            self._head_bytes = 0
            _cancel(self._head_timer)
            self._doorkeeper.enters(self)
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Part of a body that somebody may want."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        if not self._refused:
            super().on_message_complete()

    # --- from the application -------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """What is not read yet waits in memory; it does not do so for ever."""
        super().on_response_complete()
        if self._out.waiting_bytes > 0:
            self._expect_reading()

    def send_400_response(self, msg: str) -> None:
        """Answers what is not HTTP, in the way of every other error."""
        if not self._refused:
            self._refuse(MalformedRequest("The request does not follow HTTP/1.1."))

    def send_away(self) -> None:
        """Makes room for others."""
        self._refused = True
        self._doorkeeper.leaves(self)
        self.transport.abort()

    # --- the limits -----------------------------------------------------------------------------

    def _await_head(self) -> None:
        self._awaits_head = True
        self._was_busy = False
        self._head_bytes = 0
        self._start_head_timer()
        if not self._doorkeeper.knocks(self):
            self._refuse(TooBusy("All connections of this service are in use."))

    def _start_head_timer(self) -> None:
        _cancel(self._head_timer)
        self._head_timer = self.loop.call_later(self._limits.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        if self.transport.is_closing():
            return
        # An earlier request is being answered, or its answer being read.
        is_busy = not self._is_idle() or self._out.waiting_bytes > 0
        if is_busy or self._was_busy:
            self._was_busy = is_busy
            self._start_head_timer()
        else:
            self._refuse(HeadStalled(f"No head came in {self._limits.head_seconds:g} seconds."))

    def _expect_reading(self) -> None:
        if self._unread_timer is None:
            self._sent_bytes = self._out.sent_bytes
            self._unread_timer = self.loop.call_later(
                self._limits.unread_seconds, self._look_at_reading
            )

    def _look_at_reading(self) -> None:
        """Ends the connection unless its caller has read enough since the last look."""
        self._unread_timer = None
        if self._out.waiting_bytes == 0:
            return
        least = self._limits.unread_seconds * self._limits.read_bytes_per_second
        if self._out.sent_bytes - self._sent_bytes >= least:
            self._expect_reading()
        else:
            self.transport.abort()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _refuse(self, problem: Problem) -> None:
        """Answers, where nothing else is being answered on this connection, and closes it."""
        self._refused = True
        _cancel(self._head_timer)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body and not self.pipeline and not cycle.response_started:
                cycle.keep_alive = False  # the request before this one is whole: it is answered
                return
            if cycle.response_started or self.pipeline:
                self.transport.abort()
                return
        self.transport.write(_rendered(problem))
        self.transport.close()
        self._expect_reading()


def guarded(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """What makes the connections of one server, as uvicorn's `http` setting."""
    doorkeeper = Doorkeeper(limits)
    # uvicorn only ever calls it.
    return cast("type[asyncio.Protocol]", partial(GuardedConnection, doorkeeper=doorkeeper))


def _rendered(problem: Problem) -> bytes:
    body = json.dumps(problem.to_json()).encode()
    headers = {
        "Content-Type": _PROBLEM_JSON,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
        **problem.headers,
    }
    lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
