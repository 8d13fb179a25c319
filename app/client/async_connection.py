"""Requests on their way to the service from asyncio, sent again where that is safe."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import httpx

from app.client.connection import (
    BROKEN,
    LATER,
    NEVER_SENT,
    Body,
    RetryPolicy,
    form_of,
    headers_of,
    http_options,
    timeout_of,
)
from app.client.failures import refusal_of, unreachable
from app.client.options import Errand


class AsyncConnection:
    """The open connections to one service, for the tasks of one event loop.

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
        options = http_options(base_url, api_key, timeout_seconds, connections)
        self._http = httpx.AsyncClient(**options)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def is_ready(self) -> bool:
        """Whether the service answers and takes work now; never raises."""
        try:
            answer = await self._http.get("/readyz", timeout=5.0)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    async def post_walks(self, errand: Errand, *, respond_async: bool = False) -> httpx.Response:
        """Posts walks as multipart form data, read from disk while they are sent.

        Args:
            errand: the work.
            respond_async: ask for a job instead of waiting for the result.
        """
        return await self.send(
            "POST",
            errand.route,
            repeatable=True,
            body=lambda opened: form_of(errand, opened),
            headers=headers_of(errand, respond_async=respond_async),
        )

    async def post_once(
        self, route: str, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        """Posts a JSON body, or none, under a key: sent twice, it is done once."""
        return await self.send(
            "POST",
            route,
            repeatable=True,
            body=None if body is None else lambda _: {"json": dict(body)},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )

    @asynccontextmanager
    async def download(
        self, route: str, *, timeout_seconds: float | None = None
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is read while it arrives, asked for once.

        Arguments and errors are those of `Connection.download`.
        """
        try:
            async with self._http.stream(
                "GET", route, timeout=timeout_of(timeout_seconds)
            ) as response:
                if response.is_error:
                    await response.aread()
                    raise refusal_of(response)
                yield response
        except BROKEN as broken:
            raise unreachable(self.base_url, broken) from broken

    async def send(
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

        Arguments and errors are those of `Connection.send`.
        """
        query = {key: value for key, value in (params or {}).items() if value is not None}
        tries = 0
        while True:
            tries += 1
            is_last = tries >= self._policy.attempts
            try:
                with ExitStack() as opened:
                    content = body(opened) if body else {}
                    response = await self._http.request(
                        method, route, headers=dict(headers or {}), params=query, **content
                    )
            except BROKEN as broken:
                if is_last or not (repeatable or isinstance(broken, NEVER_SENT)):
                    raise unreachable(self.base_url, broken) from broken
                await asyncio.sleep(self._policy.wait_seconds(tries, None))
                continue
            if response.status_code in LATER and not is_last:
                after = response.headers.get("retry-after")
                await asyncio.sleep(self._policy.wait_seconds(tries, after))
                continue
            if response.is_error:
                raise refusal_of(response)
            return response
