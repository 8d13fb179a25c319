"""A queue and a sweep over a real registry, with the work itself left to the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from app.registry import Home, Job, NewJob, Registry
from app.telemetry import Metrics
from app.worker.instance import Instance
from app.worker.job_threads import JobThreads
from app.worker.outcomes import Json, Watchers
from app.worker.storage import RecordingLost, UploadStorage
from app.worker.sweep import Sweep

LEASE_SECONDS = 30.0


@dataclass
class Process:
    """What one service process has of worker parts; several of them share a data folder."""

    registry: Registry
    instance: Instance
    storage: UploadStorage
    queue: JobThreads
    sweep: Sweep

    def accept(self, kind: str = "identify") -> Job:
        """Accepts a job with one stored upload; does not put it into the queue."""
        upload = self.storage.begin()
        upload.write(b"a walk")
        upload.close()
        upload.wait_stored()
        new_job = NewJob("identify", "default", None, {"kind": kind}, ((upload.name,),))
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

        self.queue.start(then_say_so)
        for job in jobs:
            self.queue.put(job)
        for _ in jobs:
            assert ended.acquire(timeout=20)
        self.queue.close(20)
        return [self.registry.jobs.get(job.id) for job in jobs]

    def die(self) -> None:
        """Leaves as `kill -9` would: the lock is gone, everything else stays."""
        self.instance.drop()


@pytest.fixture
def start(tmp_path: Path, database_url: str) -> Iterator[Callable[[], Process]]:
    """Starts processes over one database and one data folder."""
    registries: list[Registry] = []

    def start_one() -> Process:
        registry = Registry.open(database_url)
        registries.append(registry)
        instance = Instance.enter(tmp_path / "instances")
        storage = UploadStorage(tmp_path / "uploads", instance.id)
        metrics = Metrics()
        queue = JobThreads(
            registry,
            storage,
            owner=instance.id,
            lease_seconds=LEASE_SECONDS,
            threads=2,
            metrics=metrics,
            announce=Watchers().announce,
        )
        sweep = Sweep(
            registry=registry,
            instance=instance,
            storage=storage,
            queue=queue,
            lease_seconds=LEASE_SECONDS,
            keep_jobs=timedelta(hours=1),
            metrics=metrics,
        )
        return Process(registry, instance, storage, queue, sweep)

    yield start_one
    for registry in registries:
        registry.close()
