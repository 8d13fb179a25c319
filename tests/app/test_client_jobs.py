"""What clients and the command line say of jobs, explanations and checks, by a real service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.client import (
    AsyncClient,
    Client,
    Identification,
    Job,
    JobCounts,
    StillWorking,
    WalkprintError,
)
from app.commands.output import notes
from app.demo import ServiceProcess
from tests.app.command import Run, runner
from tests.app.conftest import SAMPLE
from tests.walks import walk_masks

GALLERY = "hall"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service with one worker and three people; in a process of its own, where its log stays."""
    environment = {"WALKPRINT_DEVICE": "cpu", "WALKPRINT_WORKERS": "1"}
    with ServiceProcess(tmp_path_factory.mktemp("jobs"), environment=environment) as running:
        with Client(running.url) as client:
            for person in range(3):
                client.enroll(f"p{person}", [walk_masks(person)], gallery=GALLERY)
        yield running


@pytest.fixture
def run(
    service: ServiceProcess, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs `walkprint` with words, against the service."""
    monkeypatch.setenv("WALKPRINT_URL", service.url)
    return runner(capsys)


def test_what_an_answer_rests_on_comes_typed_and_agrees_with_the_answer(
    service: ServiceProcess, clip: Path
) -> None:
    with Client(service.url) as client:
        plain = client.identify(clip, gallery=GALLERY)
        answer = client.identify(clip, gallery=GALLERY, explain=True, target_fpir=0.1)
        why = client.explanation(answer.job)
        gei = client.probe_gei(answer.job)
        with pytest.raises(WalkprintError):
            client.explanation(plain.job)

    assert (plain.is_explained, answer.is_explained) == (False, True)
    mask = _picture(why.masks[0].png)
    assert mask.max() == 255
    assert why.masks[0].top + mask.shape[0] <= why.frame_height
    strip = _picture(why.strip_png)
    assert strip.shape[1] == why.strip_silhouettes * (strip.shape[1] // why.strip_silhouettes)
    assert _picture(gei).ndim == 2
    # One cycle later the walk is most like itself, as far as whole frames go.
    assert why.correlation[round(why.period_frames)] > 0.5
    assert why.strangers_reaching(answer.threshold) == pytest.approx(0.1, abs=0.05)
    assert why.strangers_reaching(-1.0) == max(one.share for one in why.strangers)


def test_a_check_says_how_good_walks_are_and_enrols_nobody(
    service: ServiceProcess, run: Run, clip: Path
) -> None:
    with Client(service.url) as client:
        checked = client.check_enrollment("new", [clip], gallery=GALLERY)
        with pytest.raises(WalkprintError, match="new"):
            client.subject("new", gallery=GALLERY)
    assert checked.would_enroll
    assert checked.walks[0].quality["level"] in {"good", "fair", "poor"}
    assert checked.walks[0].seen.last_frame > checked.walks[0].seen.first_frame

    said = run("enroll", "new", clip, "-g", GALLERY, "--check")
    assert said.code == 0
    assert "nobody was enrolled" in said.out
    as_json = json.loads(run("enroll", "new", clip, "-g", GALLERY, "--check", "--json").out)
    assert as_json["walks"][0]["good_enough"] is True
    assert run("subjects", "show", "new", "-g", GALLERY).code == 1
    assert run("enroll", "--from-folder", clip.parent, "--check").code == 2


def test_the_command_line_says_what_an_answer_rests_on(run: Run, clip: Path) -> None:
    said = run("identify", clip, "-g", GALLERY, "--explain").out
    assert "gait cycle" in said
    assert "strangers" in said
    both = json.loads(run("identify", clip, "-g", GALLERY, "--explain", "--json").out)
    (explanation,) = both["explanations"]
    assert f"{explanation['period_frames']:g} frames" in said
    everybody = json.loads(
        run("identify", clip, "-g", GALLERY, "--walker", "all", "--explain", "--json").out
    )
    assert len(everybody["explanations"]) == len(everybody["walkers"]) == 1


def test_jobs_are_listed_page_by_page_and_by_state(
    service: ServiceProcess, run: Run, tmp_path: Path
) -> None:
    fake = tmp_path / "walk.mp4"
    fake.write_text("no video")
    assert run("identify", fake, "-g", GALLERY).code == 1
    with Client(service.url) as client:
        all_of_them = list(client.jobs(page_size=2))
        failed = list(client.jobs(state="failed"))
        assert client.job_counts() == JobCounts(queued=0, running=0)
    assert {"p0", "p1", "p2"} <= {job.subject for job in all_of_them}
    assert len({job.id for job in all_of_them}) == len(all_of_them) > 2
    assert {job.state for job in failed} == {"failed"}
    assert failed[0].problem is not None

    listed = json.loads(run("jobs", "--state", "failed", "--json").out)
    assert [job["id"] for job in listed] == [job.id for job in failed]
    assert len(json.loads(run("jobs", "--limit", 2, "--json").out)) == 2
    assert "0 waiting, 0 running" in run("jobs").out


def test_a_job_that_waits_is_taken_back_once(service: ServiceProcess, run: Run, clip: Path) -> None:
    with Client(service.url) as client, _something_to_wait_behind(client):
        one, two = (
            client.submit("enroll", [clip], {"subject": name, "gallery": GALLERY})
            for name in ("taken-back", "too")
        )
        assert client.cancel_job(one.id).state == "failed"
        assert two.id in run("jobs", "cancel", two.id).out
        with pytest.raises(WalkprintError) as refused:
            client.cancel_job(one.id)
    assert refused.value.code == "job-ended"
    shown = run("jobs", two.id)
    assert (shown.code, "Error:" in shown.err) == (1, True)
    assert run("jobs", "cancel", two.id).code == 1
    assert run("jobs", "show", "no-such-job").code == 1


def test_each_stage_of_a_job_is_told_as_it_comes(service: ServiceProcess) -> None:
    """A minute of the stream's life is longer than this job's; its end is the answer."""

    async def follow(job_id: str) -> list[Job]:
        async with AsyncClient(service.url) as walkprint:
            return [job async for job in walkprint.job_events(job_id)]

    with Client(service.url) as client, ThreadPoolExecutor(1) as pool:
        job = client.submit("identify", [SAMPLE], {"gallery": GALLERY})
        also = pool.submit(asyncio.run, follow(job.id))
        seen = list(client.job_events(job.id))
        told = also.result(60)
        again = list(client.job_events(job.id))
    assert "capture" in {each.stage for each in seen}
    assert seen[-1].result is not None
    assert Identification.read(seen[-1].result).gallery == GALLERY
    assert told[-1].result == seen[-1].result
    assert [each.state for each in again] == ["succeeded"]


def test_the_asynchronous_client_can_do_it_too(service: ServiceProcess, clip: Path) -> None:
    async def day() -> None:
        async with AsyncClient(service.url) as walkprint:
            told: list[str | None] = []
            handed_over = await walkprint.submit("identify", [SAMPLE], {"gallery": GALLERY})
            await walkprint.wait_for_job(
                handed_over.id, on_progress=lambda job: told.append(job.stage)
            )
            assert "capture" in told
            answer = await walkprint.identify(clip, gallery=GALLERY, explain=True)
            assert (await walkprint.explanation(answer.job)).period_frames > 0
            assert (await walkprint.probe_gei(answer.job)).startswith(b"\x89PNG")
            checked = await walkprint.check_enrollment("new", [clip], gallery=GALLERY)
            assert checked.would_enroll
            assert (await walkprint.job_counts()).queued == 0
            found = [job.id async for job in walkprint.jobs(page_size=2)]
            assert checked.job in found
            with pytest.raises(WalkprintError):
                await walkprint.cancel_job(answer.job)
            with pytest.raises(WalkprintError):
                _ = [job async for job in walkprint.job_events("no-such-job")]

    asyncio.run(day())


def test_patience_ends_while_a_job_is_followed(service: ServiceProcess, clip: Path) -> None:
    told: list[Job] = []
    with Client(service.url) as client, _something_to_wait_behind(client):
        job = client.submit("identify", [clip], {"gallery": GALLERY})
        with pytest.raises(StillWorking):
            client.wait_for_job(job.id, timeout_seconds=0.2, on_progress=told.append)
        client.cancel_job(job.id)
    assert told
    assert not any(each.is_finished for each in told)


def test_a_terminal_is_told_what_is_waited_for_and_a_pipe_is_not(
    service: ServiceProcess, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    said = []
    for is_terminal in (True, False):
        monkeypatch.setattr(notes, "_force_terminal", is_terminal)
        monkeypatch.setattr(notes, "is_interactive", is_terminal)
        with Client(service.url) as client:
            job = client.submit("identify", [SAMPLE], {"gallery": GALLERY})
        said.append(run("jobs", job.id, "--wait"))
    assert [one.code for one in said] == [0, 0]
    assert "Waiting: finding the walker" in said[0].err
    assert said[1].err == ""


@contextmanager
def _something_to_wait_behind(client: Client) -> Iterator[None]:
    """Keeps the only worker busy for seconds; what is left of it is taken back at the end."""
    before = [client.submit("identify", [SAMPLE], {"gallery": GALLERY}) for _ in range(2)]
    try:
        yield
    finally:
        for job in before:
            with suppress(WalkprintError):  # it has ended
                client.cancel_job(job.id)


def _picture(png: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image
