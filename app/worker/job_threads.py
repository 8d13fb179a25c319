"""The threads that run jobs: the queue of a service of one process, and a worker's own hands.

SQL holds each job's state; this holds only ids, so losing it loses nothing. More threads than
cores: most of them wait for the encoder, where their walks meet in one batch. Jobs that somebody
waits for are begun before the others.

A job that was in hand when a process died runs alone the next time: the one that is to blame then
dies alone, and the others are not counted down with it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from time import monotonic

import structlog

from app import failpoints
from app.errors import InternalError, problem_of
from app.outages import outage_of
from app.registry import Job, LeaseLost, Registry
from app.registry.acting import SYSTEM, acting_as
from app.registry.job_problems import DeadlinePassed
from app.telemetry import Metrics, speaking_of
from app.tracing import TracedJob, note_failure
from app.worker.company import Company
from app.worker.outcomes import Json, Outcome
from app.worker.progress import Progress
from app.worker.storage import UploadStorage

# Does the work of one job and stores its result: (job, milliseconds it waited) -> the result.
RunJob = Callable[[Job, float], Json]
# Told when a job leaves these threads: (its id, how it ended). None: not here, or not by us.
Announce = Callable[[str, Outcome | None], None]

_log = structlog.get_logger(__name__)


# Interactive jobs, then bulk ones, then the end of a thread.
_RANKS = {"interactive": 0, "bulk": 1}
_LAST = 2


@dataclass(order=True, frozen=True, slots=True)
class _Entry:
    rank: int
    number: int
    # None ends the thread that takes it.
    job: Job | None = field(compare=False)
    since: float = field(compare=False)

    @property
    def claimed(self) -> bool:
        """It was accepted straight onto an idle thread, and is this process's already."""
        return self.job is not None and self.job.state == "running"


_Entries = queue.PriorityQueue[_Entry]


class JobThreads:
    """Runs jobs on a fixed number of threads, each exactly as often as its lease says.

    Args:
        registry: where jobs live.
        storage: where their uploads lie.
        owner: the id of this process's instance.
        lease_seconds: how long a claim holds without renewal.
        threads: jobs in hand at the same time.
        metrics: receives depth and ends.
        announce: told how each job ended.
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
        announce: Announce,
    ) -> None:
        self._registry = registry
        self._storage = storage
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._threads = threads
        self._metrics = metrics
        self._announce = announce
        self._entries: _Entries = queue.PriorityQueue()
        self._suspects: _Entries = queue.PriorityQueue()
        self._numbers = count()
        self._company = Company()
        self._progress = Progress(registry)
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._running: dict[str, Job] = {}
        self._stranded: dict[str, Job] = {}
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
        return (
            bool(self._workers)
            and len(self._known) < self._threads
            and not self._company.somebody_is_alone
        )

    def start(self, run: RunJob) -> None:
        """Begins to work; jobs put before have been waiting."""
        self._progress.start()
        for number in range(self._threads + 1):
            entries = self._entries if number < self._threads else self._suspects
            worker = threading.Thread(
                target=self._work, args=(entries, run), name=f"job-{number}", daemon=True
            )
            self._workers.append(worker)
            worker.start()

    def put(self, job: Job) -> bool:
        """Adds a job of the registry; one that is running was claimed by being accepted.

        Returns:
            False when it is here already or this process is stopping.
        """
        with self._lock:
            if job.id in self._known or self._closing:
                return False
            self._known.add(job.id)
        self._metrics.jobs_waiting.inc()
        entries = self._suspects if job.crashes else self._entries
        entries.put(_Entry(_RANKS[job.priority], next(self._numbers), job, monotonic()))
        return True

    def look(self) -> None:
        """Gives back jobs whose end could not be written (the database was away)."""
        self.return_stranded()

    def return_stranded(self) -> None:
        """Gives back jobs whose end could not be written (the database was away)."""
        for job in list(self._stranded.values()):
            self._put_back(job, "stranded job was taken over")
            del self._stranded[job.id]

    def close(self, seconds: float) -> None:
        """Lets running jobs end within the given time and puts back those that do not."""
        with self._lock:
            self._closing = True
        for number in range(self._threads + 1):
            entries = self._entries if number < self._threads else self._suspects
            entries.put(_Entry(_LAST, next(self._numbers), None, monotonic()))
        until = monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0.0, until - monotonic()))
        self._progress.close()
        with self._lock:
            left = list(self._running.values())
        for job in left:
            self._put_back(job, "job ended while stopping")

    def _put_back(self, job: Job, too_late: str) -> None:
        with speaking_of(job.id, job.request_id):
            try:
                self._registry.jobs.put_back(job.id, job.attempt)
            except LeaseLost:
                _log.info(too_late)

    def _work(self, entries: _Entries, run: RunJob) -> None:
        together = self._company.alone if entries is self._suspects else self._company.beside
        while (job := (entry := entries.get()).job) is not None:
            self._metrics.jobs_waiting.dec()
            with speaking_of(job.id, job.request_id):
                self._take(job, entry, run, together)

    def _take(
        self,
        job: Job,
        entry: _Entry,
        run: RunJob,
        together: Callable[[], AbstractContextManager[None]],
    ) -> None:
        outcome: Outcome | None = None
        try:
            with together():
                # A stopping process begins nothing new: what waits goes to whoever comes next.
                if not self._closing or entry.claimed:
                    outcome = self._attempt(job, entry, run)
        except Exception as error:  # the thread must outlive a database that is away
            outage = outage_of(error)
            if outage is None:
                _log.exception("job left without an end")
            else:
                _log.warning("job waits", reason=outage.detail)
        finally:
            with self._lock:
                self._known.discard(job.id)
            self._announce(job.id, outcome)

    def _attempt(self, waiting: Job, entry: _Entry, run: RunJob) -> Outcome | None:
        job: Job | None = waiting
        if not entry.claimed:
            job = self._registry.jobs.claim(
                waiting.id, owner=self._owner, lease_seconds=self._lease_seconds
            )
        if job is None:
            return None
        with self._lock:
            self._running[job.id] = job
        self._metrics.jobs_running.inc()
        waited_seconds = monotonic() - entry.since
        if job.attempt == 1:
            since_accepted = (datetime.now(UTC) - job.created_at).total_seconds()
            # Two machines' clocks may differ.
            self._metrics.job_wait_seconds.labels(job.priority).observe(max(0.0, since_accepted))
        try:
            with self._metrics.traces.job(_traced(job, waited_seconds)):
                outcome = self._run_to_end(job, waited_seconds * 1000, run)
        except LeaseLost:
            _log.info("job lost its lease; its work is dropped")
            return None
        except Exception:
            self._stranded[job.id] = job
            raise
        finally:
            self._metrics.jobs_running.dec()
            with self._lock:
                del self._running[job.id]
        self._storage.discard(name for walk in job.uploads for name in walk)
        state = "failed" if outcome.problem else "succeeded"
        self._metrics.jobs_finished.labels(job.kind, state).inc()
        _log.debug("job ended", kind=job.kind, attempt=job.attempt, state=state)
        return outcome

    def _run_to_end(self, job: Job, waited_ms: float, run: RunJob) -> Outcome:
        try:
            failpoints.reach(failpoints.MID_JOB)
            if job.expires_at is not None and datetime.now(UTC) > job.expires_at:
                raise DeadlinePassed(job.id)
            with acting_as(job.actor or SYSTEM), self._progress.of(job):
                return Outcome(result=run(job, waited_ms))
        except LeaseLost:
            raise
        except Exception as error:
            if outage_of(error) is not None:
                raise  # the job is not to blame: it is put back, and runs again
            problem = problem_of(error)
            document = problem.to_json()
            kind = str(document["type"]).rpartition("/")[2]
            note_failure(kind)
            # First, for it may turn out that the job and its upload were erased under our hands.
            self._registry.jobs.fail(job.id, job.attempt, document)
            self._metrics.job_problems.labels(kind).inc()
            if isinstance(problem, InternalError):
                _log.exception("job failed", support_id=problem.support_id)
            return Outcome(problem=document)


def _traced(job: Job, waited_seconds: float) -> TracedJob:
    """A job that was given back has waited since then; nobody wrote down when that was."""
    since = job.created_at
    if job.attempt > 1:
        since = datetime.now(UTC) - timedelta(seconds=waited_seconds)
    return TracedJob(job.id, job.kind, job.attempt, job.trace, since)
