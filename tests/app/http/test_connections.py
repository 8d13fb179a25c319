"""Connections within limits, before an application that answers whatever it is asked."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.demo.service_process import free_port
from app.http.connections import guarded
from app.http.doorkeeper import ConnectionLimits, allow_files
from tests.security.callers import HOST, connect, hear, say

_LARGE = bytes(32 * 1024 * 1024)
"""More than the buffers of both ends hold."""
_ASK = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"


async def _large_answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    length = str(len(_LARGE)).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
    )
    await send({"type": "http.response.body", "body": _LARGE})


@contextmanager
def server_with(limits: ConnectionLimits) -> Iterator[tuple[uvicorn.Server, str]]:
    port = free_port()
    config = uvicorn.Config(
        _large_answer, port=port, http=guarded(limits), lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield server, f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def read_slowly(raw: socket.socket, size_bytes: int) -> None:
    """Some twenty megabytes a second, with pauses."""
    received = 0
    while received < size_bytes:
        block = raw.recv(2**20)
        assert block, f"the connection was closed after {received} bytes"
        received += len(block)
        time.sleep(0.05)


@pytest.fixture
def impatient() -> Iterator[tuple[uvicorn.Server, str]]:
    """At most four connections, and little time for anything."""
    limits = ConnectionLimits(head_seconds=1.0, unread_seconds=1.0, connections=4)
    with server_with(limits) as running:
        yield running


def test_a_caller_who_does_not_read_is_left(impatient: tuple[uvicorn.Server, str]) -> None:
    server, url = impatient
    with connect(url) as raw:
        raw.sendall(_ASK)
        began = time.monotonic()
        while not server.server_state.connections:
            time.sleep(0.005)
        while server.server_state.connections:
            assert time.monotonic() - began < 10
            time.sleep(0.01)
        assert len(hear(raw).raw) < len(_LARGE)


def test_a_caller_who_reads_slowly_gets_everything(impatient: tuple[uvicorn.Server, str]) -> None:
    """For longer than an answer may lie unread."""
    _, url = impatient
    began = time.monotonic()
    with connect(url) as raw:
        raw.sendall(_ASK)
        read_slowly(raw, len(_LARGE))
    assert time.monotonic() - began > 1.5


def test_the_longest_at_the_door_goes_for_whoever_comes_next(
    impatient: tuple[uvicorn.Server, str],
) -> None:
    _, url = impatient
    with ExitStack() as held:
        waiting = [held.enter_context(connect(url)) for _ in range(4)]
        for raw in waiting:
            raw.sendall(b"GET / HT")
        assert say(url, _ASK[:-2] + b"Connection: close\r\n\r\n").statuses == [200]
        assert hear(waiting[0]).raw == b""  # sent away without a word
        assert hear(waiting[-1]).statuses == [408]  # had its time


def test_when_everybody_has_business_the_next_is_asked_to_come_again(
    impatient: tuple[uvicorn.Server, str],
) -> None:
    _, url = impatient
    with ExitStack() as held:
        for _ in range(4):
            raw = held.enter_context(connect(url))
            raw.sendall(_ASK)
            raw.recv(1)  # it is being answered
        refused = say(url)
    assert refused.statuses == [503]
    assert refused.slug == "too-busy"
    assert b"Retry-After: 5" in refused.raw


def test_pipelined_heads_wait_for_as_long_as_the_answers_before_them(
    impatient: tuple[uvicorn.Server, str],
) -> None:
    """Nothing is read meanwhile, so no time of the caller's runs out."""
    _, url = impatient
    with connect(url) as raw:
        raw.sendall(_ASK * 2 + _ASK[:20])
        read_slowly(raw, 2 * len(_LARGE))
        raw.sendall(_ASK[20:-2] + b"Connection: close\r\n\r\n")
        assert len(hear(raw).raw) >= len(_LARGE)


def test_there_is_room_for_fewer_connections_than_files() -> None:
    assert allow_files(100) == 100
    assert 16 <= allow_files(10_000_000) < 65_536
