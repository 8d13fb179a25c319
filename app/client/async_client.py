"""The service from asyncio: what `Client` does, with `await`.

    async with AsyncClient("http://127.0.0.1:8000") as walkprint:
        answers = await asyncio.gather(*(walkprint.identify(clip) for clip in clips))

Same options, same answers, same errors, same retries. What administrators do (keys, checkpoints,
rules, exports) has no hurry and is left to `Client`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack
from urllib.parse import quote

import httpx

from app.client.answers import Erasure, Gallery, Job, Subject
from app.client.api_key import key_from_environment
from app.client.async_connection import AsyncConnection
from app.client.async_job_calls import AsyncJobCalls
from app.client.client import DEFAULT_URL
from app.client.connection import RetryPolicy
from app.client.enrollment_check import EnrollmentCheck
from app.client.failures import WalkprintError, unreachable
from app.client.job_calls import job_route
from app.client.options import (
    EnrollOptions,
    Errand,
    EverybodyOptions,
    IdentifyOptions,
    VerifyOptions,
    enrolling,
    identifying,
    identifying_everybody,
    verifying,
)
from app.client.recognition import (
    Enrollment,
    Identification,
    IdentifiedEverybody,
    StoredWalk,
    Verification,
)
from app.client.subject_calls import subject_route
from app.client.work import FIRST_POLL_SECONDS, Watch, job_in, left_of, result_of

if TYPE_CHECKING:
    from app.client.walk import Media


class AsyncClient(AsyncJobCalls):
    """A connection to one service, for the tasks of one event loop. Close it, or use `async with`.

    Arguments, options, answers and errors are those of `Client`. Files are read while they are
    sent, in the event loop: from a slow disk, read them before.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 120.0,
        retries: RetryPolicy | None = None,
        connections: int = 32,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        connection = AsyncConnection(
            base_url,
            api_key=key_from_environment() if api_key is None else api_key,
            timeout_seconds=timeout_seconds,
            policy=retries or RetryPolicy(),
            connections=connections,
        )
        super().__init__(connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._connection.close()

    async def enroll(
        self, subject: str, walks: Sequence[Media], **options: Unpack[EnrollOptions]
    ) -> Enrollment:
        """Creates the subject or adds walks to it; waits until they can be found."""
        return Enrollment.read(await self._answer(enrolling(subject, walks, options)))

    async def check_enrollment(
        self, subject: str, walks: Sequence[Media], **options: Unpack[EnrollOptions]
    ) -> EnrollmentCheck:
        """Says how good walks are, and whether `enroll` would take them; enrols nobody."""
        errand = enrolling(subject, walks, options, check=True)
        return EnrollmentCheck.read(await self._answer(errand))

    async def identify(self, walk: Media, **options: Unpack[IdentifyOptions]) -> Identification:
        """Says who of a gallery is walking, or that it is nobody of it."""
        return Identification.read(await self._answer(identifying(walk, options)))

    async def identify_everybody(
        self, walk: Media, **options: Unpack[EverybodyOptions]
    ) -> IdentifiedEverybody:
        """Says of everybody who walks in a recording who they are."""
        answer = await self._answer(identifying_everybody(walk, options))
        return IdentifiedEverybody.read(answer)

    async def verify(
        self, walk: Media, subject: str, **options: Unpack[VerifyOptions]
    ) -> Verification:
        """Says whether a walk is the claimed subject's."""
        return Verification.read(await self._answer(verifying(walk, subject, options)))

    async def submit(
        self,
        kind: Literal["enroll", "identify", "verify"],
        walks: Sequence[Media],
        fields: Mapping[str, object],
        *,
        idempotency_key: str | None = None,
    ) -> Job:
        """Hands work over without waiting for it."""
        errand = Errand(f"/{kind}", tuple(walks), fields, idempotency_key)
        return await self.job(job_in(await self._connection.post_walks(errand, respond_async=True)))

    async def job(self, job_id: str) -> Job:
        """The present state of a job."""
        return Job.read(await self._get(job_route(job_id)))

    async def wait_for_job(
        self,
        job_id: str,
        *,
        timeout_seconds: float | None = None,
        on_progress: Callable[[Job], None] | None = None,
    ) -> Job:
        """Waits until a job has succeeded or failed."""
        patience = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        watch = Watch(job_id, patience, on_progress)
        if on_progress is not None:
            followed = await self._followed(job_id, watch, patience)
            if followed is not None:
                return followed
        while True:
            job = await self.job(job_id)
            if watch.has_ended(job):
                return job
            await asyncio.sleep(watch.pause_seconds())

    async def _followed(self, job_id: str, watch: Watch, patience_seconds: float) -> Job | None:
        """Listens to a job's events, so that no stage is missed; None where they end before it."""
        try:
            async with (
                asyncio.timeout(patience_seconds),
                aclosing(self.job_events(job_id)) as events,
            ):
                async for job in events:
                    if watch.has_seen(job):
                        return job
        except (WalkprintError, TimeoutError):
            return None  # no stream to be had, or no time: the job itself is asked for
        return None

    async def is_ready(self) -> bool:
        """Whether the service answers and takes work now; never raises."""
        return await self._connection.is_ready()

    async def wait_until_ready(self, *, timeout_seconds: float = 60.0) -> None:
        """Waits for a service that is starting.

        Raises:
            ServiceUnreachable: it is not ready within that time.
        """
        deadline = time.monotonic() + timeout_seconds
        while not await self.is_ready():
            if time.monotonic() > deadline:
                late = TimeoutError(f"not ready after {timeout_seconds:g} s")
                raise unreachable(self._connection.base_url, late)
            await asyncio.sleep(FIRST_POLL_SECONDS)

    async def subjects(
        self, *, gallery: str | None = None, search: str | None = None, page_size: int = 100
    ) -> AsyncIterator[Subject]:
        """All subjects, page by page while they are read."""
        query: dict[str, object] = {"gallery": gallery, "search": search, "limit": page_size}
        while True:
            page = await self._get("/subjects", query)
            for row in page["subjects"]:
                yield Subject.read(row)
            query["cursor"] = page.get("next")
            if not query["cursor"]:
                return

    async def subject(self, subject: str, *, gallery: str | None = None) -> Subject:
        """One subject. The gallery may be left out where the id is unique."""
        return Subject.read(await self._get(subject_route(subject), {"gallery": gallery}))

    async def delete_subject(self, subject: str, *, gallery: str | None = None) -> Erasure:
        """Erases a subject with all walks, images and templates."""
        query = {"gallery": gallery}
        response = await self._connection.send("DELETE", subject_route(subject), params=query)
        return Erasure.read(response.json())

    async def walks(self, subject: str, *, gallery: str | None = None) -> list[StoredWalk]:
        """The stored walks of a subject."""
        answer = await self._get(f"{subject_route(subject)}/walks", {"gallery": gallery})
        return [StoredWalk.read(row) for row in answer["walks"]]

    async def gei(self, walk_id: str) -> bytes:
        """The gait energy image of a stored walk, as PNG."""
        route = f"/walks/{quote(walk_id, safe='')}/gei.png"
        response: httpx.Response = await self._connection.send("GET", route, repeatable=True)
        return response.content

    async def galleries(self) -> list[Gallery]:
        """All galleries."""
        return [Gallery.read(row) for row in (await self._get("/galleries"))["galleries"]]

    async def create_gallery(self, name: str) -> Gallery:
        """Creates an empty gallery; `enroll` creates its gallery by itself."""
        return Gallery.read((await self._connection.post_once("/galleries", {"name": name})).json())

    async def _answer(self, errand: Errand) -> dict[str, Any]:
        began = time.monotonic()
        response = await self._connection.post_walks(errand)
        answer: dict[str, Any] = response.json()
        if response.status_code != httpx.codes.ACCEPTED:
            return answer
        job = await self.wait_for_job(
            str(answer["id"]),
            timeout_seconds=left_of(errand.wait_seconds, began),
            on_progress=errand.on_progress,
        )
        return result_of(job)

    async def _get(self, route: str, params: Mapping[str, object] | None = None) -> dict[str, Any]:
        response = await self._connection.send("GET", route, repeatable=True, params=params)
        answer: dict[str, Any] = response.json()
        return answer
