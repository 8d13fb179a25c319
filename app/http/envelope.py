"""What surrounds every request: its id, who may call, security headers, figures, a clean refusal.

A plain ASGI layer, so that streamed uploads pass through it untouched.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from urllib.parse import quote, unquote_to_bytes, urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import InvalidField, Problem, UploadTooLarge
from app.http.pace import Pace, SlowestBody
from app.http.problems import CrossOrigin, UnknownHost, internal_error, problem_response
from app.outages import outage_of
from app.telemetry import Metrics
from app.tracing import Call

# A JSON body (a name, 16 KiB of metadata) is small; only multipart bodies may be large.
SMALL_BODY_BYTES = 64 * 1024
# After a refusal the rest of a body is read for this long at most, so that a client that is still
# sending gets to see the answer before the connection closes (nginx calls it a lingering close).
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 4 * 1024 * 1024

_CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
    b" media-src 'self' blob:; connect-src 'self'; form-action 'none';"
    b" frame-ancestors 'none'; base-uri 'none'"
)
_SECURITY_HEADERS: list[tuple[bytes, bytes]] = [
    (b"content-security-policy", _CONTENT_SECURITY_POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
_LARGE_BODY = "walkprint.large_body"
# Asked every few seconds by whoever watches; they would be most of what is recorded.
_PROBES = frozenset({"/livez", "/readyz", "/metrics"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_log = structlog.get_logger(__name__)


class Envelope:
    """Wraps the application.

    Args:
        app: the next layer.
        metrics: receives counts and times.
        hosts: names this service answers under, without port; None for any.
        slowest_body: that is read to its end.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        hosts: frozenset[str] | None,
        slowest_body: SlowestBody,
    ) -> None:
        self._app = app
        self._slowest_body = slowest_body
        self._metrics = metrics
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("traceparent")
        recorded = scope["path"] not in _PROBES
        with self._metrics.traces.call(scope["method"], sent, recorded=recorded) as call:
            await self._exchange(scope, receive, send, call)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send, call: Call) -> None:
        begun = perf_counter()
        exchange = _Exchange(scope, receive, send, self._slowest_body, call)
        try:
            self._check_caller(scope["method"], exchange.headers)
            refuse_zero_characters(scope)
            keep_slashes_in_ids(scope)
            await self._app(scope, exchange.receive, exchange.send)
        except Problem as problem:
            await self._answer(problem, scope, exchange)
        except Exception as error:
            answered = outage_of(error) or internal_error(error, exchange.request_id)
            await self._answer(answered, scope, exchange)
        finally:
            self._record(scope, exchange.status, perf_counter() - begun, call)

    async def _answer(self, problem: Problem, scope: Scope, exchange: _Exchange) -> None:
        if exchange.status == 0:
            response = problem_response(problem, self._metrics)
            await response(scope, exchange.receive, exchange.send)

    def _check_caller(self, method: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if self._hosts is not None and _hostname(host) not in self._hosts:
            raise UnknownHost("The Host header names another machine.")
        if method in _SAFE_METHODS:
            return
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc != host
        if foreign or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise CrossOrigin("The request comes from a page of another origin.")

    def _record(self, scope: Scope, status: int, seconds: float, call: Call) -> None:
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"].isalpha() and status != 405 else "other"
        self._metrics.http_requests.labels(method, route, status).inc()
        self._metrics.http_seconds.labels(method, route).observe(seconds)
        call.name, call.route, call.status = f"{method} {route}", route, status


class _Exchange:
    """One request and its answer, watched: bytes read, whether the body was finished."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, slowest_body: SlowestBody, call: Call
    ) -> None:
        self.headers = Headers(scope=scope)
        self.request_id = call.request_id
        self.status = 0
        scope["walkprint.request_id"] = self.request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=self.request_id)
        if call.trace_id is not None:
            structlog.contextvars.bind_contextvars(trace=call.trace_id)
        self._receive = receive
        self._pace = Pace(receive, slowest_body)
        self._send = send
        self._scope = scope
        self._multipart = self.headers.get("content-type", "").startswith("multipart/")
        self._announced = self.headers.get("content-length", "0")
        self._body_open = self._announced != "0" or "transfer-encoding" in self.headers
        self._read_bytes = 0
        self._lingers = False

    async def receive(self) -> Message:
        awaited = self._body_open and self.status == 0
        message = await (self._pace.receive() if awaited else self._receive())
        if message["type"] == "http.request":
            self._read_bytes += len(message.get("body", b""))
            self._body_open = message.get("more_body", False)
            is_bounded_there = self._multipart or _LARGE_BODY in self._scope
            if not is_bounded_there and self._read_bytes > SMALL_BODY_BYTES and self.status == 0:
                raise UploadTooLarge(SMALL_BODY_BYTES)
        else:
            self._body_open = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start(message)
        elif self._lingers and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    def _start(self, message: Message) -> None:
        headers: list[tuple[bytes, bytes]] = list(message["headers"])
        self.status = int(message["status"])
        present = {name for name, _ in headers}
        added = [pair for pair in _SECURITY_HEADERS if pair[0] not in present]
        added.append((b"x-request-id", self.request_id.encode()))
        if b"cache-control" not in present:
            added.append((b"cache-control", b"no-store"))
        if self._body_open and self._unread_bytes() > SMALL_BODY_BYTES:
            # What is still coming will not be read: end the connection rather than swallow it.
            added.append((b"connection", b"close"))
            self._lingers = "expect" not in self.headers
        message["headers"] = [*headers, *added]

    def _unread_bytes(self) -> float:
        if "transfer-encoding" in self.headers:
            return float("inf")
        return int(self._announced) - self._read_bytes

    async def _drain(self) -> None:
        limit = self._read_bytes + _LINGER_BYTES
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while self._body_open and self._read_bytes < limit:
                    await self.receive()
        except TimeoutError:
            _log.debug("upload refused, the client went on sending")


def let_large_body_in(scope: Scope) -> None:
    """Lifts the limit of small bodies for a route that streams the body and bounds it itself."""
    scope[_LARGE_BODY] = True


def refuse_zero_characters(scope: Scope) -> None:
    """Keeps U+0000 out of queries: no name holds it, and PostgreSQL takes no text with it.

    Raises:
        InvalidField: there is one.
    """
    if b"%00" in scope["query_string"]:
        raise InvalidField("query", "The query holds the character U+0000.")


def keep_slashes_in_ids(scope: Scope) -> None:
    """Lets a subject id hold any character, `/` included.

    Servers hand over the path already decoded, where `a%2Fb` has become two segments. This puts
    each segment back in one canonical encoding; `app.http.addresses` decodes it.
    """
    raw_path = scope.get("raw_path") or b""
    if b"%" in raw_path:
        segments = (unquote_to_bytes(part) for part in raw_path.split(b"?")[0].split(b"/"))
        scope["path"] = "/".join(quote(segment, safe="") for segment in segments)


def _hostname(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()
