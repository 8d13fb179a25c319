"""What a service and its workers tell of one call, as processes of their own: one trace, and log
lines that name it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.collector import Collector, collector
from tests.decoders import wait_until
from tests.distributed import WorkerProcess, service_of, town_environment
from tests.rabbitmq import RabbitServer
from tests.servers import PostgresServer
from tests.walks import walk_zip

pytestmark = [pytest.mark.needs("rabbitmq-server"), pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Evening:
    """What was called, and what was said about it by processes that have ended.

    Attributes:
        answer: of one identification.
        beside_a_kill: of identifications while a worker was killed.
        collected: by the collector of traces.
        service_lines: of the service's log.
        worker_lines: of the surviving worker's.
    """

    answer: httpx.Response
    beside_a_kill: list[httpx.Response]
    collected: Collector
    service_lines: list[dict[str, Any]]
    worker_lines: list[dict[str, Any]]


@pytest.fixture(scope="module")
def evening(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, rabbit: RabbitServer
) -> Iterator[Evening]:
    """A town in which somebody is enrolled and identified, and a worker killed at work."""
    data, elsewhere = tmp_path_factory.mktemp("telling-town"), tmp_path_factory.mktemp("elsewhere")
    mounted = tmp_path_factory.mktemp("mounted-everywhere")
    with collector() as collected:
        environment = town_environment(
            postgres.create_database(),
            rabbit.url,
            WALKPRINT_TRACES=collected.url,
            WALKPRINT_LOG_JSON="true",
            WALKPRINT_LOG_LEVEL="debug",
            WALKPRINT_STORAGE=str(mounted),
            # Beyond the other worker's start on a slow machine: no lease tells of the death.
            WALKPRINT_LEASE_SECONDS="300",
            WALKPRINT_WAIT_SECONDS="300",
            WALKPRINT_SIGNING_KEY=str(data / "signing.key"),
        )
        # As on another machine: nobody but the broker notices that it died.
        with WorkerProcess(elsewhere, environment) as doomed:
            with (
                service_of(data, environment) as service,
                httpx.Client(base_url=service.url, timeout=300.0) as http,
                ThreadPoolExecutor(8) as pool,
            ):
                assert _send(http, "/enroll", 1, subject="p1").status_code == 201
                calls = [pool.submit(_send, http, "/identify", 3) for _ in range(8)]
                wait_until(lambda: doomed.jobs_in_hand() > 1, "it has its hands full")
                doomed.kill()
                with WorkerProcess(data, environment) as worker:
                    beside_a_kill = [call.result() for call in calls]
                    # Of the one that was killed, the last five seconds are not told.
                    answer = _send(http, "/identify", 2)
            service_lines = _lines(service.log_path)
        yield Evening(answer, beside_a_kill, collected, service_lines, _lines(worker.log_path))


def _send(http: httpx.Client, path: str, walk: int, **fields: str) -> httpx.Response:
    return http.post(path, data=fields, files={"walk": ("walk.zip", walk_zip(1, walk=walk))})


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_a_call_over_the_broker_is_one_trace(evening: Evening) -> None:
    assert evening.answer.status_code == 200
    request = evening.answer.headers["x-request-id"]
    (top,) = [span for span in evening.collected.spans if span.id == request]
    spans = [span for span in evening.collected.spans if span.trace == top.trace]
    names = {span.id: span.name for span in spans}

    assert {(span.service, span.name, names.get(span.parent, "")) for span in spans} == {
        ("walkprint-api", "POST /identify", ""),
        ("walkprint-api", "receive", "POST /identify"),
        ("walkprint-api", "accept", "POST /identify"),
        ("walkprint-api", "publish", "POST /identify"),
        ("walkprint-api", "wait", "POST /identify"),
        ("walkprint-worker", "queue", "POST /identify"),
        ("walkprint-worker", "job identify", "POST /identify"),
        ("walkprint-worker", "capture", "job identify"),
        ("walkprint-worker", "gei", "job identify"),
        ("walkprint-worker", "encode", "job identify"),
        ("walkprint-worker", "search", "job identify"),
        ("walkprint-worker", "store", "job identify"),
    }
    assert len(spans) == len(names) == 12


def test_an_attempt_after_a_kill_is_told_in_the_same_trace(evening: Evening) -> None:
    assert {answer.status_code for answer in evening.beside_a_kill} == {200}
    requests = {answer.headers["x-request-id"] for answer in evening.beside_a_kill}
    again = [
        span
        for span in evening.collected.spans
        if span.name == "job identify" and span.parent in requests
    ]

    assert max(int(span.attributes["walkprint.attempt"]) for span in again) > 1


def test_the_workers_lines_name_the_request_that_the_answer_names(evening: Evening) -> None:
    """Some of them may have ended before the other one was killed."""
    answers = {answer.json()["job"]: answer for answer in evening.beside_a_kill}
    said = [line for line in evening.worker_lines if line.get("job") in answers]
    ended = [line["job"] for line in said if line["event"] == "job ended"]

    assert ended
    assert sorted(ended) == sorted({line["job"] for line in said})
    assert [line["request"] for line in said] == [
        answers[line["job"]].headers["x-request-id"] for line in said
    ]


def test_a_lost_workers_jobs_are_told_by_their_requests(evening: Evening) -> None:
    requests = {answer.headers["x-request-id"] for answer in evening.beside_a_kill}
    lost = [line for line in evening.worker_lines if line["event"].startswith("a worker was lost")]

    assert lost
    assert {line["request"] for line in lost} <= requests


def test_the_services_lines_name_request_job_and_trace(evening: Evening) -> None:
    job = evening.answer.json()["job"]
    said = [line for line in evening.service_lines if line.get("job") == job]

    assert "job accepted" in [line["event"] for line in said]
    assert {line["request"] for line in said} == {evening.answer.headers["x-request-id"]}
    assert {span.trace for span in evening.collected.spans} >= {line["trace"] for line in said}
