"""Requests on their way to the service, sent again where that is safe."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from app.client.api_key import authorization
from app.client.failures import refusal_of, unreachable
from app.client.media import open_walk
from app.client.options import Errand
from app.client.walk import Walk

# The connection broke or never stood: the service may not have seen the request at all.
BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.TimeoutException)
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
# Nothing was done yet, and the service says when it may be: busy, or asked too often.
LATER = (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS)
# Builds the keyword arguments of one try; what it opens on the stack is closed after that try.
Body = Callable[[ExitStack], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent, and how long to wait in between.

    Attributes:
        attempts: tries in all; 1 sends once.
        first_wait_seconds: the wait before the second try; it doubles with each further one.
        longest_wait_seconds: no single wait is longer, also when `Retry-After` asks for more.
    """

    attempts: int = 5
    first_wait_seconds: float = 0.25
    longest_wait_seconds: float = 10.0

    def wait_seconds(self, tries: int, retry_after: str | None) -> float:
        """The wait after `tries` failed tries; `retry_after` is the answer's header, if any."""
        asked_seconds = _retry_after_seconds(retry_after)
        if asked_seconds is None:
            # Up to half is random, so that many clients do not come back in one instant.
            asked_seconds = self.first_wait_seconds * 2 ** (tries - 1) * random.uniform(0.5, 1)  # noqa: S311 (no secret)
        return min(asked_seconds, self.longest_wait_seconds)


class Connection:
    """The open connections to one service; may be shared by threads.

    Args:
        base_url: of the service.
        api_key: shown with each request; None shows none.
        timeout_seconds: without a byte from the service before a try is given up.
        policy: how often and how patiently a request is sent again.
        connections: kept open at most.

    Raises:
        UnusableKey: the key cannot be one.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None,
        timeout_seconds: float,
        policy: RetryPolicy,
        connections: int,
    ) -> None:
        self.base_url = base_url
        self._policy = policy
        self._http = httpx.Client(**http_options(base_url, api_key, timeout_seconds, connections))

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def is_ready(self) -> bool:
        """Whether the service answers and takes work now; never raises."""
        try:
            return self._http.get("/readyz", timeout=5.0).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def post_walks(self, errand: Errand, *, respond_async: bool = False) -> httpx.Response:
        """Posts walks as multipart form data, read from disk while they are sent.

        Args:
            errand: the work.
            respond_async: ask for a job instead of waiting for the result.
        """
        headers = headers_of(errand, respond_async=respond_async)
        return self.send(
            "POST",
            errand.route,
            repeatable=True,
            body=lambda opened: form_of(errand, opened),
            headers=headers,
        )

    def post_once(
        self,
        route: str,
        body: Mapping[str, object] | None = None,
        *,
        params: Mapping[str, object] | None = None,
        idempotency_key: str | None = None,
    ) -> httpx.Response:
        """Posts a JSON body, or none, under a key: sent twice, it is done once.

        Args:
            route: the path under the base URL.
            body: a JSON object.
            params: the query; entries that are None are left out.
            idempotency_key: a fresh one when None.
        """
        return self.send(
            "POST",
            route,
            repeatable=True,
            body=None if body is None else lambda _: {"json": dict(body)},
            headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
            params=params,
        )

    @contextmanager
    def download(
        self, route: str, *, timeout_seconds: float | None = None
    ) -> Iterator[httpx.Response]:
        """An answer that is read while it arrives, asked for once.

        Args:
            route: the path under the base URL.
            timeout_seconds: without a byte before it is given up; the connection's own when None.

        Raises:
            WalkprintError: the service answered with a problem.
            ServiceUnreachable: it did not answer, or broke off.
        """
        try:
            with self._http.stream("GET", route, timeout=timeout_of(timeout_seconds)) as response:
                if response.is_error:
                    response.read()
                    raise refusal_of(response)
                yield response
        except BROKEN as broken:
            raise unreachable(self.base_url, broken) from broken

    def send(
        self,
        method: str,
        route: str,
        *,
        repeatable: bool = False,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """Sends a request until it is answered with something other than "later".

        Args:
            method: the HTTP method.
            route: the path under the base URL.
            repeatable: whether a request that may have arrived can be sent again (reads, and posts
                under an `Idempotency-Key`). A 429, a 503 and a refused connection always are.
            body: opens the files and builds the body, anew for each try.
            headers: of the request.
            params: the query; entries that are None are left out.

        Raises:
            WalkprintError: the service answered with a problem.
            ServiceUnreachable: it did not answer.
        """
        query = {key: value for key, value in (params or {}).items() if value is not None}
        tries = 0
        while True:
            tries += 1
            is_last = tries >= self._policy.attempts
            try:
                with ExitStack() as opened:
                    content = body(opened) if body else {}
                    response = self._http.request(
                        method, route, headers=dict(headers or {}), params=query, **content
                    )
            except BROKEN as broken:
                never_sent = isinstance(broken, NEVER_SENT)
                if is_last or not (repeatable or never_sent):
                    raise unreachable(self.base_url, broken) from broken
                time.sleep(self._policy.wait_seconds(tries, None))
                continue
            if response.status_code in LATER and not is_last:
                time.sleep(self._policy.wait_seconds(tries, response.headers.get("retry-after")))
                continue
            if response.is_error:
                raise refusal_of(response)
            return response


def http_options(
    base_url: str, api_key: str | None, timeout_seconds: float, connections: int
) -> dict[str, Any]:
    """How the HTTP library is set up, with and without asyncio.

    Raises:
        UnusableKey: the key cannot be one.
    """
    return {
        "base_url": base_url,
        "timeout": httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds)),
        "limits": httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        # httpx does not show an Authorization header when it is printed, and follows no redirect
        # that would carry it to another host.
        "headers": {
            "User-Agent": "walkprint-client",
            "Accept": "application/json",
            **authorization(api_key),
        },
    }


def timeout_of(seconds: float | None) -> Any:
    """A timeout as the HTTP library takes it; that of the client when None."""
    return httpx.USE_CLIENT_DEFAULT if seconds is None else seconds


def headers_of(errand: Errand, *, respond_async: bool) -> dict[str, str]:
    """What is said beside the form: the key under which the work is done once, and the patience."""
    prefer = "respond-async" if respond_async else errand.prefer
    key = {"Idempotency-Key": errand.idempotency_key or str(uuid.uuid4())}
    return key if prefer is None else key | {"Prefer": prefer}


def form_of(errand: Errand, opened: ExitStack) -> dict[str, object]:
    """The fields and the files of one try; the stack closes the files."""
    form = {key: str(value) for key, value in errand.fields.items() if value is not None}
    raw = [walk.media if isinstance(walk, Walk) else walk for walk in errand.walks]
    parts = [opened.enter_context(open_walk(media)) for media in raw]
    files = [("walk", (name, file, "application/octet-stream")) for name, file in parts]
    return {"data": form, "files": files}


def _retry_after_seconds(header: str | None) -> float | None:
    """`Retry-After` as seconds from now; None when absent or unreadable."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
