"""A queue and a sweep over a real registry, with the work itself left to the test.

Tests that ask for `way` run with either queue: the threads of the process, or a broker that brings
the jobs to threads under another instance.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from app.errors import NotReady
from app.registry import Home, Job, NewJob, Registry
from app.registry.gallery_thresholds import GalleryThresholds
from app.telemetry import Metrics
from app.worker.broker.consumer import Consumer
from app.worker.broker.errands import Errands
from app.worker.broker.publisher import Publisher
from app.worker.instance import Instance
from app.worker.job_threads import JobThreads, RunJob
from app.worker.outcomes import Json, Watchers
from app.worker.queue import JobQueue
from app.worker.storage import RecordingLost, UploadStorage
from app.worker.sweep import Sweep

LEASE_SECONDS = 30.0

Way = Literal["threads", "broker"]


@dataclass
class Process:
    """What one service process has of worker parts; several of them share a data folder.

    Attributes:
        registry: where jobs live.
        instance: accepts jobs.
        storage: of uploads.
        queue: takes the jobs to the threads.
        threads: run them: the queue itself, or behind the broker.
        owner: the id under which the threads claim jobs.
        sweep: of the queue.
        metrics: of all of these.
        consumer: the threads' side of the broker, where there is one.
    """

    registry: Registry
    instance: Instance
    storage: UploadStorage
    queue: JobQueue
    threads: JobThreads
    owner: str
    sweep: Sweep
    metrics: Metrics
    consumer: Consumer | None = None

    def work(self, run: RunJob) -> None:
        """Begins to work."""
        self.threads.start(run)
        if self.consumer is not None:
            nothing = Errands(self.registry, self.storage, _no_thresholds, lambda: None)
            self.consumer.start(self.threads, nothing)

    def stop(self) -> None:
        """Lets what runs end, and takes nothing new."""
        if self.consumer is not None:
            self.consumer.stop_fetching()
        self.threads.close(20)

    def accept(self, kind: str = "identify", *, trace: str | None = None) -> Job:
        """Accepts a job with one stored upload; does not put it into the queue."""
        upload = self.storage.begin()
        upload.write(b"a walk")
        upload.close()
        upload.wait_stored()
        new_job = NewJob(
            "identify", "default", None, {"kind": kind}, ((upload.name,),), trace=trace
        )
        home = Home(self.instance.id, timedelta(seconds=LEASE_SECONDS))
        job = self.registry.jobs.add(new_job, home=home).job
        self.storage.hand_over([upload.name])
        return job

    def has(self, upload: str) -> bool:
        """Whether an upload is there."""
        try:
            with self.storage.fetched([upload]):
                return True
        except RecordingLost:
            return False

    def run_all(self, work: Callable[[Job, float], Json], *jobs: Job) -> list[Job]:
        """Runs jobs to their end and gives them as they are then."""
        ended = threading.Semaphore(0)

        def then_say_so(job: Job, waited_ms: float) -> Json:
            try:
                return work(job, waited_ms)
            finally:
                ended.release()

        self.work(then_say_so)
        for job in jobs:
            self.queue.put(job)
        for _ in jobs:
            assert ended.acquire(timeout=20)
        self.stop()
        return [self.registry.jobs.get(job.id) for job in jobs]

    def die(self) -> None:
        """Leaves as `kill -9` would: the lock is gone, everything else stays."""
        self.instance.drop()


def _no_thresholds(_gallery: str) -> GalleryThresholds:
    raise NotReady("These threads measure nothing.")


@pytest.fixture
def way() -> Way:
    """How jobs come to the threads; test_queue.py takes each way in turn."""
    return "threads"


@pytest.fixture
def start(
    request: pytest.FixtureRequest, tmp_path: Path, database_url: str, way: Way
) -> Iterator[Callable[[], Process]]:
    """Starts processes over one database and one data folder."""
    broker_url = request.getfixturevalue("rabbit").url if way == "broker" else None
    with ExitStack() as stack:
        yield lambda: _start_one(tmp_path, database_url, broker_url, stack)


def _start_one(
    folder: Path, database_url: str, broker_url: str | None, stack: ExitStack
) -> Process:
    registry = Registry.open(database_url)
    stack.callback(registry.close)
    instance = Instance.enter(folder / "instances")
    storage = UploadStorage(folder / "uploads", instance.id)
    metrics, watchers = Metrics(), Watchers()
    owner, announce, consumer = instance.id, watchers.announce, None
    if broker_url is not None:
        owner = Instance.enter(folder / "instances").id
        consumer = Consumer(broker_url, registry, owner=owner, at_once=2, metrics=metrics)
        stack.callback(consumer.close)
        announce = consumer.ended
    threads = JobThreads(
        registry,
        storage,
        owner=owner,
        lease_seconds=LEASE_SECONDS,
        threads=2,
        metrics=metrics,
        announce=announce,
    )
    queue: JobQueue = threads
    if broker_url is not None:
        publisher = Publisher(broker_url, registry, instance.id, watchers, metrics)
        publisher.start()
        stack.callback(publisher.close)
        queue = publisher
    sweep = Sweep(
        registry=registry,
        instance=instance,
        storage=storage,
        queue=queue,
        lease_seconds=LEASE_SECONDS,
        keep_jobs=timedelta(hours=1),
        metrics=metrics,
    )
    return Process(registry, instance, storage, queue, threads, owner, sweep, metrics, consumer)
