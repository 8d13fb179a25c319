"""The threads that run jobs, in this process.

SQL holds each job's state; this queue holds only ids, so losing it loses nothing. More threads than
cores: most of them wait for the encoder, where their walks meet in one batch.

Jobs that were in hand when a process died are claimed one at a time, on a thread of their own: the
one that is to blame then dies alone, and the others are not counted down with it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import structlog

from app import failpoints
from app.errors import InternalError, problem_of
from app.outages import outage_of
from app.registry import Job, LeaseLost, Registry
from app.registry.acting import SYSTEM, acting_as
from app.telemetry import Metrics
from app.worker.outcomes import Json, Outcome, Watchers
from app.worker.storage import UploadStorage

# Does the work of one job and stores its result: (job, milliseconds it waited) -> the result.
RunJob = Callable[[Job, float], Json]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    job_id: str
    since: float
    # Present when the job was accepted straight onto an idle thread and is claimed already.
    claimed: Job | None


class JobQueue:
    """Runs jobs on a fixed number of threads, each exactly as often as its lease says.

    Args:
        registry: where jobs live.
        storage: where their uploads lie.
        owner: the id of this process's instance.
        lease_seconds: how long a claim holds without renewal.
        threads: jobs in hand at the same time.
        metrics: receives depth and ends.
        watchers: told how each job ended.
    """

    def __init__(
        self,
        registry: Registry,
        storage: UploadStorage,
        *,
        owner: str,
        lease_seconds: float,
        threads: int,
        metrics: Metrics,
        watchers: Watchers,
    ) -> None:
        self._registry = registry
        self._storage = storage
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._threads = threads
        self._metrics = metrics
        self._watchers = watchers
        self._entries: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._suspects: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._running: dict[str, int] = {}
        self._stranded: dict[str, int] = {}
        self._workers: list[threading.Thread] = []
        self._closing = False

    @property
    def depth(self) -> int:
        """Jobs waiting or running here."""
        return len(self._known)

    def holds(self, job_id: str) -> bool:
        """Whether the job waits or runs here."""
        return job_id in self._known

    @property
    def has_idle_thread(self) -> bool:
        """Whether a job put now would be begun at once."""
        return bool(self._workers) and len(self._known) < self._threads

    def start(self, run: RunJob) -> None:
        """Begins to work; jobs put before have been waiting."""
        for number in range(self._threads + 1):
            entries = self._entries if number < self._threads else self._suspects
            worker = threading.Thread(
                target=self._work, args=(entries, run), name=f"job-{number}", daemon=True
            )
            self._workers.append(worker)
            worker.start()

    def put(self, job_id: str, *, claimed: Job | None = None, suspect: bool = False) -> bool:
        """Adds a job of the registry.

        Args:
            job_id: the job.
            claimed: the job itself, when accepting it claimed it.
            suspect: a process died with it in hand.

        Returns:
            False when it is here already or this process is stopping.
        """
        with self._lock:
            if job_id in self._known or self._closing:
                return False
            self._known.add(job_id)
        self._metrics.jobs_waiting.inc()
        entries = self._suspects if suspect else self._entries
        entries.put(_Entry(job_id, monotonic(), claimed))
        return True

    def return_stranded(self) -> None:
        """Gives back jobs whose end could not be written (the database was away)."""
        for job_id, attempt in list(self._stranded.items()):
            try:
                self._registry.jobs.put_back(job_id, attempt)
            except LeaseLost:
                _log.info("stranded job was taken over", job=job_id)
            del self._stranded[job_id]

    def close(self, seconds: float) -> None:
        """Lets running jobs end within the given time and puts back those that do not."""
        with self._lock:
            self._closing = True
        for _ in range(self._threads):
            self._entries.put(None)
        self._suspects.put(None)
        until = monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0.0, until - monotonic()))
        with self._lock:
            left = dict(self._running)
        for job_id, attempt in left.items():
            try:
                self._registry.jobs.put_back(job_id, attempt)
            except LeaseLost:
                _log.info("job ended while stopping", job=job_id)
        self._watchers.announce_all_gone()

    def _work(self, entries: queue.SimpleQueue[_Entry | None], run: RunJob) -> None:
        while (entry := entries.get()) is not None:
            self._metrics.jobs_waiting.dec()
            outcome: Outcome | None = None
            try:
                # A stopping process begins nothing new: what waits goes to whoever comes next.
                if not self._closing or entry.claimed is not None:
                    outcome = self._attempt(entry, run)
            except Exception as error:  # the thread must outlive a database that is away
                outage = outage_of(error)
                if outage is None:
                    _log.exception("job left without an end", job=entry.job_id)
                else:
                    _log.warning("job waits", job=entry.job_id, reason=outage.detail)
            finally:
                with self._lock:
                    self._known.discard(entry.job_id)
                self._watchers.announce(entry.job_id, outcome)

    def _attempt(self, entry: _Entry, run: RunJob) -> Outcome | None:
        job = entry.claimed or self._registry.jobs.claim(
            entry.job_id, owner=self._owner, lease_seconds=self._lease_seconds
        )
        if job is None:
            return None
        with self._lock:
            self._running[job.id] = job.attempt
        self._metrics.jobs_running.inc()
        try:
            outcome = self._run_to_end(job, (monotonic() - entry.since) * 1000, run)
        except LeaseLost:
            _log.info("job lost its lease; its work is dropped", job=job.id)
            return None
        except Exception:
            self._stranded[job.id] = job.attempt
            raise
        finally:
            self._metrics.jobs_running.dec()
            with self._lock:
                del self._running[job.id]
        self._storage.discard(name for walk in job.uploads for name in walk)
        state = "failed" if outcome.problem else "succeeded"
        self._metrics.jobs_finished.labels(job.kind, state).inc()
        return outcome

    def _run_to_end(self, job: Job, waited_ms: float, run: RunJob) -> Outcome:
        try:
            failpoints.reach(failpoints.MID_JOB)
            with acting_as(job.actor or SYSTEM):
                return Outcome(result=run(job, waited_ms))
        except LeaseLost:
            raise
        except Exception as error:
            if outage_of(error) is not None:
                raise  # the job is not to blame: it is put back, and runs again
            problem = problem_of(error)
            document = problem.to_json()
            # First, for it may turn out that the job and its upload were erased under our hands.
            self._registry.jobs.fail(job.id, job.attempt, document)
            if isinstance(problem, InternalError):
                _log.exception("job failed", job=job.id, support_id=problem.support_id)
            return Outcome(problem=document)
