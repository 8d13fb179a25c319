"""Builds the service by hand and runs it."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvicorn
from fastapi import FastAPI

from app import failpoints
from app.errors import NotReady
from app.http.access import Access
from app.http.application import LOOPBACK_NAMES, build_application
from app.http.connections import guarded
from app.http.doorkeeper import ConnectionLimits, allow_files
from app.http.issuer_keys import IssuerKeys
from app.http.oidc import TokenCheck
from app.http.pace import SlowestBody
from app.http.rate_limits import RateLimits
from app.http.services import Services
from app.outages import Outage
from app.registry import NewCheckpoint, Registry
from app.registry.checkpoint_problems import CheckpointNotHere
from app.registry.gallery_thresholds import GalleryThresholds
from app.registry.keys import id_in
from app.registry.receipts import Receipts, following
from app.registry.sealing.settings import master_key_source, require_usable_keys
from app.registry.signing import open_signer
from app.settings import Settings
from app.telemetry import Metrics, configure_logging
from app.worker.checkpoint_desk import CheckpointDesk
from app.worker.desk import Desk
from app.worker.instance import Instance
from app.worker.outcomes import Watchers
from app.worker.queue import JobQueue
from app.worker.storage import UploadStorage
from app.worker.sweep import Sweep

if TYPE_CHECKING:
    from app.worker.recognition import Recognition

# Jobs in hand per capture thread: the others wait for the encoder, where batches form.
_THREADS_PER_WORKER = 8
_MOST_THREADS = 64
# Seconds that a stopping service gives to open requests, then to running jobs.
_GRACE_SECONDS = 20
_SWITCH_SECONDS = 0.0005
_DRAIN_SECONDS = 5.0
# How soon weights that were missing are noticed.
_LOOK_AGAIN_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class NotOnLoopback(Exception):
    """The service has no keys, so it listens only where nobody else can reach it."""


class DatabaseNotThere(Exception):
    """The service was started, but its database does not answer; the message says why."""


class CannotRecognise(Exception):
    """The service was started, but could never have recognised anybody; the message says why."""


def create_app(
    settings: Settings, *, on_failure: Callable[[Exception], None] | None = None
) -> FastAPI:
    """The ASGI application; everything behind it starts and stops with its lifespan.

    Args:
        settings: where the data lie and what is served.
        on_failure: told, in a thread of its own, when recognition cannot be loaded.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as stack:
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
        InvalidField: the bootstrap key does not have the form of a key.
        CannotRecognise: the checkpoint cannot be read, or the device is not there.
        DatabaseNotThere: a database that was named does not answer.
        CannotDecrypt: a master key is missing, or is none.
    """
    if settings.database_url is not None:
        _require_database(settings.database_url)
    require_usable_keys(settings)
    if settings.bootstrap_key is not None:
        id_in(settings.bootstrap_key.get_secret_value())
    if not settings.is_loopback:
        _require_keys(settings)
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


def _require_database(url: str) -> None:
    """Says in one sentence what a start would say in a page.

    Raises:
        DatabaseNotThere: it does not answer.
    """
    registry = Registry.open(url)
    try:
        registry.ping()
    except Outage as outage:
        raise DatabaseNotThere(f"{outage.detail} See WALKPRINT_DATABASE_URL.") from outage
    finally:
        registry.close()


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


class _Loader:
    """Loads recognition in a thread of its own: the service is up at once and ready soon."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        storage: UploadStorage,
        queue: JobQueue,
        sweep: Sweep,
        metrics: Metrics,
        on_failure: Callable[[Exception], None] | None,
        owner: str,
    ) -> None:
        self._on_failure = on_failure
        self._parts = (settings, registry, storage, metrics, owner)
        self._queue = queue
        self._sweep = sweep
        self._recognition: Recognition | None = None
        self._failure: Exception | None = None
        self._missing: CheckpointNotHere | None = None
        self._ready = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._load, name="loader", daemon=True)
        self._thread.start()

    def checkpoint(self) -> str | None:
        """The id of what serves; None while it loads.

        Raises:
            NotReady: it could not be loaded.
        """
        if self._failure is not None:
            raise NotReady(f"The encoder could not be loaded ({type(self._failure).__name__}).")
        if self._missing is not None:
            raise NotReady(f"{self._missing.detail} {self._missing.advice}")
        return self._recognition.checkpoint_id if self._ready and self._recognition else None

    def calibrate(self, gallery: str) -> GalleryThresholds:
        """Measures a gallery's thresholds.

        Raises:
            NotReady: nothing serves yet.
        """
        if self.checkpoint() is None or self._recognition is None:
            raise NotReady
        return self._recognition.calibrate(gallery)

    def shipped(self) -> str | None:
        """The id of the checkpoint in this package; None while it is read."""
        return None if self._recognition is None else self._recognition.shipped_id

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        if self._recognition is not None:
            self._recognition.close()

    def _load(self) -> None:
        try:
            # Imported here, for it takes OpenCV, FAISS and ONNX Runtime along.
            from app.worker.recognition import Recognition  # noqa: PLC0415

            recognition = Recognition(*self._parts)
            self._recognition = recognition
            if not self._made_ready(recognition):
                return
        except Exception as error:
            _log.error("the encoder could not be loaded", reason=str(error))
            self._failure = error
            if self._on_failure is not None:
                self._on_failure(error)
            return
        self._sweep.refresh_with(recognition.search.refresh)
        self._queue.start(recognition.pipeline.run)
        # What was loaded lives as long as the process: the collector need not walk it at every
        # turn (some 8 % of the CPU time of a walk).
        gc.collect()
        gc.freeze()
        self._ready = True
        _log.info("ready", checkpoint=recognition.checkpoint_id)

    def _made_ready(self, recognition: Recognition) -> bool:
        """Waits for weights that are missing: another checkpoint can be activated meanwhile."""
        while True:
            try:
                recognition.make_ready()
            except CheckpointNotHere as missing:
                if self._missing is None:
                    _log.error("not ready", reason=missing.detail, advice=missing.advice)
                self._missing = missing
                if self._stop.wait(_LOOK_AGAIN_SECONDS):
                    return False
            else:
                self._missing = None
                return True


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


def _read_checkpoint(content: bytes, name: str) -> NewCheckpoint:
    # Imported here for the same reason as recognition.
    from app.worker.checkpoint_files import read_new_checkpoint  # noqa: PLC0415

    return read_new_checkpoint(content, name)


def _start(
    settings: Settings,
    metrics: Metrics,
    stack: ExitStack,
    on_failure: Callable[[Exception], None] | None,
) -> Services:
    """Starts everything, in the order of dependence; the stack stops it in reverse."""
    # Before the database is opened: a restore may be about to replace it.
    instance = Instance.enter(settings.data / "instances")
    stack.callback(instance.leave)
    signer = open_signer(settings.signing_key_file)
    registry = Registry.open(
        settings.resolved_database_url, signer=signer, master_keys=master_key_source(settings)
    )
    stack.callback(registry.close)
    registry.migrate()
    registry.require_master_keys()
    registry.audit.note("service.started", version=version("walkprint"))
    storage = UploadStorage(settings.uploads_folder, instance.id)
    stack.callback(lambda: storage.close(set(registry.jobs.referenced_uploads())))
    watchers = Watchers()
    queue = JobQueue(
        registry,
        storage,
        owner=instance.id,
        lease_seconds=settings.lease_seconds,
        threads=min(settings.workers * _THREADS_PER_WORKER, _MOST_THREADS),
        metrics=metrics,
        watchers=watchers,
    )
    sweep = Sweep(
        registry=registry,
        instance=instance,
        storage=storage,
        queue=queue,
        lease_seconds=settings.lease_seconds,
        keep_jobs=timedelta(hours=settings.keep_jobs_hours),
        metrics=metrics,
    )
    loader = _Loader(settings, registry, storage, queue, sweep, metrics, on_failure, instance.id)
    stack.callback(loader.close)
    sweep.start()
    desk = Desk(
        registry=registry,
        storage=storage,
        queue=queue,
        sweep=sweep,
        watchers=watchers,
        owner=instance.id,
        lease_seconds=settings.lease_seconds,
        most_jobs=settings.max_queued_jobs,
    )
    # What still waits here loses its home: whoever comes next may take it.
    stack.callback(registry.jobs.release_owner, instance.id)
    stack.callback(queue.close, _DRAIN_SECONDS)
    stack.callback(sweep.close)
    stack.callback(desk.close)
    return Services(
        settings=settings,
        registry=registry,
        signer=signer,
        receipts=Receipts(
            signer,
            service=f"walkprint {version('walkprint')}",
            following=following(embedded=registry.is_embedded),
        ),
        desk=desk,
        checkpoints=CheckpointDesk(
            registry, storage, read=_read_checkpoint, shipped=loader.shipped
        ),
        metrics=metrics,
        checkpoint=loader.checkpoint,
        calibrate=loader.calibrate,
        pages=Path(__file__).parent / "console",
        access=_access(registry, settings),
    )
