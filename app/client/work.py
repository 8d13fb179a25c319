"""Work that the service does as a job: handed over, waited for, its result read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from app.client.answers import Job
from app.client.connection import Connection
from app.client.failures import StillWorking, WalkprintError

if TYPE_CHECKING:
    from app.client.media import Media

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

    def answer(
        self,
        route: str,
        walks: Sequence[Media],
        fields: Mapping[str, object],
        idempotency_key: str | None,
    ) -> dict[str, Any]:
        """Posts work and gives its result, also when the service hands out a job to wait for.

        Args:
            route: "/enroll", "/identify" or "/verify".
            walks: one entry per walk.
            fields: the other form fields.
            idempotency_key: a fresh one when None.
        """
        response = self._connection.post_walks(
            route, walks, fields, idempotency_key=idempotency_key
        )
        answer: dict[str, Any] = response.json()
        if response.status_code != httpx.codes.ACCEPTED:
            return answer
        job = self.wait(str(answer["id"]))
        if job.problem is not None or job.result is None:
            raise WalkprintError(job.problem or {"detail": f"Job {job.id} ended as {job.state}."})
        return dict(job.result)

    def submit(
        self,
        kind: str,
        walks: Sequence[Media],
        fields: Mapping[str, object],
        idempotency_key: str | None,
    ) -> Job:
        """Posts work and gives its job, without waiting for its end."""
        response = self._connection.post_walks(
            f"/{kind}", walks, fields, idempotency_key=idempotency_key, respond_async=True
        )
        answer = response.json()
        # Work that was done before under the same key is answered at once, with its result.
        done_before = response.status_code != httpx.codes.ACCEPTED
        return self.job(str(answer["job"] if done_before else answer["id"]))

    def job(self, job_id: str) -> Job:
        """The present state of a job."""
        route = f"/jobs/{quote(job_id, safe='')}"
        return Job.read(self._connection.send("GET", route, repeatable=True).json())

    def wait(self, job_id: str, timeout_seconds: float | None = None) -> Job:
        """Waits until a job has succeeded or failed.

        Raises:
            StillWorking: it has not ended in time.
        """
        patience_seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        deadline = time.monotonic() + patience_seconds
        poll_seconds = FIRST_POLL_SECONDS
        while True:
            job = self.job(job_id)
            if job.is_finished:
                return job
            if time.monotonic() + poll_seconds > deadline:
                raise StillWorking(
                    {
                        "status": 202,
                        "type": "/problems/still-working",
                        "title": "The job has not ended yet",
                        "detail": f"Job {job_id} is {job.state} after {patience_seconds:g} s.",
                        "advice": f"Ask again later: walkprint jobs {job_id} --wait",
                        "job": job_id,
                    }
                )
            time.sleep(poll_seconds)
            poll_seconds = min(poll_seconds * 1.5, LAST_POLL_SECONDS)
