"""A web server that says what a test tells it to, as no healthy one does; recordings to send."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.walks import walk_video

SAMPLE = Path("app/samples/street.mp4").absolute()
"""A recording that takes the service a while."""


@dataclass(frozen=True)
class Reply:
    """One scripted answer; `status` None breaks the connection after the request was read."""

    status: int | None
    json: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True)
class Heard:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class ScriptedService:
    """Gives its replies in order and keeps what it heard."""

    url: str
    replies: list[Reply]
    heard: list[Heard]


@pytest.fixture
def scripted_service() -> Iterator[ScriptedService]:
    """A real socket on loopback whose replies the test writes down beforehand."""
    replies: list[Reply] = []
    heard: list[Heard] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            heard.append(Heard(self.command, self.path, dict(self.headers), body))
            reply = replies.pop(0)
            if reply.status is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            content = (
                reply.json if isinstance(reply.json, bytes) else json.dumps(reply.json).encode()
            )
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _reply

        def log_message(self, format: str, *args: Any) -> None:
            """Keeps the test output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield ScriptedService(f"http://127.0.0.1:{server.server_address[1]}", replies, heard)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def reply() -> type[Reply]:
    """What a scripted service may answer."""
    return Reply


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Another walk of the first person, as a video."""
    path = tmp_path / "walk.mp4"
    path.write_bytes(walk_video(0, walk=2))
    return path
