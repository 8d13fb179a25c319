"""`kill -9` at any moment: nothing acknowledged is lost, nothing runs twice, nothing stays behind.

WALKPRINT_CRASH_TRIALS sets how often (`make test-crash` runs many more).
"""

from __future__ import annotations

import os
import random
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from app.client import Client
from app.demo.service_process import ServiceProcess
from tests.walks import walk_video, walk_zip

_TRIALS = int(os.environ.get("WALKPRINT_CRASH_TRIALS", "8"))
_CLIENTS = 4
# Long enough for the slowest job (a video) to be under way.
_LONGEST_RUN_SECONDS = 2.5


@dataclass
class Promises:
    """What the service said before it was killed."""

    enrolled: set[str] = field(default_factory=set)
    accepted: dict[str, str] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)


def call_until_it_dies(url: str, client: int, trial: int, promises: Promises) -> None:
    """Enrols one new subject after another, waiting or not, until the connection breaks."""
    media = (walk_zip(1), walk_zip(2), walk_video(1))
    with httpx.Client(base_url=url, timeout=60.0) as http:
        for number in range(10_000):
            subject = f"t{trial}-c{client}-{number}"
            promises.tried.add(subject)
            waits = (number + client) % 3
            try:
                response = http.post(
                    "/enroll",
                    data={"subject": subject},
                    files={"walk": media[(number + client) % 3]},
                    headers={} if waits else {"Prefer": "respond-async"},
                )
            except httpx.TransportError:
                return
            if response.status_code == 201:
                promises.enrolled.add(subject)
            elif response.status_code == 202:
                promises.accepted[response.json()["id"]] = subject


def run_and_kill(service: ServiceProcess, trial: int, moment_seconds: float) -> Promises:
    promises = Promises()
    callers = [
        threading.Thread(target=call_until_it_dies, args=(service.url, client, trial, promises))
        for client in range(_CLIENTS)
    ]
    for caller in callers:
        caller.start()
    # The moment is the point of the test, so here a clock decides and no event.
    threading.Event().wait(moment_seconds)
    os.kill(service.pid, signal.SIGKILL)
    service.wait()
    for caller in callers:
        caller.join()
    return promises


def check(client: Client, promises: Promises) -> None:
    for job_id, subject in promises.accepted.items():
        job = client.wait_for_job(job_id, timeout_seconds=120)
        assert job.state == "succeeded", job
        promises.enrolled.add(subject)
    stored = {row.subject: row.walks for row in client.subjects(page_size=500)}
    for subject in promises.enrolled:
        assert stored[subject] == 1
    # A call that broke off either happened or did not; never half, never twice.
    for subject in promises.tried - promises.enrolled:
        assert stored.get(subject, 1) == 1


def wait_until_idle(url: str) -> None:
    """Until the jobs of calls that broke off have ended too."""
    with httpx.Client(base_url=url) as http:
        while any(http.get("/jobs").json().values()):
            threading.Event().wait(0.05)


def uploads_left(data: Path) -> list[Path]:
    return [path for path in (data / "uploads").rglob("*") if path.is_file()]


def test_a_neighbour_takes_over_at_once(tmp_path: Path) -> None:
    # A lease that this test would never see the end of.
    environment = {"WALKPRINT_DEVICE": "cpu", "WALKPRINT_LEASE_SECONDS": "3600"}
    with (
        ServiceProcess(tmp_path, environment=environment) as dies,
        ServiceProcess(tmp_path, environment=environment) as lives,
        httpx.Client(base_url=dies.url, timeout=60.0) as http,
        Client(lives.url) as client,
    ):
        accepted = [
            http.post(
                "/enroll",
                data={"subject": f"s{number}"},
                files={"walk": walk_video(1)},
                headers={"Prefer": "respond-async"},
            ).json()["id"]
            for number in range(6)
        ]
        os.kill(dies.pid, signal.SIGKILL)
        dies.wait()
        jobs = [client.wait_for_job(job, timeout_seconds=120) for job in accepted]

        assert [job.state for job in jobs] == ["succeeded"] * 6
        assert [row.walks for row in client.subjects()] == [1] * 6
        assert client.is_ready()
    assert uploads_left(tmp_path) == []


def test_a_killed_service_keeps_every_promise(tmp_path: Path) -> None:
    moments = random.Random(7)  # noqa: S311 - a seed, so that a failure can be seen again
    environment = {"WALKPRINT_DEVICE": "cpu", "WALKPRINT_LOG_LEVEL": "warning"}
    promised = 0
    promises: Promises | None = None
    for trial in range(_TRIALS + 1):
        with ServiceProcess(tmp_path, environment=environment) as service:
            if promises is not None:
                with Client(service.url) as client:
                    check(client, promises)
                wait_until_idle(service.url)
                assert uploads_left(tmp_path) == []
                promised += len(promises.enrolled)
            if trial < _TRIALS:
                promises = run_and_kill(service, trial, moments.uniform(0.05, _LONGEST_RUN_SECONDS))
    assert promised > _TRIALS  # the service did work in between
