"""A connection to the broker that comes back by itself, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

import structlog
from aio_pika import connect
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from yarl import URL

from app.telemetry import Metrics

T = TypeVar("T")

CONNECTION_ERRORS = (OSError, AMQPError, ChannelInvalidStateError, asyncio.TimeoutError)
"""What the broker's library raises when the broker is away, or goes."""

# A partition shows by missing heartbeats: after two of them, on both sides.
_HEARTBEAT_SECONDS = 5
_CONNECT_SECONDS = 5.0
_PAUSE_SECONDS = 0.2
_CLOSE_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class Session(Protocol):
    """What is done over a connection, from its opening to its loss."""

    async def begin(self, connection: AbstractConnection, *, again: bool) -> None:
        """The broker is there; `again` when there was a connection before."""
        ...

    def lost(self) -> None:
        """The connection is gone."""
        ...


class Link:
    """Keeps a session connected. Its methods are for other threads.

    Args:
        url: amqp:// or amqps:// address.
        session: begun at every connection, on the loop of the link's own thread.
        metrics: says whether the broker is there.
    """

    def __init__(self, url: str, session: Session, metrics: Metrics) -> None:
        self._url = URL(url).update_query(heartbeat=str(_HEARTBEAT_SECONDS))
        self._session = session
        self._metrics = metrics
        metrics.broker_connected.set(0)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._is_open = False
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    @property
    def is_open(self) -> bool:
        """Whether the broker can be reached."""
        return self._is_open

    def start(self) -> None:
        """Begins to connect; goes on until `close`."""
        self._thread.start()

    def soon(self, call: Callable[..., object], *arguments: object) -> None:
        """Has a function called on the link's loop; nothing when the link was closed."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    def run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Runs a coroutine on the link's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Ends the connection and the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self._loop.close()  # where it was never started

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._stay_connected())
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        finally:
            self._loop.close()

    async def _stay_connected(self) -> None:
        again = False
        away = False
        while not self._stop.is_set():
            try:
                connection = await connect(self._url, timeout=_CONNECT_SECONDS)
            except CONNECTION_ERRORS as error:
                if not away:
                    _log.error("the broker does not answer", reason=type(error).__name__)
                    away = True
                await self._pause()
                continue
            lost = asyncio.Event()
            connection.close_callbacks.add(lambda *_, lost=lost: lost.set())
            try:
                await self._session.begin(connection, again=again)
                again = True
                if away:
                    _log.warning("the broker answers again")
                away = False
                self._note(is_open=True)
                await _first_of(lost, self._stop)
            except CONNECTION_ERRORS as error:
                _log.warning("the broker went away at once", reason=repr(error))
                await self._pause()
            finally:
                self._note(is_open=False)
                self._session.lost()
                await _close(connection)

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), _PAUSE_SECONDS)
        except TimeoutError:
            return

    def _note(self, *, is_open: bool) -> None:
        self._is_open = is_open
        self._metrics.broker_connected.set(int(is_open))


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _close(connection: AbstractConnection) -> None:
    try:
        await asyncio.wait_for(connection.close(), _CLOSE_SECONDS)
    except CONNECTION_ERRORS as error:
        _log.debug("the connection was gone already", reason=repr(error))
