"""What every answer of the service has, and what none may hold."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from fastapi.routing import APIRoute

from app.http.application import ROUTE_MODULES

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_REVEALING = ("server", "x-powered-by", "access-control-allow-origin", "via")
_LONGEST_LIST_OF_NUMBERS = 8
"""A box has four, a version some; a vector has hundreds."""
_NEVER_NAMED = frozenset(
    {"vector", "embedding", "embeddings", "digest", "uploads", "lease_owner", "actor", "weights"}
)


@dataclass(frozen=True)
class Route:
    """A method, and a path with `{places}`."""

    method: str
    template: str

    def path(self, **ids: str) -> str:
        """The path with ids in it; `not-there` where none is given."""
        places = ("subject", "walk", "merge", "job", "checkpoint", "key", "name", "page", "gallery")
        return self.template.format(**(dict.fromkeys(places, "not-there") | ids))


def every_route() -> list[Route]:
    """All that the application answers, documented or not."""
    return [
        Route(method, route.path)
        for module in ROUTE_MODULES
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]


def assert_safe(answer: httpx.Response) -> None:
    """The headers a browser needs; nothing about what the service is made of."""
    where = f"{answer.request.method} {answer.request.url} → {answer.status_code}"
    for name, value in HEADERS.items():
        assert answer.headers.get(name) == value, (where, name)
    assert "default-src 'none'" in answer.headers["content-security-policy"], where
    assert "unsafe-" not in answer.headers["content-security-policy"], where
    for name in _REVEALING:
        assert name not in answer.headers, (where, name)
    assert "cache-control" in answer.headers, where
    for word in ("Traceback", "sqlalchemy", "site-packages", 'File "'):
        assert word not in answer.text, where
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", where


def assert_reveals_nothing(document: object) -> None:
    """No vector, no digest, no name of a file in storage, at any depth."""
    if isinstance(document, dict):
        assert not _NEVER_NAMED & document.keys(), document.keys()
        for value in document.values():
            assert_reveals_nothing(value)
    elif isinstance(document, list):
        numbers = [value for value in document if isinstance(value, float)]
        assert len(numbers) <= _LONGEST_LIST_OF_NUMBERS, document
        for value in document:
            assert_reveals_nothing(value)


@dataclass(frozen=True)
class Listener:
    """A port of this machine that nobody has a reason to call."""

    url: str
    _socket: socket.socket

    def was_called(self) -> bool:
        """Whether anybody has connected since it began to listen."""
        try:
            self._socket.accept()
        except BlockingIOError:
            return False
        return True


@contextmanager
def listening() -> Iterator[Listener]:
    """Listens for whoever comes, and answers nobody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Listener(f"http://127.0.0.1:{listener.getsockname()[1]}/walk.mp4", listener)
