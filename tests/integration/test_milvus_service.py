"""The whole service with its vectors in a Milvus: people are enrolled, found, erased over HTTP, and
it lives on while the Milvus is away."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from tests.live_service import live_service
from tests.milvus import MilvusServer, milvus_server
from tests.walks import walk_zip

_PATIENCE_SECONDS = 60.0


@pytest.fixture
def milvus_folder(tmp_path: Path) -> Path:
    """Where the Milvus keeps its data between two runs."""
    folder = tmp_path / "milvus"
    folder.mkdir()
    return folder


def settings_of(tmp_path: Path, server: MilvusServer) -> Settings:
    return Settings(
        data=tmp_path / "data",
        device="cpu",
        workers=1,
        index="milvus",
        milvus_uri=f"http://127.0.0.1:{server.port}",
    )


def enrol(http: httpx.Client, subject: str, *, seed: int) -> httpx.Response:
    return http.post("/enroll", data={"subject": subject}, files={"walk": walk_zip(seed)})


def candidates(http: httpx.Client, *, seed: int) -> list[str]:
    answer = http.post("/identify", files={"walk": walk_zip(seed, walk=2)}).raise_for_status()
    return [each["subject"] for each in answer.json()["candidates"]]


def wait_for_status(http: httpx.Client, path: str, status: int) -> httpx.Response:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (answer := http.get(path)).status_code != status:
        assert time.monotonic() < deadline, f"{path} does not come to answer {status}"
        time.sleep(0.05)
    return answer


def test_people_are_found_and_erased_and_the_receipt_says_what_milvus_keeps(
    tmp_path: Path, milvus_folder: Path
) -> None:
    with (
        milvus_server(milvus_folder) as server,
        live_service(settings_of(tmp_path, server)) as service,
    ):
        enrol(service.http, "anna", seed=1).raise_for_status()
        enrol(service.http, "bert", seed=2).raise_for_status()
        assert candidates(service.http, seed=1)[0] == "anna"
        receipt = service.http.delete("/subjects/anna").raise_for_status().json()["receipt"]
        follows = {each["what"] for each in receipt["statement"]["follows"]}
        assert {"collection", "segments"} <= follows
        assert candidates(service.http, seed=1) == ["bert"]


def test_the_service_lives_while_its_milvus_is_away(tmp_path: Path, milvus_folder: Path) -> None:
    """What asks for a search is told when to come back; the rest is answered; then it goes on."""
    with ExitStack() as stack:
        with milvus_server(milvus_folder) as server:
            http = stack.enter_context(live_service(settings_of(tmp_path, server))).http
            enrol(http, "anna", seed=1).raise_for_status()
        ready = wait_for_status(http, "/readyz", 503)
        asked = http.post("/identify", files={"walk": walk_zip(1, walk=2)})
        for answer in (ready, asked):
            assert answer.status_code == 503
            assert answer.json()["type"] == "/problems/index-away"
            assert int(answer.headers["retry-after"]) > 0
            assert "milvus" not in answer.text.lower()
        assert http.get("/livez").status_code == 200
        assert http.get("/subjects/anna").status_code == 200
        with milvus_server(milvus_folder, server.port):
            wait_for_status(http, "/readyz", 200)
            enrol(http, "bert", seed=2).raise_for_status()
            assert candidates(http, seed=1) == ["anna", "bert"]
