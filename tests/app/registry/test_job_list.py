"""Jobs are listed, newest first, and taken back, on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from app.errors import InvalidField, UnknownJob
from app.registry import JobKind, LeaseLost, Registry
from app.registry.job_problems import JobEnded
from tests.app.registry.conftest import Clock
from tests.enrolling import enroll_job, identify_job, running_job

_SEARCHES: tuple[JobKind, ...] = ("identify",)
_ENROLMENTS: tuple[JobKind, ...] = ("enroll",)
_ALL: tuple[JobKind, ...] = ("enroll", "identify", "verify")


def _listed(registry: Registry, **wanted: object) -> list[str]:
    page = registry.job_list.page(_ALL, **wanted)  # type: ignore[arg-type]
    return [job.id for job in page.jobs]


def test_pages_hold_every_job_once_though_all_were_accepted_at_one_instant(
    registry: Registry, clock: Clock
) -> None:
    added = {registry.jobs.add(identify_job("lab")).job.id for _ in range(5)}
    clock.advance(seconds=1)
    newest = registry.jobs.add(identify_job("lab")).job.id

    first = registry.job_list.page(_SEARCHES, limit=4)
    later = registry.jobs.add(identify_job("lab")).job.id  # it belongs before the first page
    second = registry.job_list.page(_SEARCHES, limit=4, cursor=first.next_cursor)

    found = [job.id for job in (*first.jobs, *second.jobs)]
    assert found[0] == newest
    assert sorted(found[1:]) == sorted(added)
    assert second.next_cursor is None
    assert later not in found


def test_a_list_is_limited_to_kinds_galleries_and_a_state(registry: Registry) -> None:
    ours = registry.jobs.add(identify_job("ours")).job.id
    theirs = registry.jobs.add(identify_job("theirs")).job.id
    enrolment = registry.jobs.add(enroll_job("ours", "ada")).job.id
    running = running_job(registry, identify_job("ours")).id

    assert set(_listed(registry)) == {ours, theirs, enrolment, running}
    assert set(_listed(registry, within={"ours"})) == {ours, enrolment, running}
    assert _listed(registry, within=()) == []
    assert _listed(registry, state="running") == [running]
    assert [job.id for job in registry.job_list.page(_ENROLMENTS).jobs] == [enrolment]
    assert registry.job_list.page(()).jobs == ()


@pytest.mark.parametrize(
    "cursor", ["", "x", "MTIz", "YWZ0ZXI6MQ", "é", "OTk5OTk5OTk5OTk5OTk5OTk5OTph"]
)
def test_a_place_that_no_page_gave_is_refused(sqlite_url: str, cursor: str) -> None:
    registry = Registry.open(sqlite_url)
    with pytest.raises(InvalidField, match="cursor"):
        registry.job_list.page(_SEARCHES, cursor=cursor)
    registry.close()


def test_a_job_is_taken_back_from_the_queue_and_from_its_worker(registry: Registry) -> None:
    jobs = registry.jobs
    waiting = jobs.add(identify_job("lab")).job
    running = running_job(registry, identify_job("lab"))

    assert [jobs.cancel(job.id) for job in (waiting, running)] == [("upload-1",)] * 2
    for job in (waiting, running):
        ended = jobs.get(job.id)
        assert ended.state == "failed"
        assert ended.problem is not None
        assert ended.problem["type"] == "/problems/job-cancelled"
        assert (ended.uploads, ended.finished) == ((), True)
    assert jobs.claim(waiting.id, owner="somebody", lease_seconds=30) is None
    with pytest.raises(LeaseLost):
        jobs.finish(running.id, running.attempt, {"decision": "unknown"})


def test_what_has_ended_cannot_be_taken_back(registry: Registry) -> None:
    job = running_job(registry, identify_job("lab"))
    registry.jobs.finish(job.id, job.attempt, {"decision": "unknown"})

    with pytest.raises(JobEnded, match="succeeded"):
        registry.jobs.cancel(job.id)
    with pytest.raises(UnknownJob):
        registry.jobs.cancel("none")
    assert registry.jobs.get(job.id).result == {"decision": "unknown"}
