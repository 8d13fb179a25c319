"""The client with asyncio, its options and its progress, against a real service and bad weather."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.client import (
    AsyncClient,
    Client,
    Job,
    MediaNotFound,
    ServiceUnreachable,
    StillWorking,
    Walk,
    WalkprintError,
)
from app.demo.service_process import free_port
from app.settings import Settings
from tests.app.conftest import SAMPLE
from tests.app.test_client import IDENTIFIED, QUICK
from tests.live_service import LiveService, live_service
from tests.walks import walk_masks, walk_pictures


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A service that hands out a job for everything that takes longer than a moment."""
    settings = Settings(data=tmp_path_factory.mktemp("async"), wait_seconds=0.05)
    with live_service(settings) as running:
        yield running


def test_what_the_client_can_do_the_asynchronous_one_can_too(
    service: LiveService, clip: Path
) -> None:
    async def day() -> None:
        async with AsyncClient(service.url) as walkprint:
            await walkprint.wait_until_ready()
            people = [
                walkprint.enroll(f"async-{person}", [walk_masks(person)], gallery="async")
                for person in range(3)
            ]
            assert [one.created for one in await asyncio.gather(*people)] == [True] * 3
            found, again, verified = await asyncio.gather(
                walkprint.identify(clip, gallery="async", top_k=1),
                walkprint.identify_everybody(clip, gallery="async"),
                walkprint.verify(clip, "async-0", gallery="async"),
            )
            assert found.candidates[0].subject == "async-0"
            assert again.walkers[0].candidates[0].subject == "async-0"
            assert verified.score == pytest.approx(found.candidates[0].score, abs=1e-3)

            pages = walkprint.subjects(gallery="async", page_size=2)
            assert {one.subject async for one in pages} == {"async-0", "async-1", "async-2"}
            assert (await walkprint.subject("async-1")).walks == 1
            (stored,) = await walkprint.walks("async-1")
            assert (await walkprint.gei(stored.id)).startswith(b"\x89PNG")
            assert (await walkprint.delete_subject("async-1")).walks == 1
            await walkprint.create_gallery("another")
            assert {"async", "another"} <= {one.name for one in await walkprint.galleries()}

            job = await walkprint.submit("identify", [clip], {"gallery": "async"})
            ended = await walkprint.wait_for_job(job.id)
            assert ended.result is not None
            with pytest.raises(WalkprintError) as refused:
                await walkprint.subject("nobody")
            assert refused.value.code == "unknown-subject"

    asyncio.run(day())


def test_a_busy_service_and_a_broken_connection_cost_another_try_under_the_same_key(
    scripted_service: Any, reply: Any, clip: Path
) -> None:
    busy = reply(503, {"title": "Busy"}, headers={"Retry-After": "0"})
    scripted_service.replies += [busy, reply(None), reply(200, IDENTIFIED)]

    async def ask() -> str | None:
        async with AsyncClient(scripted_service.url, retries=QUICK) as walkprint:
            return (await walkprint.identify(clip)).subject

    assert asyncio.run(ask()) == "ada"
    heard = scripted_service.heard
    assert len({request.headers["Idempotency-Key"] for request in heard}) == 1
    assert len({len(request.body) for request in heard}) == 1


def test_an_erasure_that_may_have_happened_is_not_sent_again(
    scripted_service: Any, reply: Any
) -> None:
    scripted_service.replies += [reply(None)]

    async def ask() -> None:
        async with AsyncClient(scripted_service.url, retries=QUICK) as walkprint:
            await walkprint.delete_subject("ada")

    with pytest.raises(ServiceUnreachable):
        asyncio.run(ask())
    assert len(scripted_service.heard) == 1


def test_a_service_that_is_not_there_is_not_ready_and_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"

    async def ask() -> None:
        async with AsyncClient(url, retries=QUICK) as walkprint:
            assert not await walkprint.is_ready()
            await walkprint.delete_subject("ada")

    with pytest.raises(ServiceUnreachable) as gone:
        asyncio.run(ask())
    assert url in gone.value.detail


def test_progress_is_told_state_by_state_and_ends_with_the_answer(service: LiveService) -> None:
    told: list[Job] = []
    with Client(service.url) as client:
        answer = client.enroll("walker", [SAMPLE], gallery="progress", on_progress=told.append)
    assert answer.subject == "walker"
    states = [(job.state, job.stage) for job in told]
    assert states[-1][0] == "succeeded"
    assert len(states) > 1
    assert all(before != after for before, after in pairwise(states)), states


def test_whoever_waits_no_longer_gets_the_job_that_goes_on(
    service: LiveService, clip: Path
) -> None:
    with Client(service.url) as client:
        with pytest.raises(StillWorking) as tired:
            client.enroll("slow", [clip], gallery="waiting", wait_seconds=0)
        job = client.wait_for_job(str(tired.value.problem["job"]))
    assert job.result is not None
    assert job.result["subject"] == "slow"


def test_options_are_sent_and_unknown_ones_are_refused(
    scripted_service: Any, reply: Any, clip: Path
) -> None:
    scripted_service.replies += [reply(200, IDENTIFIED)]
    with Client(scripted_service.url) as client:
        client.identify(clip, gallery="office", wait_seconds=2.5, expires_in_seconds=30)
        with pytest.raises(TypeError, match="no option 'galery'"):
            client.identify(clip, galery="office")  # type: ignore[call-arg]
    (heard,) = scripted_service.heard
    assert heard.headers["Prefer"] == "wait=3"
    assert b'name="expires_in"\r\n\r\n30\r\n' in heard.body


def test_a_walk_says_what_it_is_made_of(service: LiveService, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, png in enumerate(walk_pictures(0, walk=3)):
        (folder / f"frame-{number}.png").write_bytes(png)
    walks = [
        Walk.from_video(clip),
        Walk.from_folder(folder, frames_per_second=25),
        Walk.from_array(walk_masks(0), frames_per_second=25),
        Walk.from_frames(walk_pictures(0, walk=4)),
    ]
    with Client(service.url) as client:
        assert len(client.enroll("four-ways", walks, gallery="media").walks) == 4
        with pytest.raises(ValueError, match="several frame rates"):
            client.enroll("x", [walks[1], Walk.from_array(walk_masks(0), frames_per_second=10)])
    with pytest.raises(MediaNotFound):
        Walk.from_video(tmp_path)
    with pytest.raises(MediaNotFound):
        Walk.from_folder(tmp_path)
    with pytest.raises(ValueError, match=r"\(T, H, W\)"):
        Walk.from_array(np.zeros((4, 4), np.uint8))
