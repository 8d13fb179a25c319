"""Each hostile file is sent to a running service: a problem that says what it is, nothing kept."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from app.settings import Settings
from tests.decoders import wait_until, working_decoders
from tests.hostile import videos
from tests.hostile.catalogue import CATALOGUE
from tests.hostile.memory import is_back_at, resident_bytes
from tests.live_service import LiveService, live_service
from tests.walks import walk_zip

_LONGEST_SECONDS = 15.0
"""Two on a machine of one's own; the test's may be shared."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A service that one good walk was enrolled into."""
    settings = Settings(data=tmp_path_factory.mktemp("service"), device="cpu")
    with live_service(settings) as running:
        answer = _enrol(running, walk_zip(1), "somebody")
        assert answer.status_code == 201, answer.text
        yield running


def _enrol(service: LiveService, upload: bytes, subject: str) -> httpx.Response:
    return service.http.post(
        "/enroll", data={"subject": subject}, files={"walk": ("walk.mp4", upload)}
    )


def _stored(service: LiveService) -> tuple[object, ...]:
    subjects = service.http.get("/subjects").json()
    return tuple(subject["subject"] for subject in subjects["subjects"])


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_hostile_upload_is_a_problem_and_nothing_is_stored(
    service: LiveService, name: str
) -> None:
    """No subject, no walk, no file, no memory; the service is ready for the next."""
    upload = CATALOGUE[name].make()
    before_bytes, start = resident_bytes(), time.perf_counter()
    response = _enrol(service, upload, "nobody")
    seconds = time.perf_counter() - start
    document = response.json()
    print(f"{seconds:6.2f} s  {document.get('type'):30} {name}")  # noqa: T201  # pytest -s
    assert response.status_code == 422, document
    assert str(document["type"]).removeprefix("/problems/") in CATALOGUE[name].outcomes, document
    assert document["detail"]
    assert document["advice"]
    assert seconds < _LONGEST_SECONDS
    assert service.stored_uploads == []
    assert service.http.get("/readyz").status_code == 200
    assert is_back_at(before_bytes)


def test_a_decoder_that_crashes_costs_one_problem(service: LiveService) -> None:
    """It is killed in the middle of a clip; the caller gets 422, not the service's end."""
    answers: list[httpx.Response] = []
    clip = videos.encode("mp4", "libx264", frames=600, size=(320, 180))
    caller = threading.Thread(target=lambda: answers.append(_enrol(service, clip, "nobody")))
    caller.start()
    wait_until(lambda: bool(working_decoders()), "decoding")
    for decoder in working_decoders():
        os.kill(decoder, signal.SIGSEGV)
    caller.join()
    assert answers[0].status_code == 422
    assert answers[0].json()["type"] == "/problems/media-not-readable"


def test_a_good_walk_is_served_after_all_that(service: LiveService) -> None:
    """Nobody was enrolled but who was meant to be, and is found."""
    assert _stored(service) == ("somebody",)
    answer = service.http.post("/identify", files={"walk": ("walk.zip", walk_zip(1, walk=2))})
    assert answer.status_code == 200, answer.text
    assert answer.json()["subject"] == "somebody"
