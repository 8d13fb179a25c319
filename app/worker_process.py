"""`walkprint worker`: does the jobs that services put into the broker's queues."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

import structlog
import uvicorn
from starlette.applications import Starlette

from app import failpoints
from app.errors import NotReady
from app.registry import Registry
from app.registry.sealing.settings import require_usable_keys
from app.settings import Settings
from app.telemetry import Metrics, configure_logging
from app.worker.broker.consumer import Consumer
from app.worker.broker.errands import Errands
from app.worker.foundation import CannotStart, lay, require_database, traces_of
from app.worker.hands import job_threads, open_workshop
from app.worker.health import health_application
from app.worker.job_threads import JobThreads
from app.worker.loader import Loader

_SWITCH_SECONDS = 0.0005

_log = structlog.get_logger(__name__)


class CannotWork(CannotStart):
    """The worker was started, but could never have done a job; the message says why."""


@dataclass(frozen=True, slots=True)
class _Worker:
    consumer: Consumer
    loader: Loader
    registry: Registry

    def readiness(self) -> dict[str, str]:
        """What serves.

        Raises:
            NotReady: the weights load, or the broker does not answer.
            Outage: the database does not answer.
        """
        checkpoint = self.loader.checkpoint()
        if checkpoint is None:
            raise NotReady("The encoder is being loaded.")
        if not self.consumer.is_connected:
            raise NotReady("The broker does not answer.")
        self.registry.ping()
        return {"status": "ready", "checkpoint": checkpoint}


def work(settings: Settings) -> None:
    """Works until it is told to stop (SIGTERM, SIGINT); then ends what runs, or gives it back.

    Raises:
        CannotWork: no broker is named, the checkpoint cannot be read, or the device is not there.
        DatabaseNotThere: a database that was named does not answer.
        CannotDecrypt: a master key is missing, or is none.
    """
    if settings.broker_url is None:
        raise CannotWork(
            "WALKPRINT_BROKER_URL is not set: it names the broker that brings the work."
        )
    if settings.database_url is not None:
        require_database(settings.database_url)
    require_usable_keys(settings)
    configure_logging(settings.log_level, as_json=settings.log_json)
    failpoints.arm_from_environment()
    # As in the service: job threads hand the interpreter over between short calls into C.
    sys.setswitchinterval(_SWITCH_SECONDS)
    url = settings.broker_url.get_secret_value()
    failures: list[Exception] = []

    def give_up(failure: Exception) -> None:
        failures.append(failure)
        server.should_exit = True

    server = uvicorn.Server(
        uvicorn.Config(
            worker_application(settings, url, on_failure=give_up),
            host=settings.worker_host,
            port=settings.worker_port,
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
        )
    )
    server.run()
    if failures:
        raise CannotWork(str(failures[0])) from failures[0]
    if not server.started:
        raise SystemExit(1)


def worker_application(
    settings: Settings, url: str, *, on_failure: Callable[[Exception], None] | None = None
) -> Starlette:
    """The worker's probes; the worker itself starts and stops with their lifespan.

    Args:
        settings: which database, and how many threads.
        url: of the broker.
        on_failure: told, in a thread of its own, when recognition cannot be loaded.
    """
    metrics = Metrics(traces_of(settings, "walkprint-worker"))
    working: list[_Worker] = []

    def readiness() -> dict[str, str]:
        if not working:
            raise NotReady("The worker is starting.")
        return working[0].readiness()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with ExitStack() as stack:
            stack.callback(metrics.traces.close)
            working.append(
                await asyncio.to_thread(_open_worker, settings, url, metrics, stack, on_failure)
            )
            yield
            await asyncio.to_thread(stack.close)

    return health_application(metrics, readiness, lifespan)


def _open_worker(
    settings: Settings,
    url: str,
    metrics: Metrics,
    stack: ExitStack,
    on_failure: Callable[[Exception], None] | None,
) -> _Worker:
    """Starts everything, in the order of dependence; the stack stops it in reverse."""
    metrics.traces.start()
    foundation = lay(settings, stack)
    foundation.registry.audit.note("worker.started", version=version("walkprint"))
    consumer = Consumer(
        url,
        foundation.registry,
        owner=foundation.instance.id,
        at_once=job_threads(settings),
        metrics=metrics,
    )

    def begin(threads: JobThreads, loader: Loader) -> None:
        errands = Errands(foundation.registry, foundation.storage, loader.calibrate, loader.shipped)
        consumer.start(threads, errands)

    # After the threads have ended: only then is everything acknowledged that they did.
    stack.callback(consumer.close)
    workshop = open_workshop(
        settings,
        foundation,
        metrics,
        stack,
        announce=consumer.ended,
        takes_orphans=False,
        on_failure=on_failure,
        on_ready=begin,
    )
    stack.callback(consumer.stop_fetching)
    return _Worker(consumer, workshop.loader, foundation.registry)
