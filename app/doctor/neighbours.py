"""What the service talks to, and the service itself where one runs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from app.client.api_key import UnusableKey, authorization, key_from_environment
from app.doctor.finding import Finding, broken, doubtful, fine
from app.settings import Settings

_PATIENCE_SECONDS = 5.0
_SKEW_SECONDS = 30.0


def broker(settings: Settings) -> Iterator[Finding]:
    """Whether the broker lets us in, where one is set."""
    if settings.broker_url is None:
        return
    from aio_pika import connect  # only where there is a broker
    from aio_pika.exceptions import AMQPError

    address = settings.broker_url.get_secret_value()

    async def knock() -> None:
        connection = await connect(address, timeout=_PATIENCE_SECONDS)
        await connection.close()

    try:
        asyncio.run(knock())
    except (OSError, AMQPError, TimeoutError, ValueError) as away:
        says = f"The broker does not let us in ({type(away).__name__})."
        advice = "Start it, or correct WALKPRINT_BROKER_URL: host, port, user, password, vhost."
        yield broken("broker", says, advice)
    else:
        yield fine("broker", "answers")


def milvus(settings: Settings) -> Iterator[Finding]:
    """Whether the Milvus answers, where vectors are kept in one."""
    if settings.index != "milvus":
        return
    from app.search.milvus.connection import IndexAway, Server  # pymilvus

    token = settings.milvus_token
    connection = Server(settings.milvus_uri or "", token=token.get_secret_value() if token else "")
    try:
        connection.call(lambda client: client.list_collections())
    except IndexAway as away:
        yield broken(
            "milvus", away.detail, "Start it, or correct WALKPRINT_MILVUS_URI (docs/milvus.md)."
        )
    else:
        yield fine("milvus", "answers")
    finally:
        connection.close()


def service(url: str, settings: Settings, *, is_named: bool) -> Iterator[Finding]:
    """Whether the service is ready, and the caller's key is good there.

    Args:
        url: of the service.
        settings: where a new one would listen.
        is_named: whether somebody said that one runs there.
    """
    try:
        headers = authorization(key_from_environment())
    except (UnusableKey, OSError) as wrong:
        yield broken("key", f"{wrong}", "See WALKPRINT_API_KEY and WALKPRINT_API_KEY_FILE.")
        headers = {}
    try:
        ready = httpx.get(f"{url}/readyz", timeout=_PATIENCE_SECONDS)
        # Whatever else listens there will not know the answer of our probe.
        is_ours = "status" in ready.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as silent:
        is_ours = False
        if is_named:
            says = f"No Walkprint answers at {url} ({type(silent).__name__})."
            yield broken(
                "service", says, "Start it with `walkprint serve`, or correct WALKPRINT_URL."
            )
            return
    if not is_ours:
        yield _free_port(settings)
        return
    if ready.status_code != httpx.codes.OK:
        yield doubtful(
            "service", f"{url} is not ready: {ready.json().get('detail')}", "Wait, or see its log."
        )
        return
    yield fine("service", f"{url} is ready with {ready.json()['checkpoint']}")
    yield from _skew(ready)
    yield _caller(url, headers)


def _free_port(settings: Settings) -> Finding:
    """Whether a service could listen: somebody else may have its port."""
    if settings.port == 0:
        return fine("service", "none runs; the next one takes any port")
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as taken:
            says = f"{settings.host}:{settings.port} cannot be listened on: {taken.strerror}."
            return broken(
                "service", says, "Take another: walkprint serve --port, or WALKPRINT_PORT."
            )
    return fine("service", f"none runs; port {settings.port} is free for `walkprint serve`")


def _skew(ready: httpx.Response) -> Iterator[Finding]:
    """Two clocks that differ make keys expire early and leases end while somebody works."""
    try:
        theirs = parsedate_to_datetime(ready.headers.get("date", ""))
    except ValueError:
        return
    seconds = abs((datetime.now(UTC) - theirs).total_seconds())
    if seconds > _SKEW_SECONDS:
        yield doubtful(
            "clock", f"The service's clock differs by {seconds:.0f} s.", "Keep NTP on, on both."
        )


def _caller(url: str, headers: dict[str, str]) -> Finding:
    try:
        answer = httpx.get(f"{url}/session", headers=headers, timeout=_PATIENCE_SECONDS)
    except httpx.HTTPError as silent:
        return broken("key", f"{url} stopped answering ({type(silent).__name__}).", "See its log.")
    if answer.status_code == httpx.codes.OK:
        who = answer.json()
        if who["access"] == "open":
            return doubtful(
                "key",
                "The service is open to every program on its machine: there is no key yet.",
                "walkprint keys create NAME --scope admin",
            )
        return fine("key", f"good: {', '.join(who.get('scopes') or ()) or 'no scopes'}")
    says = str(answer.json().get("detail", answer.status_code))
    advice = (
        "Put a good key into WALKPRINT_API_KEY, or its file's name into WALKPRINT_API_KEY_FILE."
    )
    return broken("key", says, advice)
