"""What the client can ask about jobs: which there are, what they do now, what they rest on."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from typing import Literal
from urllib.parse import quote

from app.client.answers import Job, JobCounts, ListedJob
from app.client.connection import Connection
from app.client.event_reader import EventReader
from app.client.explanation import Explanation

# Of silence, after which the service sends a comment: so long may the next line take.
_HEARTBEAT_SECONDS = 10.0
JobStateName = Literal["queued", "running", "succeeded", "failed"]


class JobCalls:
    """A part of `Client`.

    Args:
        connection: to the service.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def jobs(
        self, *, state: JobStateName | None = None, page_size: int = 100
    ) -> Iterator[ListedJob]:
        """The jobs that the key may see, newest first, page by page while they are read.

        Args:
            state: only those; all when None.
            page_size: fetched at once, 1 to 500.
        """
        query: dict[str, object] = {"limit": page_size, "state": state}
        while True:
            page = self._connection.send("GET", "/jobs", repeatable=True, params=query).json()
            yield from (ListedJob.read(row) for row in page["jobs"])
            query["cursor"] = page.get("next")
            if not query["cursor"]:
                return

    def job_counts(self) -> JobCounts:
        """How many jobs wait and run."""
        return JobCounts.read(self._connection.send("GET", "/jobs", repeatable=True).json())

    def cancel_job(self, job_id: str) -> Job:
        """Takes a job back that has not ended: it fails as `job-cancelled`, its recordings go.

        Raises:
            WalkprintError: `job-ended`: it has.
        """
        return Job.read(self._connection.send("DELETE", job_route(job_id)).json())

    def job_events(self, job_id: str) -> Iterator[Job]:
        """A job as it goes on: once as it is now, then at each new state and stage, until it ended.

        The service ends a stream after a minute; the next one is asked for then, and begins with
        where the job is.
        """
        while True:
            for job in events_of(self._connection, job_id):
                yield job
                if job.is_finished:
                    return

    def explanation(self, job_id: str, *, walker: int | None = None) -> Explanation:
        """What an identification with `explain=True` rests on; kept for as long as its job.

        Args:
            job_id: `Identification.job`.
            walker: number in the answer; the first one when None.
        """
        route, query = f"{job_route(job_id)}/explanation", {"walker": walker}
        answer = self._connection.send("GET", route, repeatable=True, params=query)
        return Explanation.read(answer.json())

    def probe_gei(self, job_id: str, *, walker: int | None = None) -> bytes:
        """The gait energy image of who was to be recognised, as PNG; kept for as long as the job.

        Args:
            job_id: of an identification or verification.
            walker: number in the answer; the first one when None.
        """
        route, query = f"{job_route(job_id)}/gei.png", {"walker": walker}
        return self._connection.send("GET", route, repeatable=True, params=query).content


def job_route(job_id: str) -> str:
    """The path of a job under the base URL."""
    return f"/jobs/{quote(job_id, safe='')}"


def events_of(
    connection: Connection, job_id: str, *, deadline: float | None = None
) -> Generator[Job]:
    """One stream of a job's events, until the service ends it.

    Args:
        connection: to the service.
        job_id: of the job.
        deadline: by `time.monotonic`: the stream is left while there is still time to ask for the
            job itself; None for no hurry.

    Raises:
        WalkprintError: there is no such job, or no place for another stream.
        ServiceUnreachable: the service did not answer, or broke off.
    """
    reader = EventReader()
    left_seconds = None if deadline is None else max(0.05, deadline - time.monotonic())
    route = f"{job_route(job_id)}/events"
    with connection.download(route, timeout_seconds=left_seconds) as response:
        for line in response.iter_lines():
            job = reader.job_at(line)
            if job is not None:
                yield job
            if deadline is not None and deadline - time.monotonic() < _HEARTBEAT_SECONDS:
                return
