"""Where http hands in work and waits for the answer. Knows no OpenCV, no FAISS, no network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from app import failpoints
from app.errors import TooBusy
from app.outages import DatabaseAway, StorageAway
from app.registry import AddedJob, Erasure, Home, IdempotencyKey, Job, NewJob, Registry
from app.tracing import span
from app.worker.outcomes import Outcome, Watchers
from app.worker.queue import JobQueue
from app.worker.storage import UploadFile, UploadStorage
from app.worker.sweep import Sweep

T = TypeVar("T")

# Accepting a job is one short write; more threads would only queue for the same database.
_INTAKE_THREADS = 4
_RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job that no crash loses any more.

    Attributes:
        job_id: callers see it.
        outcome: how it ended, None while it has not (or not in this process) within the wait.
        replayed: it was accepted before, under the same Idempotency-Key.
    """

    job_id: str
    outcome: Outcome | None
    replayed: bool


class Desk:
    """Takes uploads and jobs in, bounded, and wakes whoever waits for them.

    Args:
        registry: where jobs are accepted.
        storage: takes the uploads.
        queue: runs the jobs of this process.
        sweep: told when something was erased.
        watchers: wakes waiting requests.
        owner: the id of this process's instance.
        lease_seconds: how long an accepted job stays this process's own unless renewed.
        most_jobs: waiting, running and being uploaded, beyond which callers are sent away.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        storage: UploadStorage,
        queue: JobQueue,
        sweep: Sweep,
        watchers: Watchers,
        owner: str,
        lease_seconds: float,
        most_jobs: int,
    ) -> None:
        self._registry = registry
        self._storage = storage
        self._queue = queue
        self._sweep = sweep
        self._watchers = watchers
        self._owner = owner
        self._lease = timedelta(seconds=lease_seconds)
        self._most_jobs = most_jobs
        self._uploading = 0
        self._intake = ThreadPoolExecutor(_INTAKE_THREADS, thread_name_prefix="intake")

    @contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place while an upload is received.

        Raises:
            TooBusy: there is none; nothing was read.
        """
        if self._queue.depth + self._uploading >= self._most_jobs:
            raise TooBusy(
                f"{self._most_jobs} jobs are waiting already.",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            )
        self._uploading += 1
        try:
            yield
        finally:
            self._uploading -= 1

    def begin_upload(self) -> UploadFile:
        """A place in storage for one file."""
        return self._storage.begin()

    async def accept(
        self, new_job: NewJob, *, idempotency: IdempotencyKey | None, wait_seconds: float
    ) -> Accepted:
        """Accepts a job whose uploads are stored, then waits for its end.

        Args:
            new_job: names the uploads; they belong to the job from here on.
            idempotency: the caller's key, if there is one.
            wait_seconds: longest wait; 0 answers as soon as the job is accepted.

        Raises:
            IdempotencyKeyReused: the key came with another content before.
            UnknownJob: the job was erased meanwhile, with its subject or gallery.
        """
        watched = self._watchers.watch(new_job.id)
        try:
            accept = partial(self._accept, new_job, idempotency)
            with span("accept"):
                added = await self._in_intake(accept)
            if not added.created:
                return await self._earlier(added.job, wait_seconds)
            outcome = await self._outcome(new_job.id, wait_seconds, watched)
            return Accepted(new_job.id, outcome, replayed=False)
        finally:
            self._watchers.forget(new_job.id, watched)

    async def cancel(self, job_id: str) -> None:
        """Takes a job back that has not ended, and its recordings with it.

        Raises:
            UnknownJob: there is none.
            JobEnded: it has ended.
            StorageAway: it was taken back; its recordings go when their storage answers.
        """
        uploads = await self._in_intake(partial(self._registry.jobs.cancel, job_id))
        self._watchers.announce(job_id, None)
        if not await self._in_intake(partial(self._storage.discard, uploads)):
            raise StorageAway(
                "The job was taken back. Its recordings are removed as soon as their storage"
                " answers."
            )

    async def erase_subject(self, subject: str, *, gallery: str | None) -> Erasure:
        """Erases a subject everywhere; returns what was removed.

        Raises:
            UnknownSubject, UnknownGallery, AmbiguousSubject: whom to erase is not clear.
        """
        return await self._erase(partial(self._registry.subjects.delete, subject, gallery=gallery))

    async def erase_gallery(self, gallery: str, *, force: bool) -> Erasure:
        """Removes a gallery; returns what was removed.

        Raises:
            UnknownGallery: there is none of that name.
            GalleryNotEmpty: somebody is in it and `force` was not given.
        """
        return await self._erase(partial(self._registry.galleries.delete, gallery, force=force))

    async def erase_walk(self, walk_id: str) -> Erasure:
        """Erases one walk; returns what was removed.

        Raises:
            UnknownWalk: there is none of that id.
        """
        return await self._erase(partial(self._registry.walks.delete, walk_id))

    def close(self) -> None:
        """Ends the intake threads."""
        self._intake.shutdown()

    async def _in_intake(self, call: Callable[[], T]) -> T:
        # Who acts is known in the caller's context, which an executor's threads do not have.
        act = partial(copy_context().run, call)
        return await asyncio.get_running_loop().run_in_executor(self._intake, act)

    async def _erase(self, erase: Callable[[], Erasure]) -> Erasure:
        erasure = await self._in_intake(erase)
        for job_id in erasure.jobs:
            self._watchers.announce(job_id, None)
        self._sweep.wake()
        failpoints.reach(failpoints.BEFORE_DISCARD)
        if not await self._in_intake(partial(self._storage.discard, erasure.uploads)):
            raise StorageAway(
                "The registry holds nothing of it any more. Recordings that had not been worked on"
                " are removed as soon as their storage answers."
            )
        return erasure

    def _accept(self, new_job: NewJob, idempotency: IdempotencyKey | None) -> AddedJob:
        uploads = [name for walk in new_job.uploads for name in walk]
        try:
            self._storage.vouch(uploads)
            begins = self._queue.has_idle_thread
            home = Home(self._owner, self._lease, begins=begins)
            added = self._registry.jobs.add(new_job, idempotency=idempotency, home=home)
        except DatabaseAway:
            # It may have gone away after the commit. The sweep knows which uploads a job needs.
            self._storage.hand_over(uploads)
            raise
        except BaseException:
            self._storage.discard(uploads)
            self._storage.hand_over(uploads)
            raise
        self._storage.hand_over(uploads)
        if added.created:
            kept = self._queue.put(added.job)
            if begins and not kept:
                self._registry.jobs.put_back(added.job.id, added.job.attempt)
        else:
            self._storage.discard(uploads)
        return added

    async def _earlier(self, job: Job, wait_seconds: float) -> Accepted:
        """The answer to a repeated call: as the first one was, or will be."""
        if job.finished:
            return Accepted(job.id, Outcome(job.result, job.problem), replayed=True)
        watched = self._watchers.watch(job.id, earlier=True)
        try:
            # It may have ended between the two looks.
            outcome = await self._recorded_outcome(job.id)
            if outcome is None:
                outcome = await self._outcome(job.id, wait_seconds, watched)
            return Accepted(job.id, outcome, replayed=True)
        finally:
            self._watchers.forget(job.id, watched)

    async def _outcome(
        self, job_id: str, wait_seconds: float, watched: asyncio.Future[Outcome | None]
    ) -> Outcome | None:
        """How the job ended; None while it has not within the wait."""
        if wait_seconds <= 0:
            return None
        with span("wait"):
            await asyncio.wait((watched,), timeout=wait_seconds)
        if not watched.done():
            return None
        # Woken without an outcome: the job left this process, and the registry knows how.
        return watched.result() or await self._recorded_outcome(job_id)

    async def _recorded_outcome(self, job_id: str) -> Outcome | None:
        try:
            job = await self._in_intake(partial(self._registry.jobs.get, job_id))
        except DatabaseAway:
            return None  # the job was accepted: its caller asks for it again, as for a slow one
        return Outcome(job.result, job.problem) if job.finished else None
