"""A service whose work is done by workers of their own: real processes, broker and database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest

from app.demo.service_process import ServiceProcess
from app.walker_files import write_walk
from tests.decoders import wait_until
from tests.distributed import WorkerProcess, service_of, town_environment
from tests.rabbitmq import RabbitServer
from tests.servers import PostgresServer
from tests.walks import walk_masks, walk_zip

pytestmark = [pytest.mark.needs("rabbitmq-server"), pytest.mark.timeout(600)]

_HEAVY = ("torch", "cv2", "faiss", "onnxruntime", "openvino")
_MOST_MIB = 150


@dataclass(frozen=True)
class Town:
    """A service with one worker.

    Attributes:
        service: answers calls.
        worker: does the work.
        data: the folder that they share.
        environment: that makes further processes part of it.
        http: a client of the service.
    """

    service: ServiceProcess
    worker: WorkerProcess
    data: Path
    environment: dict[str, str]
    http: httpx.Client


@pytest.fixture(scope="module")
def town(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, rabbit: RabbitServer
) -> Iterator[Town]:
    """Ready, with three people enrolled."""
    data = tmp_path_factory.mktemp("town")
    environment = town_environment(postgres.create_database(), rabbit.url)
    worker = WorkerProcess(data, environment)
    worker.start()  # a service is ready once a worker was
    try:
        with (
            service_of(data, environment) as service,
            httpx.Client(base_url=service.url, timeout=120.0) as http,
        ):
            worker.wait_until_ready()
            for person in range(3):
                enrolled = _send(http, "/enroll", person, walk=1, subject=f"p{person}")
                assert enrolled.status_code == 201, enrolled.text
            yield Town(service, worker, data, environment, http)
    finally:
        worker.stop()


def _send(
    http: httpx.Client, path: str, person: int, *, walk: int, **fields: str
) -> httpx.Response:
    media = {"walk": ("walk.zip", walk_zip(person, walk=walk))}
    return http.post(path, data=fields, files=media)


def test_the_answer_is_the_one_of_a_service_that_works_itself(town: Town) -> None:
    answer = _send(town.http, "/identify", 1, walk=2).json()

    assert (answer["decision"], answer["subject"]) == ("match", "p1")
    assert town.http.get(answer["gei"]).content.startswith(b"\x89PNG")


def test_what_a_decision_rests_on_comes_from_the_worker_too(town: Town) -> None:
    answer = _send(town.http, "/identify", 1, walk=2, explain="true").json()
    explained = town.http.get(answer["explanation"]).json()

    assert len(explained["masks"]) == len(walk_masks(1, walk=2))
    assert explained["strangers"][0]["score"] < answer["threshold"]


def test_the_service_loads_no_network_no_index_and_no_decoder(town: Town) -> None:
    _send(town.http, "/identify", 1, walk=2)
    maps = Path(f"/proc/{town.service.pid}/maps").read_text()
    status = Path(f"/proc/{town.service.pid}/status").read_text()

    assert [name for name in _HEAVY if f"/{name}" in maps] == []
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    assert int(resident.split()[1]) / 1024 <= _MOST_MIB


def test_a_refusal_comes_back_as_the_worker_said_it(town: Town) -> None:
    """For jobs, and for what is asked besides them."""
    spoilt = town.http.post("/identify", files={"walk": ("walk.zip", b"PK\x03\x04 no archive")})
    assert spoilt.status_code == 422
    assert spoilt.json()["type"] == "/problems/media-not-readable"

    too_small = town.http.post("/galleries/default/calibrate")
    assert too_small.status_code == 409
    assert too_small.json()["type"] == "/problems/gallery-too-small"


def test_a_job_elsewhere_is_followed_by_stage(town: Town) -> None:
    """A clip that takes a worker some seconds; the service hears of it through the database."""
    masks_thw = walk_masks(1)
    # There and back ten times, four times as large.
    there_and_back_thw = np.concatenate([masks_thw, masks_thw[::-1]] * 10)
    large_thw = there_and_back_thw.repeat(4, axis=1).repeat(4, axis=2)
    clip = write_walk(large_thw, town.data / "clip", "mp4", frames_per_second=25.0)
    accepted = town.http.post(
        "/identify",
        files={"walk": ("clip.mp4", clip.read_bytes())},
        headers={"Prefer": "respond-async"},
    )
    told: list[dict[str, object]] = []
    # A stream ends after a minute, and whoever still listens asks again.
    while not told or told[-1]["state"] not in ("succeeded", "failed"):
        events = town.http.get(f"{accepted.headers['location']}/events").text
        told += [json.loads(line[6:]) for line in events.splitlines() if line.startswith("data: ")]

    assert "capture" in [job["stage"] for job in told]
    assert told[-1] == town.http.get(accepted.headers["location"]).json()


def test_the_workers_checkpoint_is_known_to_be_here(town: Town) -> None:
    (checkpoint,) = town.http.get("/checkpoints").json()["checkpoints"]

    assert checkpoint["active"]
    assert checkpoint["here"]


def test_callers_do_not_notice_that_a_worker_is_killed(town: Town) -> None:
    with (
        WorkerProcess(town.data, town.environment, name="doomed") as doomed,
        ThreadPoolExecutor(16) as pool,
    ):
        calls = [pool.submit(_send, town.http, "/identify", n % 3, walk=3) for n in range(24)]
        wait_until(lambda: doomed.jobs_in_hand() > 1, "it has its share")
        doomed.kill()
        answers = [call.result() for call in calls]

    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json()["subject"] for answer in answers] == [f"p{n % 3}" for n in range(24)]
