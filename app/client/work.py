"""Work that the service does as a job: handed over, waited for, its result read."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx

from app.client.answers import Job
from app.client.connection import Connection
from app.client.failures import StillWorking, WalkprintError
from app.client.job_calls import events_of, job_route
from app.client.options import Errand

# How often a waiting client asks for a job's state, in seconds: at first, and at most.
FIRST_POLL_SECONDS, LAST_POLL_SECONDS = 0.05, 1.0


class Work:
    """Posts walks over a connection and follows the jobs that come of it.

    Args:
        connection: to the service.
        timeout_seconds: patience with one job, where a call does not say.
    """

    def __init__(self, connection: Connection, timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout_seconds = timeout_seconds

    def answer(self, errand: Errand) -> dict[str, Any]:
        """Posts work and gives its result, also when the service hands out a job to wait for.

        Raises:
            StillWorking: it has not ended in time.
        """
        began = time.monotonic()
        response = self._connection.post_walks(errand)
        answer: dict[str, Any] = response.json()
        if response.status_code != httpx.codes.ACCEPTED:
            return answer
        patience_seconds = left_of(errand.wait_seconds, began)
        return result_of(self.wait(str(answer["id"]), patience_seconds, errand.on_progress))

    def submit(self, errand: Errand) -> Job:
        """Posts work and gives its job, without waiting for its end."""
        response = self._connection.post_walks(errand, respond_async=True)
        return self.job(job_in(response))

    def job(self, job_id: str) -> Job:
        """The present state of a job."""
        return Job.read(self._connection.send("GET", job_route(job_id), repeatable=True).json())

    def wait(
        self,
        job_id: str,
        timeout_seconds: float | None = None,
        on_progress: Callable[[Job], None] | None = None,
    ) -> Job:
        """Waits until a job has succeeded or failed.

        Args:
            job_id: of the job.
            timeout_seconds: patience; the client's own when None.
            on_progress: called when state or stage have changed.

        Raises:
            StillWorking: it has not ended in time.
        """
        watch = Watch(
            job_id,
            self._timeout_seconds if timeout_seconds is None else timeout_seconds,
            on_progress,
        )
        if on_progress is not None:
            job = self._followed(job_id, watch)
            if job is not None:
                return job
        while True:
            job = self.job(job_id)
            if watch.has_ended(job):
                return job
            time.sleep(watch.pause_seconds())

    def _followed(self, job_id: str, watch: Watch) -> Job | None:
        """Listens to a job's events, so that no stage is missed; None where they end before it."""
        events = events_of(self._connection, job_id, deadline=watch.deadline)
        with closing(events):
            try:
                for job in events:
                    if watch.has_seen(job):
                        return job
            except WalkprintError:
                return None  # no stream to be had: the job itself is asked for, which says why
        return None


class Watch:
    """How long and how often a job is asked for, and who hears of its progress.

    Args:
        job_id: of the job.
        patience_seconds: after which nobody waits any more.
        on_progress: called when state or stage have changed; None for nobody.

    Attributes:
        deadline: by `time.monotonic`.
    """

    def __init__(
        self, job_id: str, patience_seconds: float, on_progress: Callable[[Job], None] | None
    ) -> None:
        self._job_id = job_id
        self._patience_seconds = patience_seconds
        self.deadline = time.monotonic() + patience_seconds
        self._on_progress = on_progress
        self._told: tuple[str, str | None] | None = None
        self._pause_seconds = FIRST_POLL_SECONDS

    def has_seen(self, job: Job) -> bool:
        """Tells of a job where it is news. Whether it has ended."""
        seen = (job.state, job.stage)
        if self._on_progress is not None and seen != self._told:
            self._told = seen
            self._on_progress(job)
        return job.is_finished

    def has_ended(self, job: Job) -> bool:
        """Looks at a job's present state.

        Raises:
            StillWorking: it has not ended, and there is no time left.
        """
        if self.has_seen(job):
            return True
        if time.monotonic() + self._pause_seconds > self.deadline:
            raise StillWorking(
                {
                    "status": 202,
                    "type": "/problems/still-working",
                    "title": "The job has not ended yet",
                    "detail": f"Job {self._job_id} is {job.state} after"
                    f" {self._patience_seconds:g} s.",
                    "advice": f"Ask again later: walkprint jobs {self._job_id} --wait",
                    "job": self._job_id,
                }
            )
        return False

    def pause_seconds(self) -> float:
        """How long to wait before the job is asked for again."""
        pause_seconds = self._pause_seconds
        self._pause_seconds = min(pause_seconds * 1.5, LAST_POLL_SECONDS)
        return pause_seconds


def left_of(wait_seconds: float | None, began: float) -> float | None:
    """What is left of a patience in seconds; None where none was named.

    Args:
        wait_seconds: patience in all.
        began: when it began, by `time.monotonic`.
    """
    return None if wait_seconds is None else max(0.0, wait_seconds - time.monotonic() + began)


def result_of(job: Job) -> dict[str, Any]:
    """The answer of a job that has ended.

    Raises:
        WalkprintError: it failed.
    """
    if job.problem is not None or job.result is None:
        raise WalkprintError(job.problem or {"detail": f"Job {job.id} ended as {job.state}."})
    return dict(job.result)


def job_in(response: httpx.Response) -> str:
    """The id of the job that a post became."""
    answer = response.json()
    # Work that was done before under the same key is answered at once, with its result.
    done_before = response.status_code != httpx.codes.ACCEPTED
    return str(answer["job"] if done_before else answer["id"])
