"""A job's states as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread

import httpx
import pytest

from app.errors import UnknownJob
from app.http.event_stream import Streams
from app.http.job_events import Lookout, Pace, job_events
from app.outages import DatabaseAway
from app.registry import Home, Job, NewJob
from app.registry.columns import utc_now
from app.registry.job import queued_job
from app.registry.job_progress import Standing
from app.settings import Settings
from tests.app.http.test_refusals import assert_refused
from tests.decoders import wait_until
from tests.enrolling import identify_job
from tests.live_service import LiveService, live_service
from tests.walks import walk_zip

_QUICK = Pace(heartbeat=0.0, longest=60.0)


def _queued() -> Job:
    new = NewJob(kind="identify", gallery="main", subject=None, request={}, uploads=())
    return queued_job(new, utc_now())


def _told(
    first: Job,
    later: Iterator[Job | Exception | None],
    pace: Pace = _QUICK,
    *,
    leaves: bool = False,
) -> list[str]:
    """What a stream says while the database has these rows, one after the other."""
    latest: list[Job | None] = [first]

    def stand(_: Collection[str]) -> Mapping[str, Standing]:
        row = next(later)
        if isinstance(row, Exception):
            raise row
        latest[0] = row
        return {} if row is None else {row.id: Standing(row.state, row.attempt, row.stage)}

    def read() -> Job:
        if latest[0] is None:
            raise UnknownJob("gone")
        return latest[0]

    async def collect() -> list[str]:
        leaving = asyncio.Event()
        if leaves:
            leaving.set()
        events = job_events(first, read, Lookout(stand, seconds=0.0), leaving, pace)
        return [piece async for piece in events]

    return asyncio.run(collect())


def _data(piece: str) -> dict[str, object]:
    (line,) = [line for line in piece.splitlines() if line.startswith("data: ")]
    data: dict[str, object] = json.loads(line.removeprefix("data: "))
    return data


def test_the_stream_ends_with_the_answer_that_the_job_has(
    service: LiveService, gallery: str
) -> None:
    accepted = service.http.post(
        "/enroll",
        data={"subject": "ada", "gallery": gallery},
        files={"walk": walk_zip(1)},
        headers={"Prefer": "respond-async"},
    ).json()
    response = service.http.get(f"/jobs/{accepted['id']}/events")
    last = response.text.strip().split("\n\n")[-1]

    assert response.headers["content-type"].startswith("text/event-stream")
    assert last.startswith("event: succeeded\n")
    assert _data(last) == service.http.get(f"/jobs/{accepted['id']}").json()


def test_an_unknown_job_has_no_stream(service: LiveService) -> None:
    assert_refused(service.http.get("/jobs/none/events"), 404, "unknown-job")


def test_each_state_and_stage_is_told_once_and_silence_is_filled() -> None:
    queued = _queued()
    running = replace(queued, state="running", attempt=1)
    capture = replace(running, stage="capture")
    done = replace(running, state="succeeded", result={}, finished_at=utc_now())
    told = _told(queued, iter([queued, running, capture, capture, done]))
    events = [_data(piece) for piece in told if "event: " in piece]

    assert [(event["state"], event["stage"]) for event in events] == [
        ("queued", None),
        ("running", None),
        ("running", "capture"),
        ("succeeded", None),
    ]
    assert told.count(": still here\n\n") == 2


def test_a_job_that_is_removed_ends_the_stream() -> None:
    assert len(_told(_queued(), iter([None]))) == 1


def test_a_stream_does_not_outlast_its_time() -> None:
    assert len(_told(_queued(), iter([]), Pace(longest=0.0))) == 1


def test_a_stream_waits_for_a_database_that_is_away() -> None:
    queued = _queued()
    done = replace(queued, state="succeeded", attempt=1, result={})
    told = _told(queued, iter([DatabaseAway(), done]))

    assert [_data(piece)["state"] for piece in told if "event: " in piece] == [
        "queued",
        "succeeded",
    ]


def test_all_streams_ask_the_database_together() -> None:
    asked: list[set[str]] = []

    def stand(job_ids: Collection[str]) -> dict[str, Standing]:
        asked.append(set(job_ids))
        return {}

    async def look() -> None:
        lookout, leaving = Lookout(stand, seconds=0.0), asyncio.Event()
        await asyncio.gather(*(lookout.look(job_id, leaving) for job_id in "abc"))
        await lookout.look("a", leaving)

    asyncio.run(look())
    assert asked == [{"a", "b", "c"}, {"a"}]


# --- how many, and how they end -----------------------------------------------------------------


@pytest.fixture
def waiting(service: LiveService) -> Iterator[Callable[[], str]]:
    """Makes jobs that wait for as long as the test likes: they are another instance's."""
    made: list[str] = []

    def make() -> str:
        made.append(_waiting_job(service))
        return made[-1]

    yield make
    for job_id in made:
        service.registry.jobs.let_go([job_id], "elsewhere")


def _waiting_job(service: LiveService) -> str:
    home = Home("elsewhere", timedelta(hours=1))
    return service.registry.jobs.add(identify_job("default"), home=home).job.id


def _streams(service: LiveService) -> Streams:
    streams: Streams = service.app.state.services.streams
    return streams


def test_a_caller_who_leaves_leaves_nothing_open(
    service: LiveService, waiting: Callable[[], str]
) -> None:
    job_id = waiting()
    with service.http.stream("GET", f"/jobs/{job_id}/events") as response:
        lines = response.iter_lines()
        assert next(lines) == "retry: 1000"
        assert _streams(service).count == 1

    wait_until(lambda: _streams(service).count == 0, "closed")


def test_one_caller_has_so_many_streams_and_all_together_so_many(
    service: LiveService, waiting: Callable[[], str]
) -> None:
    address = f"/jobs/{waiting()}/events"
    usual = service.app.state.services

    def with_places(most: int, most_of_one: int) -> httpx.Response:
        service.app.state.services = replace(usual, streams=Streams(most, most_of_one))
        try:
            with service.http.stream("GET", address) as first:
                lines = first.iter_lines()
                assert next(lines) == "retry: 1000"
                return service.http.get(address, timeout=5.0)
        finally:
            service.app.state.services = usual

    own, all_in_all = with_places(9, 1), with_places(1, 9)

    assert assert_refused(own, 429, "too-many-streams")["limit"] == 1
    assert_refused(all_in_all, 503, "too-busy")
    assert int(own.headers["retry-after"]) > 0
    assert int(all_in_all.headers["retry-after"]) > 0


def test_a_service_that_stops_ends_its_streams_in_order(tmp_path: Path) -> None:
    """Neither does the stop wait for them, nor is the answer broken off."""
    received: list[str] = []
    with live_service(Settings(data=tmp_path, device="cpu"), becomes_ready=False) as stopping:
        address = f"{stopping.url}/jobs/{_waiting_job(stopping)}/events"

        def follow() -> None:
            with httpx.stream("GET", address, timeout=60.0) as response:
                received.extend(response.iter_lines())
            received.append("whole")

        reader = Thread(target=follow)
        reader.start()
        wait_until(lambda: _streams(stopping).count == 1, "open")
    reader.join(10.0)

    assert received[0] == "retry: 1000"
    assert received[-1] == "whole"
