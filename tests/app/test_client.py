"""The client under bad weather: busy services, broken connections, refusals, odd media."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app.client import (
    Client,
    MediaNotFound,
    RetryPolicy,
    ServiceUnreachable,
    StillWorking,
    WalkprintError,
)
from app.client.media import open_walk

QUICK = RetryPolicy(attempts=4, first_wait_seconds=0.01)
IDENTIFIED = {
    "decision": "match",
    "subject": "ada",
    "score": 0.91,
    "threshold": 0.62,
    "target_fpir": 0.01,
    "gallery": "office",
    "gallery_size": 3,
    "checkpoint": "c1",
    "candidates": [{"subject": "ada", "name": None, "score": 0.91, "walk": "w1"}],
    "quality": {"frames_used": 40},
    "timing": {"total": 12.5},
    "job": "j1",
}
REFUSED = {
    "type": "/problems/no-walker-found",
    "title": "No walking person was found",
    "status": 422,
    "detail": "Nothing moves in 50 frames.",
    "advice": "Film one person.",
    "frames": 50,
}


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A file to send; these servers do not look inside."""
    path = tmp_path / "walk.zip"
    path.write_bytes(b"PK" + bytes(100_000))
    return path


def test_a_busy_service_is_asked_again_under_the_same_key(
    scripted_service: Any, reply: Any, walk: Path
) -> None:
    """Two 503 answers cost two more tries of the same work, and `Retry-After` is the wait."""
    busy = reply(503, {"title": "Busy"}, headers={"Retry-After": "0"})
    scripted_service.replies += [busy, busy, reply(200, IDENTIFIED)]
    with Client(scripted_service.url) as client:
        answer = client.identify(walk, gallery="office")
    assert (answer.decision, answer.subject, answer.score) == ("match", "ada", 0.91)
    assert answer.candidates[0].walk == "w1"
    assert len({heard.headers["Idempotency-Key"] for heard in scripted_service.heard}) == 1
    assert [b"PK" + bytes(1000) in heard.body for heard in scripted_service.heard] == [True] * 3


def test_a_broken_connection_is_tried_again_with_the_whole_file(
    scripted_service: Any, reply: Any, walk: Path
) -> None:
    scripted_service.replies += [reply(None), reply(200, IDENTIFIED)]
    with Client(scripted_service.url, retries=QUICK) as client:
        client.identify(walk)
    first, second = scripted_service.heard
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert len(first.body) == len(second.body) > 100_000


def test_an_erasure_that_may_have_happened_is_not_sent_again(
    scripted_service: Any, reply: Any
) -> None:
    scripted_service.replies += [reply(None)]
    with Client(scripted_service.url, retries=QUICK) as client, pytest.raises(ServiceUnreachable):
        client.delete_subject("ada")
    assert len(scripted_service.heard) == 1


def test_a_refusal_carries_reason_advice_and_figures(
    scripted_service: Any, reply: Any, walk: Path
) -> None:
    scripted_service.replies += [reply(422, REFUSED, content_type="application/problem+json")]
    with Client(scripted_service.url) as client, pytest.raises(WalkprintError) as refused:
        client.enroll("ada", [walk])
    error = refused.value
    assert (error.status, error.code, error.title) == (422, "no-walker-found", REFUSED["title"])
    assert (error.detail, error.advice) == (REFUSED["detail"], REFUSED["advice"])
    assert error.facts == {"frames": 50}


def test_a_proxys_error_page_becomes_a_readable_error(scripted_service: Any, reply: Any) -> None:
    scripted_service.replies += [reply(502, b"<html>Bad gateway", content_type="text/html")]
    with Client(scripted_service.url) as client, pytest.raises(WalkprintError, match="502"):
        client.subject("ada")


def test_a_service_that_is_not_there_is_named_with_advice() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with Client(url, retries=QUICK) as client, pytest.raises(ServiceUnreachable) as gone:
            client.galleries()
    assert url in gone.value.detail
    assert "walkprint serve" in gone.value.advice


def test_work_that_takes_longer_is_waited_for(
    scripted_service: Any, reply: Any, walk: Path
) -> None:
    """A 202 is followed to the job's end, and its result is the answer."""
    scripted_service.replies += [
        reply(202, {"id": "j1", "state": "queued"}, headers={"Location": "/jobs/j1"}),
        reply(200, {"id": "j1", "kind": "identify", "state": "running"}),
        reply(200, {"id": "j1", "kind": "identify", "state": "succeeded", "result": IDENTIFIED}),
    ]
    with Client(scripted_service.url) as client:
        assert client.identify(walk).subject == "ada"
    assert [heard.path for heard in scripted_service.heard[1:]] == ["/jobs/j1", "/jobs/j1"]


def test_a_job_that_failed_raises_its_problem(
    scripted_service: Any, reply: Any, walk: Path
) -> None:
    scripted_service.replies += [
        reply(202, {"id": "j1", "state": "queued"}),
        reply(200, {"id": "j1", "kind": "identify", "state": "failed", "problem": REFUSED}),
    ]
    with Client(scripted_service.url) as client, pytest.raises(WalkprintError) as refused:
        client.identify(walk)
    assert refused.value.code == "no-walker-found"


def test_patience_with_a_job_ends(scripted_service: Any, reply: Any) -> None:
    scripted_service.replies += [reply(200, {"id": "j1", "state": "running"})] * 20
    with Client(scripted_service.url) as client, pytest.raises(StillWorking, match="j1 is running"):
        client.wait_for_job("j1", timeout_seconds=0.1)


def test_subjects_are_read_page_by_page(scripted_service: Any, reply: Any) -> None:
    def row(name: str) -> dict[str, object]:
        return {"subject": name, "gallery": "office", "name": None, "metadata": {}, "walks": 1}

    scripted_service.replies += [
        reply(200, {"subjects": [row("ada"), row("bob")], "next": "after-bob"}),
        reply(200, {"subjects": [row("cyd")], "next": None}),
    ]
    with Client(scripted_service.url) as client:
        found = [subject.subject for subject in client.subjects(gallery="office", page_size=2)]
    assert found == ["ada", "bob", "cyd"]
    assert "cursor=after-bob" in scripted_service.heard[1].path
    assert "gallery=office" in scripted_service.heard[1].path


def test_an_id_with_a_slash_stays_one_part_of_the_path(scripted_service: Any, reply: Any) -> None:
    erased = {"subjects": 1, "walks": 2, "templates": 2, "jobs": 0, "receipt": {}}
    scripted_service.replies += [reply(200, erased)]
    with Client(scripted_service.url) as client:
        assert client.delete_subject("a/b c").walks == 2
    assert scripted_service.heard[0].path == "/subjects/a%2Fb%20c"


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7.0, 7.0),
        ("3600", 10.0, 10.0),
        ("soon", 0.125, 0.25),
        (None, 0.125, 0.25),
    ],
)
def test_the_wait_is_what_the_service_asks_within_reason(
    header: str | None, low: float, high: float
) -> None:
    assert low <= RetryPolicy().wait_seconds(1, header) <= high


def test_the_service_may_name_the_moment_to_come_back() -> None:
    in_eight_seconds = datetime.now(UTC) + timedelta(seconds=8)
    header = format_datetime(in_eight_seconds, usegmt=True)
    assert 5.0 <= RetryPolicy().wait_seconds(1, header) <= 8.0


def test_a_folder_of_frames_is_packed_in_walking_order_and_always_alike(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        (tmp_path / f"f{number}.png").write_bytes(b"\x89PNG" + bytes([number]))
    (tmp_path / "notes.txt").write_text("not a frame")
    packed = []
    for _ in range(2):
        with open_walk(tmp_path) as (name, stream):
            packed.append(stream.read())
    assert name == f"{tmp_path.name}.zip"
    assert packed[0] == packed[1]
    with zipfile.ZipFile(io.BytesIO(packed[0])) as archive:
        assert [archive.read(entry)[-1] for entry in sorted(archive.namelist())] == [1, 9, 10]


def test_masks_from_memory_are_sent_as_pictures() -> None:
    masks_thw = np.zeros((3, 8, 6), np.uint8)
    masks_thw[1, 2:5, 3] = 1
    with open_walk(masks_thw) as (_, stream), zipfile.ZipFile(stream) as archive:
        content = archive.read(archive.namelist()[1])
    picture_hw = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture_hw is not None
    assert np.array_equal(picture_hw, masks_thw[1] * 255)


def test_nothing_to_send_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    no_frames: list[bytes] = []
    for nothing in (tmp_path / "missing.mp4", tmp_path, no_frames):
        with pytest.raises(MediaNotFound), open_walk(nothing):
            pytest.fail("something was opened")


def test_the_client_and_its_commands_load_no_network_or_vision_library() -> None:
    heavy = "{'torch', 'cv2', 'faiss', 'numpy', 'sqlalchemy', 'fastapi'}"
    script = f"import sys, app.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(  # noqa: S603 (our own interpreter and script)
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
