"""A job's states as server-sent events, read from SQL: the job may run in any process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from app.errors import UnknownJob
from app.http.schemas import JobState
from app.outages import outage_of
from app.registry import Job
from app.registry.job_progress import Standing


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a stream is silent, and how long it lasts, in seconds.

    Attributes:
        heartbeat: of silence, after which a comment keeps proxies from closing the stream.
        longest: after which the stream ends; a browser comes again by itself, and whoever's key
            was withdrawn meanwhile is then refused.
    """

    heartbeat: float = 10.0
    longest: float = 60.0


PACE = Pace()
_LOOK_SECONDS = 0.25


class Lookout:
    """Looks after the jobs of all streams with one question to the database; asks none where there
    is no stream. Used from the event loop only.

    Args:
        read: where jobs stand, by their ids.
        seconds: between two looks.
    """

    def __init__(
        self,
        read: Callable[[Collection[str]], Mapping[str, Standing]],
        seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._asked: set[str] = set()
        self._round: asyncio.Task[Mapping[str, Standing] | Exception] | None = None

    async def look(self, job_id: str, leaving: asyncio.Event) -> Standing | None:
        """Where a job stands a moment from now; None when it is gone.

        Args:
            job_id: the job.
            leaving: the server stops: it is looked at once.

        Raises:
            Outage: the database does not answer.
        """
        self._asked.add(job_id)
        if self._round is None:
            self._round = asyncio.create_task(self._look(leaving))
        # Others wait for the same round: who leaves does not end it.
        found = await asyncio.shield(self._round)
        if isinstance(found, Exception):
            raise found
        return found.get(job_id)

    async def _look(self, leaving: asyncio.Event) -> Mapping[str, Standing] | Exception:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await leaving.wait()
        asked, self._asked, self._round = self._asked, set(), None
        try:
            return await run_in_threadpool(self._read, asked)
        except Exception as error:  # handed to whoever waits; perhaps nobody does any more
            return error


async def job_events(
    first: Job,
    read: Callable[[], Job],
    lookout: Lookout,
    leaving: asyncio.Event,
    pace: Pace = PACE,
) -> AsyncIterator[str]:
    """One event per change of state or stage, named after the state, with what `GET /jobs/{id}`
    answers.

    Ends with the state that has the result or the problem, when the job is gone, when the server
    stops, or after the longest time.

    Args:
        first: the job as it was when the call was let in.
        read: reads the job's row; raises UnknownJob once it is gone.
        lookout: shared by all streams.
        leaving: set when the server stops.
        pace: in seconds.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + pace.longest
    spoken = clock()
    job = first
    yield "retry: 1000\n\n" + _event(job)
    while not job.finished and clock() < end and not leaving.is_set():
        try:
            standing = await lookout.look(job.id, leaving)
            changed = standing != Standing(job.state, job.attempt, job.stage)
            if changed:
                job = await run_in_threadpool(read)
        except UnknownJob:
            return
        except Exception as error:
            if outage_of(error) is None:
                raise
            changed = False  # the database is away: the job waits too
        if changed:
            yield _event(job)
            spoken = clock()
        elif clock() - spoken >= pace.heartbeat:
            yield ": still here\n\n"
            spoken = clock()


def _event(job: Job) -> str:
    # JSON has no bare line break, so that one data line holds it.
    return f"event: {job.state}\ndata: {JobState.of(job).model_dump_json()}\n\n"
