"""Builds the service by hand and runs it."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from app import failpoints
from app.http.access import Access
from app.http.application import LOOPBACK_NAMES, build_application
from app.http.connections import guarded
from app.http.console import Console
from app.http.doorkeeper import ConnectionLimits, allow_files
from app.http.issuer_keys import IssuerKeys
from app.http.job_events import Lookout
from app.http.oidc import TokenCheck
from app.http.pace import SlowestBody
from app.http.rate_limits import RateLimits
from app.http.services import Services
from app.registry import Registry
from app.registry.keys import id_in
from app.registry.receipts import Receipts, following
from app.registry.sealing.settings import require_usable_keys
from app.settings import Settings
from app.telemetry import Metrics, configure_logging
from app.worker.broker.hired_hands import hired_hands
from app.worker.checkpoint_desk import CheckpointDesk
from app.worker.desk import Desk
from app.worker.foundation import CannotStart, lay, require_database, traces_of
from app.worker.hands import own_hands
from app.worker.outcomes import Watchers

# Seconds that a stopping service gives to open requests.
_GRACE_SECONDS = 20
_SWITCH_SECONDS = 0.0005

_log = structlog.get_logger(__name__)


class NotOnLoopback(CannotStart):
    """The service has no keys, so it listens only where nobody else can reach it."""


class CannotListen(CannotStart):
    """The address is not this machine's, or another program listens there; the message says it."""


class CannotRecognise(CannotStart):
    """The service was started, but could never have recognised anybody; the message says why."""


def create_app(
    settings: Settings, *, on_failure: Callable[[Exception], None] | None = None
) -> FastAPI:
    """The ASGI application; everything behind it starts and stops with its lifespan.

    Args:
        settings: where the data lie and what is served.
        on_failure: told, in a thread of its own, when recognition cannot be loaded.
    """
    metrics = Metrics(traces_of(settings, "walkprint-api"))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as stack:
            # Last, for what ends before it is told as well.
            stack.callback(metrics.traces.close)
            running = await asyncio.to_thread(_start, settings, metrics, stack, on_failure)
            app.state.services = running
            yield
            await asyncio.to_thread(stack.close)

    slowest_body = SlowestBody(grace_seconds=settings.body_grace_seconds)
    hosts = frozenset(settings.allowed_hosts)
    if settings.is_loopback:
        hosts |= LOOPBACK_NAMES
    return build_application(metrics, lifespan, hosts=hosts or None, slowest_body=slowest_body)


def serve(settings: Settings) -> None:
    """Runs the service until it is told to stop (SIGTERM, SIGINT).

    Raises:
        NotOnLoopback: the host can be reached from other machines, and there is no key.
        CannotListen: nobody could reach it, for another program has its port.
        InvalidField: the bootstrap key does not have the form of a key.
        CannotRecognise: the checkpoint cannot be read, or the device is not there.
        DatabaseNotThere: a database that was named does not answer.
        CannotDecrypt: a master key is missing, or is none.
    """
    if settings.database_url is not None:
        require_database(settings.database_url)
    require_usable_keys(settings)
    if settings.bootstrap_key is not None:
        id_in(settings.bootstrap_key.get_secret_value())
    if not settings.is_loopback:
        _require_keys(settings)
    _require_port(settings)
    configure_logging(settings.log_level, as_json=settings.log_json)
    failpoints.arm_from_environment()
    # Job threads hand the interpreter over between short calls into C; at Python's default of 5 ms
    # the event loop waits too long for whoever just has it.
    sys.setswitchinterval(_SWITCH_SECONDS)
    failures: list[Exception] = []

    def give_up(failure: Exception) -> None:
        failures.append(failure)
        server.should_exit = True

    server = uvicorn.Server(server_config(create_app(settings, on_failure=give_up), settings))
    server.run()
    if failures:
        raise CannotRecognise(str(failures[0])) from failures[0]
    if not server.started:
        raise SystemExit(1)


def _require_port(settings: Settings) -> None:
    """Says before anything is loaded, in one sentence, that nobody could reach the service.

    Raises:
        CannotListen: it could not listen.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as taken:
        raise CannotListen(
            f"{settings.host}:{settings.port} cannot be listened on: {taken.strerror}. Another"
            " service may run there: stop it, or choose another port with --port."
        ) from taken


def _require_keys(settings: Settings) -> None:
    """Keeps a service without keys from listening where strangers can reach it.

    Raises:
        NotOnLoopback: nobody could be told from anybody.
    """
    if settings.oidc_issuer is not None or settings.bootstrap_key is not None:
        return
    registry = Registry.open(settings.resolved_database_url)
    try:
        registry.migrate()
        if registry.keys.any_made():
            return
    finally:
        registry.close()
    raise NotOnLoopback(
        f"{settings.host} can be reached from other machines, and there is no key yet. Make one"
        " with `walkprint keys create --scope admin`, or listen on 127.0.0.1."
    )


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How the application is served, by `serve` and by tests alike."""
    limits = ConnectionLimits(
        head_seconds=settings.head_seconds, connections=allow_files(settings.max_connections)
    )
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=guarded(limits),
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _access(registry: Registry, settings: Settings) -> Access:
    """Who may call; says so where that is everybody."""
    if settings.bootstrap_key is not None:
        registry.keys.adopt(settings.bootstrap_key.get_secret_value(), "bootstrap")
    tokens = None
    if settings.oidc_issuer is not None and settings.oidc_audience is not None:
        tokens = TokenCheck(
            IssuerKeys(settings.oidc_issuer),
            issuer=settings.oidc_issuer,
            audience=settings.oidc_audience,
            scope_claim=settings.oidc_scope_claim,
            galleries_claim=settings.oidc_galleries_claim,
        )
    limits = RateLimits(
        requests_per_minute=settings.requests_per_minute,
        failures_per_minute=settings.failures_per_minute,
    )
    access = Access(registry, limits, tokens, on_loopback=settings.is_loopback)
    if access.is_open:
        _log.warning(
            "open to every program on this machine: there is no key yet",
            advice="make one with `walkprint keys create --scope admin`",
        )
    return access


def _start(
    settings: Settings,
    metrics: Metrics,
    stack: ExitStack,
    on_failure: Callable[[Exception], None] | None,
) -> Services:
    """Starts everything, in the order of dependence; the stack stops it in reverse."""
    metrics.traces.start()
    foundation = lay(settings, stack)
    registry, storage, owner = foundation.registry, foundation.storage, foundation.instance.id
    registry.audit.note("service.started", version=version("walkprint"))
    watchers = Watchers()
    stack.callback(watchers.announce_all_gone)
    if settings.broker_url is None:
        hands = own_hands(settings, foundation, metrics, watchers, stack, on_failure)
    else:
        url = settings.broker_url.get_secret_value()
        hands = hired_hands(settings, foundation, metrics, watchers, stack, url)
    desk = Desk(
        registry=registry,
        storage=storage,
        queue=hands.queue,
        sweep=hands.sweep,
        watchers=watchers,
        owner=owner,
        lease_seconds=settings.lease_seconds,
        most_jobs=settings.max_queued_jobs,
    )
    stack.callback(desk.close)
    return Services(
        settings=settings,
        registry=registry,
        signer=foundation.signer,
        receipts=Receipts(
            foundation.signer,
            service=f"walkprint {version('walkprint')}",
            following=following(
                embedded=registry.is_embedded, in_milvus=settings.index == "milvus"
            ),
        ),
        desk=desk,
        checkpoints=CheckpointDesk(registry, install=hands.install, shipped=hands.shipped),
        metrics=metrics,
        checkpoint=hands.checkpoint,
        calibrate=hands.calibrate,
        console=Console(Path(__file__).parent / "console"),
        access=_access(registry, settings),
        lookout=Lookout(registry.job_progress.standing),
    )
