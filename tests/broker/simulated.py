"""Workers whose encoder takes a fixed time, as processes of their own that start in no time.

Everything else is a worker's: the broker's messages, leases, fences, threads. They are forked from
a server that has imported everything, so that a trial costs milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from app.errors import NotReady
from app.registry import AddedJob, Enrollment, Home, Job, NewJob, Registry
from app.registry.gallery_thresholds import GalleryThresholds
from app.registry.job import Priority
from app.settings import Settings
from app.telemetry import Metrics, configure_logging
from app.worker.broker.consumer import Consumer
from app.worker.broker.errands import Errands
from app.worker.broker.publisher import Publisher
from app.worker.foundation import Foundation, lay
from app.worker.job_threads import JobThreads
from app.worker.outcomes import Json, Watchers
from app.worker.sweep import Sweep
from tests.enrolling import CHECKPOINT, new_walk, unit_vector

_LEASE_SECONDS = 30.0
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.broker.simulated"])


def simulated_work(registry: Registry, job: Job) -> Json:
    """Takes as long as the job says, then enrols somebody or answers; poison kills the process.

    The answer says when it was begun, by the clock that all processes share, and by whom.
    """
    begun = time.monotonic()
    if job.request.get("poison"):
        time.sleep(0.2)  # until the innocent are in hand too
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(str(job.request["seconds"])))
    answer: Json = {"begun": begun, "pid": os.getpid()}
    if job.kind != "enroll":
        registry.jobs.finish(job.id, job.attempt, answer)
        return answer
    walk = new_walk(unit_vector(int.from_bytes(str(job.subject).encode(), "little")))
    enrollment = Enrollment(None, {}, CHECKPOINT, (walk,))
    registry.enrollments.record(job.id, job.attempt, enrollment, lambda _: answer)
    return answer


def _no_thresholds(_gallery: str) -> GalleryThresholds:
    raise NotReady("A simulated worker measures nothing.")


def _work(settings: Settings, url: str, threads: int, parent: Connection) -> None:
    configure_logging("warning", as_json=False)
    stop = parent
    with ExitStack() as stack:
        foundation = lay(settings, stack)
        owner, metrics = foundation.instance.id, Metrics()
        consumer = Consumer(url, foundation.registry, owner=owner, at_once=threads, metrics=metrics)
        stack.callback(consumer.close)
        hands = JobThreads(
            foundation.registry,
            foundation.storage,
            owner=owner,
            lease_seconds=_LEASE_SECONDS,
            threads=threads,
            metrics=metrics,
            announce=consumer.ended,
        )
        stack.callback(hands.close, 5.0)
        sweep = Sweep(
            registry=foundation.registry,
            instance=foundation.instance,
            storage=foundation.storage,
            queue=hands,
            lease_seconds=_LEASE_SECONDS,
            keep_jobs=timedelta(hours=1),
            metrics=metrics,
            takes_orphans=False,
        )
        sweep.start()
        stack.callback(sweep.close)
        hands.start(lambda job, _waited_ms: simulated_work(foundation.registry, job))
        errands = Errands(
            foundation.registry, foundation.storage, _no_thresholds, lambda: CHECKPOINT
        )
        consumer.start(hands, errands)
        stack.callback(consumer.stop_fetching)
        while not consumer.is_connected:
            time.sleep(0.005)
        parent.send(owner)  # ready
        stop.recv()  # anything, or the end of the test, is the word to stop


class SimulatedWorker:
    """One worker process; ends with its `with` block.

    Args:
        settings: whose data folder and database it works on.
        url: of the broker, or of a proxy before it.
        threads: jobs in hand.

    Attributes:
        instance_id: owns its leases; empty until it is ready.
    """

    def __init__(self, settings: Settings, url: str, *, threads: int = 4) -> None:
        self.instance_id = ""
        self._pipe, theirs = _context.Pipe()
        self._process: ForkServerProcess = _context.Process(
            target=_work, args=(settings, url, threads, theirs), daemon=True
        )
        self._process.start()
        theirs.close()

    def wait_until_ready(self) -> None:
        """Waits until it fetches jobs."""
        if not self._pipe.poll(60.0):
            raise TimeoutError("the worker is not ready")
        self.instance_id = str(self._pipe.recv())

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it lives."""
        return self._process.is_alive()

    def kill(self) -> None:
        """Ends it as a crash does."""
        self._process.kill()
        self._process.join()

    def tell_to_stop(self) -> None:
        """Asks it to end in order, and does not wait."""
        self._pipe.send("stop")

    def stop(self) -> None:
        """Ends it in order."""
        if self._process.is_alive():
            self.tell_to_stop()
        self._process.join(30.0)


@contextmanager
def workers(
    settings: Settings, url: str, count: int, *, threads: int = 4
) -> Iterator[list[SimulatedWorker]]:
    """Some workers, ready; a test may kill them and add others to the list."""
    running = [SimulatedWorker(settings, url, threads=threads) for _ in range(count)]
    try:
        for worker in running:
            worker.wait_until_ready()
        yield running
    finally:
        for worker in running:
            worker.kill()


@dataclass
class SimulatedService:
    """What a service does with jobs, without HTTP.

    Attributes:
        foundation: it stands on.
        publisher: its queue.
        sweep: its own.
        watchers: of its callers.
        accepted: ids of its jobs.
    """

    foundation: Foundation
    publisher: Publisher
    sweep: Sweep
    watchers: Watchers
    accepted: list[str] = field(default_factory=list)

    @property
    def registry(self) -> Registry:
        """Where the jobs are."""
        return self.foundation.registry

    def accept(
        self,
        *,
        seconds: float = 0.05,
        poison: bool = False,
        subject: str | None = None,
        priority: Priority = "interactive",
    ) -> str:
        """Accepts and publishes one job; gives its id."""
        new_job = NewJob(
            "identify" if subject is None else "enroll",
            "default",
            subject,
            {"seconds": seconds, "poison": poison},
            (),
            priority=priority,
        )
        home = Home(self.foundation.instance.id, timedelta(seconds=_LEASE_SECONDS))
        added: AddedJob = self.registry.jobs.add(new_job, home=home)
        self.publisher.put(added.job)
        self.accepted.append(added.job.id)
        return added.job.id

    def jobs(self) -> list[Job]:
        """All accepted ones as they stand."""
        return [self.registry.jobs.get(job_id) for job_id in self.accepted]

    def wait(self, seconds: float = 60.0) -> list[Job]:
        """Waits until all accepted jobs have ended and this process knows."""
        until = time.monotonic() + seconds
        while self.publisher.depth:
            if time.monotonic() > until:
                raise TimeoutError([(job.id, job.state) for job in self.jobs() if not job.finished])
            time.sleep(0.005)
        return self.jobs()


@contextmanager
def simulated_service(settings: Settings, url: str) -> Iterator[SimulatedService]:
    """A service's side of the broker."""
    with ExitStack() as stack:
        foundation = lay(settings, stack)
        metrics, watchers = Metrics(), Watchers()
        publisher = Publisher(url, foundation.registry, foundation.instance.id, watchers, metrics)
        stack.callback(publisher.close)
        publisher.start()
        sweep = Sweep(
            registry=foundation.registry,
            instance=foundation.instance,
            storage=foundation.storage,
            queue=publisher,
            lease_seconds=_LEASE_SECONDS,
            keep_jobs=timedelta(hours=1),
            metrics=metrics,
        )
        sweep.start()
        stack.callback(sweep.close)
        yield SimulatedService(foundation, publisher, sweep, watchers)


def settings_of(data: Path, database_url: str) -> Settings:
    """Of a service and workers that share a folder and a database."""
    return Settings(data=data, database_url=database_url)
