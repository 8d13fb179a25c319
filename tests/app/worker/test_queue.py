"""Jobs are run to their end, each once: by threads of the process and behind a broker, on SQLite
and PostgreSQL."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event

import pytest

from app.registry import Job, NewJob
from app.registry.job import Priority
from app.worker.outcomes import Json
from model.refusals import NoWalkerFound
from tests.app.worker.conftest import Process
from tests.decoders import wait_until

Start = Callable[[], Process]

pytestmark = pytest.mark.parametrize(
    "way", ["threads", pytest.param("broker", marks=pytest.mark.needs("rabbitmq-server"))]
)


def test_a_job_ends_with_its_result_and_without_its_upload(start: Start) -> None:
    process = start()

    def work(job: Job, _waited_ms: float) -> Json:
        result: Json = {"decision": "unknown"}
        process.registry.jobs.finish(job.id, job.attempt, result)
        return result

    jobs = [process.accept() for _ in range(5)]
    ended = process.run_all(work, *jobs)

    assert [job.state for job in ended] == ["succeeded"] * 5
    assert [job.attempt for job in ended] == [1] * 5
    assert not any(process.has(walk[0]) for job in jobs for walk in job.uploads)


def test_a_refused_walk_fails_its_job_with_the_reason(start: Start) -> None:
    process = start()

    def refuse(_job: Job, _waited_ms: float) -> Json:
        raise NoWalkerFound("Nobody walks in 40 frames.", frames=40)

    (job,) = process.run_all(refuse, process.accept())

    assert job.state == "failed"
    assert job.problem is not None
    assert job.problem["type"] == "/problems/no-walker-found"
    assert job.problem["frames"] == 40


def test_a_job_that_meets_an_outage_is_put_back_and_not_failed(start: Start) -> None:
    process = start()

    def find_the_disk_full(_job: Job, _waited_ms: float) -> Json:
        raise OSError(errno.ENOSPC, "No space left on device")

    (job,) = process.run_all(find_the_disk_full, process.accept())
    process.threads.return_stranded()

    waiting = process.registry.jobs.get(job.id)
    assert (job.state, waiting.state, waiting.crashes) == ("running", "queued", 0)
    assert process.has(waiting.uploads[0][0])


def test_an_unexpected_error_fails_the_job_and_harms_no_other(start: Start) -> None:
    process = start()

    def break_on_the_first(job: Job, _waited_ms: float) -> Json:
        if job.request["kind"] == "bad":
            raise ZeroDivisionError("secret")
        process.registry.jobs.finish(job.id, job.attempt, {})
        return {}

    bad, good = process.run_all(break_on_the_first, process.accept("bad"), process.accept("good"))

    assert (bad.state, good.state) == ("failed", "succeeded")
    assert bad.problem is not None
    assert bad.problem["type"] == "/problems/internal-error"
    assert "secret" not in str(bad.problem)


def test_work_under_a_lost_lease_is_dropped(start: Start) -> None:
    process, other = start(), start()

    def lose_the_lease(job: Job, _waited_ms: float) -> Json:
        process.registry.jobs.release_owner(process.owner)
        again = other.registry.jobs.claim(job.id, owner=other.instance.id, lease_seconds=30)
        assert again is not None
        process.registry.jobs.finish(job.id, job.attempt, {"from": "the first"})
        return {"from": "the first"}

    accepted = process.accept()
    (job,) = process.run_all(lose_the_lease, accepted)
    other.registry.jobs.finish(job.id, job.attempt, {"from": "the second"})

    assert job.state == "running"
    assert process.has(accepted.uploads[0][0])  # the second still needs it
    assert process.registry.jobs.get(job.id).result == {"from": "the second"}


def test_what_comes_too_late_is_not_done(start: Start) -> None:
    process = start()
    begun: list[str] = []

    def work(job: Job, _waited_ms: float) -> Json:
        begun.append(job.id)
        process.registry.jobs.finish(job.id, job.attempt, {})
        return {}

    late = NewJob("identify", "default", None, {}, (), expires_in=timedelta(microseconds=1))
    soon = NewJob("identify", "default", None, {}, (), expires_in=timedelta(hours=1))
    for new_job in (late, soon):
        process.queue.put(process.registry.jobs.add(new_job).job)
    process.work(work)
    wait_until(lambda: process.queue.depth == 0, "both ended")
    process.stop()

    failed, done = (process.registry.jobs.get(new_job.id) for new_job in (late, soon))
    assert begun == [soon.id]
    assert done.state == "succeeded"
    assert failed.problem is not None
    assert failed.problem["type"] == "/problems/deadline-passed"


def test_interactive_jobs_are_begun_before_bulk_ones(start: Start) -> None:
    process = start()
    begun: list[str] = []
    all_are_here = Event()

    def work(job: Job, _waited_ms: float) -> Json:
        begun.append(job.priority)
        assert all_are_here.wait(20)
        time.sleep(0.3)  # longer than the broker takes to bring another one
        process.registry.jobs.finish(job.id, job.attempt, {})
        return {}

    def put(*priorities: Priority) -> None:
        for priority in priorities:
            new_job = NewJob("identify", "default", None, {}, (), priority=priority)
            process.queue.put(process.registry.jobs.add(new_job).job)

    process.work(work)
    put("interactive", "interactive")
    wait_until(lambda: len(begun) == 2, "both threads are busy")
    put("bulk", "bulk", "interactive", "bulk", "interactive", "interactive")
    # The broker keeps one of each kind: the threads have enough of them.
    wait_until(lambda: process.threads.depth >= 6, "what can come has come")
    all_are_here.set()
    wait_until(lambda: process.queue.depth == 0, "all ended")
    process.stop()

    # One thread may still be claiming the fifth when the other begins what comes after it.
    assert begun[:4] == ["interactive"] * 4


def test_a_job_that_lost_a_worker_runs_alone(start: Start) -> None:
    process = start()
    together: list[int] = []
    running: set[str] = set()

    def work(job: Job, _waited_ms: float) -> Json:
        running.add(job.id)
        if job.crashes:
            together.append(len(running))
        time.sleep(0.05)
        running.discard(job.id)
        process.registry.jobs.finish(job.id, job.attempt, {})
        return {}

    suspects = []
    for _ in range(2):
        suspect = process.registry.jobs.add(NewJob("identify", "default", None, {}, ())).job
        process.registry.jobs.claim(suspect.id, owner="gone", lease_seconds=30)
        suspects.append(suspect.id)
    process.registry.jobs.release_owner("gone")
    for _ in range(6):
        process.queue.put(
            process.registry.jobs.add(NewJob("identify", "default", None, {}, ())).job
        )
    for suspect_id in suspects:
        process.queue.put(process.registry.jobs.get(suspect_id))
    process.work(work)
    wait_until(lambda: process.queue.depth == 0, "all ended")
    process.stop()

    assert together == [1, 1]
