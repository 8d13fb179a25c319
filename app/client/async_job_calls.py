"""What the asynchronous client can ask about jobs: the calls of `JobCalls`, with `await`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from app.client.answers import Job, JobCounts, ListedJob
from app.client.async_connection import AsyncConnection
from app.client.event_reader import EventReader
from app.client.explanation import Explanation
from app.client.job_calls import JobStateName, job_route


class AsyncJobCalls:
    """A part of `AsyncClient`.

    Args:
        connection: to the service.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def jobs(
        self, *, state: JobStateName | None = None, page_size: int = 100
    ) -> AsyncIterator[ListedJob]:
        """The jobs that the key may see, newest first, page by page while they are read."""
        query: dict[str, object] = {"limit": page_size, "state": state}
        while True:
            answer = await self._connection.send("GET", "/jobs", repeatable=True, params=query)
            page = answer.json()
            for row in page["jobs"]:
                yield ListedJob.read(row)
            query["cursor"] = page.get("next")
            if not query["cursor"]:
                return

    async def job_counts(self) -> JobCounts:
        """How many jobs wait and run."""
        answer = await self._connection.send("GET", "/jobs", repeatable=True)
        return JobCounts.read(answer.json())

    async def cancel_job(self, job_id: str) -> Job:
        """Takes a job back that has not ended."""
        return Job.read((await self._connection.send("DELETE", job_route(job_id))).json())

    async def job_events(self, job_id: str) -> AsyncGenerator[Job]:
        """A job as it is now, then at each new state and stage, until it has ended."""
        while True:
            reader = EventReader()
            async with self._connection.download(f"{job_route(job_id)}/events") as response:
                async for line in response.aiter_lines():
                    job = reader.job_at(line)
                    if job is not None:
                        yield job
                        if job.is_finished:
                            return

    async def explanation(self, job_id: str, *, walker: int | None = None) -> Explanation:
        """What an identification with `explain=True` rests on; kept for as long as its job."""
        route, query = f"{job_route(job_id)}/explanation", {"walker": walker}
        answer = await self._connection.send("GET", route, repeatable=True, params=query)
        return Explanation.read(answer.json())

    async def probe_gei(self, job_id: str, *, walker: int | None = None) -> bytes:
        """The gait energy image of who was to be recognised, as PNG; kept like its job."""
        route, query = f"{job_route(job_id)}/gei.png", {"walker": walker}
        answer = await self._connection.send("GET", route, repeatable=True, params=query)
        return answer.content
