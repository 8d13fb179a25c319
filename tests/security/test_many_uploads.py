"""Many uploads at the same time: everybody gets an answer, nothing accepted is lost, and memory and
threads stay bounded."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app.client import Client
from app.demo.service_process import ServiceProcess
from tests.security.callers import healthy_calls
from tests.soak.run import resident_bytes
from tests.walks import walk_zip

_LONG = bool(os.environ.get("WALKPRINT_SECURITY_LONG"))
_UPLOADS = 1000 if _LONG else 400
# The short variant sends most of them away.
_PLACES = 1000 if _LONG else 40
_MOST_GROWTH_BYTES = 400 * 2**20
_MOST_THREADS = 160


@dataclass
class Crowd:
    """What came of many calls at once.

    Attributes:
        answers: by status.
        accepted: ids of jobs that were accepted and not waited for.
        enrolled: subjects whose enrolment was acknowledged.
        without_advice: refusals that do not say when to come back.
        failures: calls that got no answer.
    """

    answers: Counter[int] = field(default_factory=Counter)
    accepted: list[str] = field(default_factory=list)
    enrolled: set[str] = field(default_factory=set)
    without_advice: int = 0
    failures: list[str] = field(default_factory=list)

    def note(self, subject: str, answer: httpx.Response) -> None:
        """Sorts one answer in."""
        self.answers[answer.status_code] += 1
        if answer.status_code == 202:
            self.accepted.append(answer.json()["id"])
        elif answer.status_code == 201:
            self.enrolled.add(subject)
        elif "retry-after" not in answer.headers:
            self.without_advice += 1


async def _send_all(url: str) -> Crowd:
    crowd, walk = Crowd(), walk_zip(1)
    limits = httpx.Limits(max_connections=_UPLOADS)

    async def send(http: httpx.AsyncClient, number: int) -> None:
        subject = f"s{number}"
        headers = {"Prefer": "respond-async"} if number % 2 else {}
        try:
            answer = await http.post(
                "/enroll", data={"subject": subject}, files={"walk": walk}, headers=headers
            )
        except httpx.HTTPError as wrong:
            crowd.failures.append(f"{type(wrong).__name__}: {wrong}")
        else:
            crowd.note(subject, answer)

    async with httpx.AsyncClient(base_url=url, timeout=600.0, limits=limits) as http:
        await asyncio.gather(*(send(http, number) for number in range(_UPLOADS)))
    return crowd


@pytest.mark.timeout(1200)
def test_a_thousand_uploads_at_once_are_all_answered_and_none_is_lost(tmp_path: Path) -> None:
    environment = {
        "WALKPRINT_DEVICE": "cpu",
        "WALKPRINT_MAX_QUEUED_JOBS": str(_PLACES),
        "WALKPRINT_LOG_LEVEL": "warning",
        "WALKPRINT_REQUESTS_PER_MINUTE": "0",
    }
    with ServiceProcess(tmp_path, environment=environment) as service:
        before_bytes = resident_bytes(service.pid)
        begun = time.perf_counter()
        with healthy_calls(service.url, "/livez") as healthy:
            crowd = asyncio.run(_send_all(service.url))
        seconds = time.perf_counter() - begun
        grown_bytes = resident_bytes(service.pid) - before_bytes
        threads = len(list(Path(f"/proc/{service.pid}/task").iterdir()))
        with Client(service.url) as client:
            states = {client.wait_for_job(job, timeout_seconds=600).state for job in crowd.accepted}
            known = {row.subject for row in client.subjects()}
        left = [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]
    print(  # noqa: T201 - pytest -s
        f"{dict(crowd.answers)} in {seconds:.1f} s, {grown_bytes / 2**20:.0f} MiB more,"
        f" {threads} threads; meanwhile {healthy}"
    )

    assert crowd.failures == []
    assert sum(crowd.answers.values()) == _UPLOADS
    assert set(crowd.answers) <= {201, 202, 503}
    assert crowd.without_advice == 0
    assert states <= {"succeeded"}
    assert crowd.enrolled <= known
    assert len(known) == len(crowd.enrolled) + len(crowd.accepted)
    assert grown_bytes < _MOST_GROWTH_BYTES
    assert threads < _MOST_THREADS
    assert left == []
