"""The periodic look around: renew leases, rescue what dead processes left, forget what is old."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

import structlog

from app.errors import UnknownJob
from app.outages import outage_of
from app.registry import Registry
from app.registry.leases import Released
from app.telemetry import Metrics
from app.worker.instance import Instance
from app.worker.queue import JobQueue
from app.worker.retention import RetentionRounds
from app.worker.storage import UploadStorage
from app.worker.upload_upkeep import UploadUpkeep

# Seconds between looks: how soon a sibling takes over the jobs of a process that was killed.
_EVERY_SECONDS = 1.0
_PURGE_EVERY_SECONDS = 600.0
# A database file from which somebody was erased is rewritten within this, while writers wait; a
# small one sooner: at most one part in a hundred of the time is spent so.
SCRUBBED_WITHIN_SECONDS = 600.0
_SCRUB_PAUSES = 100.0
_LEAST_SCRUB_PAUSE_SECONDS = 5.0
# Orphaned jobs taken at once; the rest follow at the next look.
_RESCUE_AT_ONCE = 200

_log = structlog.get_logger(__name__)


class Sweep:
    """Keeps one process's leases alive and cleans up after others.

    Args:
        registry: where jobs live.
        instance: this process.
        storage: where uploads lie.
        queue: receives the jobs that are rescued.
        lease_seconds: renewed three times within this.
        keep_jobs: age at which finished jobs, which hold decisions about people, are forgotten.
        metrics: counts rescues and what was erased for its age.
        takes_orphans: whether jobs that wait for anybody are put into the queue.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        instance: Instance,
        storage: UploadStorage,
        queue: JobQueue,
        lease_seconds: float,
        keep_jobs: timedelta,
        metrics: Metrics,
        takes_orphans: bool = True,
    ) -> None:
        self._takes_orphans = takes_orphans
        self._registry = registry
        self._instance = instance
        self._storage = storage
        self._queue = queue
        self._lease_seconds = lease_seconds
        self._keep_jobs = keep_jobs
        self._metrics = metrics
        self._uploads = UploadUpkeep(registry, storage)
        self._retention = RetentionRounds(registry, storage, metrics)
        self._refresh: Callable[[], None] | None = None
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._renewed = self._purged = self._scrub_from = float("-inf")
        self._strays: set[str] = set()
        self._outage = ""
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def refresh_with(self, refresh: Callable[[], None]) -> None:
        """Has the search indexes brought up to date at each look, so that erased vectors leave
        memory even where nobody searches."""
        self._refresh = refresh

    def start(self) -> None:
        """Looks once now, then every second."""
        self.look()
        self._thread.start()
        self._uploads.start()

    def wake(self) -> None:
        """Looks soon (something was erased)."""
        self._wake.set()

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._uploads.close()

    def look(self) -> None:
        """Does everything that is due."""
        jobs = self._registry.jobs
        if monotonic() - self._renewed > self._lease_seconds / 3:
            jobs.renew(self._instance.id, lease_seconds=self._lease_seconds)
            self._count(jobs.release_expired())
            self._finish_erasures()
            self._let_strays_go()
            self._renewed = monotonic()
        self._clean_up_after_the_dead()
        self._queue.look()
        if self._takes_orphans:
            self._take_orphans()
        self._uploads.look()
        if self._refresh is not None:
            self._refresh()
        if monotonic() - self._purged > _PURGE_EVERY_SECONDS:
            jobs.purge(older_than=self._keep_jobs)
            self._registry.sessions.purge()
            self._purged = monotonic()

    def _finish_erasures(self) -> None:
        """Does what somebody asked for who then died; a living process needs no lease's time."""
        older_than = timedelta(seconds=self._lease_seconds)
        for erasure in self._registry.asked_erasures.finish(older_than=older_than):
            self._storage.discard(erasure.uploads)

    def _let_strays_go(self) -> None:
        """Frees jobs that are this process's in the registry and not in its queue.

        The database went away just as it committed their acceptance or their claim. What is being
        accepted at this moment looks the same, so only what is found twice is freed.
        """
        owner = self._instance.id
        strays = {job for job in self._registry.jobs.leased_to(owner) if not self._queue.holds(job)}
        again = strays & self._strays
        if again:
            freed = self._registry.jobs.let_go(again, owner)
            _log.warning("jobs that an outage had left behind run again", jobs=freed)
        self._strays = strays

    def _take_orphans(self) -> None:
        """Queues the jobs that wait for anybody: a sibling may do the same, and a claim decides."""
        for job_id in self._registry.jobs.queued_ids(_RESCUE_AT_ONCE):
            if self._queue.holds(job_id):
                continue
            try:
                orphan = self._registry.jobs.get(job_id)
            except UnknownJob:
                continue  # erased a moment ago
            if self._queue.put(orphan):
                self._metrics.rescued_jobs.inc()

    def _scrub(self) -> None:
        """Copies of erased text leave the database file too; not at start, for it takes a while."""
        if monotonic() < self._scrub_from:
            return
        began = monotonic()
        did_something = self._registry.scrub()
        ended = monotonic()
        # Also after one in vain: writers had to wait for that too.
        pause_seconds = min(_SCRUB_PAUSES * (ended - began), SCRUBBED_WITHIN_SECONDS)
        if did_something:
            pause_seconds = max(pause_seconds, _LEAST_SCRUB_PAUSE_SECONDS)
        self._scrub_from = ended + pause_seconds

    def _clean_up_after_the_dead(self) -> None:
        with self._instance.dead_neighbours() as dead:
            for instance_id in dead:
                released = self._registry.jobs.release_owner(instance_id)
                self._count(released)
                self._registry.reembeddings.release_owner(instance_id)
                _log.warning(
                    "a process died; its jobs run again",
                    instance=instance_id,
                    requeued=len(released.requeued),
                    failed=len(released.failed),
                )
            # The folders first, the locks after: a process locks before it makes its folder.
            self._uploads.tidy_after(dead, self._instance.is_registered)

    def _count(self, released: Released) -> None:
        self._metrics.jobs_crashed.inc(released.crashed)
        self._metrics.jobs_given_up.inc(len(released.failed))

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(_EVERY_SECONDS)
            self._wake.clear()
            if self._stop.is_set():
                return
            try:
                self.look()
                self._retention.run()
                self._scrub()
                self._note_outage("")
            except Exception as error:  # a database that is away now is asked again in a second
                outage = outage_of(error)
                if outage is None:
                    _log.exception("the periodic look failed")
                else:
                    self._note_outage(outage.detail)

    def _note_outage(self, reason: str) -> None:
        """Tells the log of an outage when it begins and ends, not at every look."""
        if reason and reason != self._outage:
            _log.error("work has to wait", reason=reason)
        elif self._outage and not reason:
            _log.warning("work goes on")
        self._outage = reason
