"""Every line that belongs to a job names it, and the call that asked for it: in its thread, and
wherever its message is handled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app.registry import Job
from app.worker.outcomes import Json
from tests.app.worker.conftest import Process
from tests.decoders import wait_until

Start = Callable[[], Process]
Lines = list[Any]

_log = structlog.get_logger(__name__)

both_ways = pytest.mark.parametrize(
    "way", ["threads", pytest.param("broker", marks=pytest.mark.needs("rabbitmq-server"))]
)


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What this process logs, as it would be written."""
    with capture_logs(processors=[merge_contextvars]) as captured:
        yield captured


def _accept(process: Process, number: int) -> tuple[Job, str]:
    """A job and the id of the request that asked for it."""
    request = f"{number:016x}"
    return process.accept(trace=f"00-{number:032x}-{request}-00"), request


@both_ways
def test_lines_of_a_job_name_it_and_its_request(start: Start, lines: Lines) -> None:
    process = start()
    asked = [_accept(process, number) for number in (7, 8, 9)]

    def work(job: Job, _waited_ms: float) -> Json:
        _log.info("something on the way")
        process.registry.jobs.finish(job.id, job.attempt, {})
        return {}

    process.run_all(work, *(job for job, _ in asked))
    said = [line for line in lines if line["event"] == "something on the way"]

    assert {line["job"]: line["request"] for line in said} == {
        job.id: request for job, request in asked
    }
    assert len(said) == len(asked)


@both_ways
def test_an_error_nobody_expected_is_found_by_its_request(start: Start, lines: Lines) -> None:
    process = start()
    job, request = _accept(process, 5)

    def break_down(_job: Job, _waited_ms: float) -> Json:
        raise ZeroDivisionError

    process.run_all(break_down, job)
    (line,) = [line for line in lines if line["event"] == "job failed"]

    assert (line["job"], line["request"]) == (job.id, request)
    assert line["support_id"]


@both_ways
def test_a_thread_forgets_the_job_that_it_is_done_with(start: Start, lines: Lines) -> None:
    """The next one may come from nowhere that was noted."""
    process = start()
    first, _ = _accept(process, 5)
    second = process.accept()

    def work(job: Job, _waited_ms: float) -> Json:
        if job.id == second.id:
            wait_until(lambda: not process.threads.holds(first.id), "the first one is over")
        _log.info("something on the way")
        process.registry.jobs.finish(job.id, job.attempt, {})
        return {}

    process.run_all(work, first, second)
    said = {line["job"]: line for line in lines if line["event"] == "something on the way"}

    assert said.keys() == {first.id, second.id}
    assert "request" not in said[second.id]


def test_what_is_said_of_a_job_that_kills_names_its_request(start: Start, lines: Lines) -> None:
    """By a process that never had it in hand."""
    process, other = start(), start()
    job, request = _accept(process, 3)
    process.registry.jobs.release_owner(process.instance.id)
    for _ in range(3):
        process.registry.jobs.claim(job.id, owner="lost", lease_seconds=30)
        other.registry.jobs.release_owner("lost")
    (line,) = [line for line in lines if line["event"] == "a job took its workers down"]

    assert (line["job"], line["request"]) == (job.id, request)
