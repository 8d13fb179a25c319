"""Jobs: no job is lost, run by two at once, or completed twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.errors import IdempotencyKeyReused, UnknownJob
from app.registry import IdempotencyKey, LeaseLost, NewJob, Registry
from app.registry.job import Home
from tests.app.registry.conftest import Clock
from tests.enrolling import enroll_job, identify_job, running_job


def key(name: str, fingerprint: str = "f") -> IdempotencyKey:
    return IdempotencyKey(key_hash=name.ljust(64, "0"), fingerprint=fingerprint.ljust(64, "0"))


def test_an_accepted_job_is_queued_as_it_was_sent(registry: Registry, clock: Clock) -> None:
    new_job = NewJob("enroll", "lab", "änne", {"name": "Änne"}, (("a", "b"), ("c",)))
    added = registry.jobs.add(new_job)
    assert added.created
    job = registry.jobs.get(new_job.id)
    assert job == added.job
    assert (job.kind, job.state, job.gallery, job.subject) == ("enroll", "queued", "lab", "änne")
    assert job.uploads == (("a", "b"), ("c",))
    assert job.created_at == clock.present
    assert not job.finished


def test_an_unknown_job_is_a_404(registry: Registry) -> None:
    with pytest.raises(UnknownJob):
        registry.jobs.get("no-such-job")


def test_a_claimed_job_cannot_be_claimed_again(registry: Registry) -> None:
    job = running_job(registry, identify_job("lab"))
    assert job.state == "running"
    assert job.attempt == 1
    assert registry.jobs.claim(job.id, owner="other", lease_seconds=30) is None
    assert registry.jobs.claim_next(owner="other", lease_seconds=30) is None


def test_the_job_that_waited_longest_is_claimed_next(registry: Registry, clock: Clock) -> None:
    waiting = []
    for _ in range(3):
        clock.advance(seconds=1)
        waiting.append(registry.jobs.add(identify_job("lab")).job.id)
    assert registry.jobs.queued_ids(2) == tuple(waiting[:2])
    claimed = [registry.jobs.claim_next(owner="me", lease_seconds=30) for _ in range(4)]
    assert [job.id if job else None for job in claimed] == [*waiting, None]


def test_of_many_workers_one_gets_each_job(registry: Registry) -> None:
    ids = [registry.jobs.add(identify_job("lab")).job.id for _ in range(40)]

    def work(owner: str) -> list[str]:
        taken = []
        while (job := registry.jobs.claim_next(owner=owner, lease_seconds=30)) is not None:
            taken.append(job.id)
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [job_id for part in pool.map(work, [f"w{n}" for n in range(8)]) for job_id in part]
    assert sorted(taken) == sorted(ids)


def test_a_finished_job_keeps_its_answer_and_lets_go_of_its_uploads(registry: Registry) -> None:
    job = running_job(registry, identify_job("lab"))
    assert registry.jobs.referenced_uploads() == {"upload-1"}
    registry.jobs.finish(
        job.id,
        job.attempt,
        {"decision": "unknown"},
        gei_png_by_walker={2: b"second", 1: b"first"},
    )
    finished = registry.jobs.get(job.id)
    assert (finished.state, finished.result) == ("succeeded", {"decision": "unknown"})
    assert finished.finished
    assert registry.job_pictures.gei_png(job.id) == b"first"
    assert registry.job_pictures.gei_png(job.id, walker=2) == b"second"
    with pytest.raises(UnknownJob):
        registry.job_pictures.gei_png(job.id, walker=3)
    assert registry.jobs.referenced_uploads() == frozenset()


def test_a_failed_job_keeps_its_problem(registry: Registry) -> None:
    job = running_job(registry, identify_job("lab"))
    registry.jobs.fail(job.id, job.attempt, {"type": "/problems/camera-moves", "status": 422})
    failed = registry.jobs.get(job.id)
    assert failed.state == "failed"
    assert failed.problem == {"type": "/problems/camera-moves", "status": 422}
    assert failed.uploads == ()


def test_of_two_completions_of_one_job_exactly_one_counts(registry: Registry) -> None:
    job = running_job(registry, identify_job("lab"))

    def complete(number: int) -> bool:
        try:
            registry.jobs.finish(job.id, job.attempt, {"number": number})
        except LeaseLost:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        counted = list(pool.map(complete, range(8)))
    assert counted.count(True) == 1
    assert registry.jobs.get(job.id).result == {"number": counted.index(True)}


def test_an_attempt_that_lost_its_lease_completes_nothing(registry: Registry, clock: Clock) -> None:
    first = running_job(registry, identify_job("lab"))
    clock.advance(seconds=31)
    assert registry.jobs.release_expired().requeued == (first.id,)
    second = registry.jobs.claim(first.id, owner="other", lease_seconds=30)
    assert second is not None
    with pytest.raises(LeaseLost):
        registry.jobs.finish(first.id, first.attempt, {"by": "first"})
    with pytest.raises(LeaseLost):
        registry.jobs.fail(first.id, first.attempt, {"by": "first"})
    with pytest.raises(LeaseLost):
        registry.jobs.put_back(first.id, first.attempt)
    registry.jobs.finish(second.id, second.attempt, {"by": "second"})
    assert registry.jobs.get(first.id).result == {"by": "second"}


def test_a_lease_that_is_renewed_does_not_expire(registry: Registry, clock: Clock) -> None:
    job = running_job(registry, identify_job("lab"), owner="me")
    clock.advance(seconds=20)
    assert registry.jobs.renew("me", lease_seconds=30) == 1
    clock.advance(seconds=20)
    assert registry.jobs.release_expired().requeued == ()
    assert registry.jobs.get(job.id).state == "running"


def test_a_dead_instance_loses_its_jobs_at_once_and_others_keep_theirs(registry: Registry) -> None:
    lost = running_job(registry, identify_job("lab"), owner="dead")
    kept = running_job(registry, identify_job("lab"), owner="alive")
    assert registry.jobs.owners() == {"dead", "alive"}
    assert registry.jobs.release_owner("dead").requeued == (lost.id,)
    assert registry.jobs.owners() == {"alive"}
    assert registry.jobs.get(lost.id).state == "queued"
    assert registry.jobs.get(kept.id).state == "running"


def test_a_job_that_loses_three_workers_is_failed_and_not_retried(registry: Registry) -> None:
    job_id = registry.jobs.add(identify_job("lab")).job.id
    for crash in range(1, 4):
        claimed = registry.jobs.claim(job_id, owner="dead", lease_seconds=30)
        assert claimed is not None
        assert claimed.attempt == crash
        released = registry.jobs.release_owner("dead")
    assert released.failed == (job_id,)
    failed = registry.jobs.get(job_id)
    assert failed.state == "failed"
    assert failed.problem is not None
    assert failed.problem["type"] == "/problems/media-not-readable"
    assert failed.uploads == ()
    assert registry.jobs.claim(job_id, owner="me", lease_seconds=30) is None


def test_an_orderly_shutdown_is_no_crash(registry: Registry) -> None:
    job_id = registry.jobs.add(identify_job("lab")).job.id
    for attempt in range(1, 6):
        job = registry.jobs.claim(job_id, owner="me", lease_seconds=30)
        assert job is not None
        assert (job.attempt, job.crashes) == (attempt, 0)
        registry.jobs.put_back(job_id, job.attempt)
    assert registry.jobs.get(job_id).state == "queued"


def test_unfinished_jobs_are_counted_by_state(registry: Registry) -> None:
    assert registry.jobs.counts() == {"queued": 0, "running": 0}
    registry.jobs.add(identify_job("lab"))
    registry.jobs.add(identify_job("lab"))
    running_job(registry, identify_job("lab"))
    assert registry.jobs.counts() == {"queued": 2, "running": 1}


def test_old_finished_jobs_are_purged_and_waiting_ones_never(
    registry: Registry, clock: Clock
) -> None:
    old = running_job(registry, identify_job("lab"))
    registry.jobs.finish(old.id, old.attempt, {})
    waiting = registry.jobs.add(identify_job("lab")).job
    clock.advance(hours=23)
    recent = running_job(registry, enroll_job("lab", "anna"))
    registry.jobs.fail(recent.id, recent.attempt, {})
    clock.advance(hours=2)
    assert registry.jobs.purge(older_than=timedelta(hours=24)) == 1
    assert registry.jobs.get(waiting.id).state == "queued"
    assert registry.jobs.get(recent.id).state == "failed"
    with pytest.raises(UnknownJob):
        registry.jobs.get(old.id)


def test_a_repeated_key_gives_the_first_job(registry: Registry) -> None:
    first = registry.jobs.add(identify_job("lab"), idempotency=key("k"))
    again = registry.jobs.add(identify_job("lab"), idempotency=key("k"))
    assert first.created
    assert not again.created
    assert again.job == first.job
    assert registry.jobs.counts()["queued"] == 1


def test_a_key_of_another_request_is_refused(registry: Registry) -> None:
    registry.jobs.add(identify_job("lab"), idempotency=key("k", "one body"))
    with pytest.raises(IdempotencyKeyReused):
        registry.jobs.add(identify_job("lab"), idempotency=key("k", "another body"))
    assert registry.jobs.counts()["queued"] == 1


def test_of_requests_that_race_with_one_key_one_is_accepted(registry: Registry) -> None:
    for round_number in range(5):
        shared = key(f"round {round_number}")

        def send(_: int, shared: IdempotencyKey = shared) -> tuple[str, bool]:
            added = registry.jobs.add(identify_job("lab"), idempotency=shared)
            return added.job.id, added.created

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(send, range(8)))
        assert len({job_id for job_id, _ in answers}) == 1
        assert [created for _, created in answers].count(True) == 1
    assert registry.jobs.counts()["queued"] == 5


def test_a_key_goes_with_its_job(registry: Registry, clock: Clock) -> None:
    first = registry.jobs.add(identify_job("lab"), idempotency=key("k")).job
    claimed = registry.jobs.claim(first.id, owner="me", lease_seconds=30)
    assert claimed is not None
    registry.jobs.finish(first.id, claimed.attempt, {})
    clock.advance(hours=25)
    registry.jobs.purge(older_than=timedelta(hours=24))
    assert registry.jobs.add(identify_job("lab"), idempotency=key("k", "new")).created


def at_home(owner: str, *, begins: bool = False) -> Home:
    return Home(owner, timedelta(seconds=30), begins=begins)


def test_a_job_whose_caller_waits_in_one_instance_is_not_taken_by_another(
    registry: Registry,
) -> None:
    job = registry.jobs.add(identify_job("lab"), home=at_home("here")).job
    assert registry.jobs.queued_ids(10) == ()
    assert registry.jobs.claim_next(owner="there", lease_seconds=30) is None
    claimed = registry.jobs.claim(job.id, owner="here", lease_seconds=30)
    assert claimed is not None
    assert claimed.attempt == 1


def test_a_job_that_begins_at_once_is_running_when_it_is_accepted(registry: Registry) -> None:
    job = registry.jobs.add(identify_job("lab"), home=at_home("here", begins=True)).job
    assert (job.state, job.attempt) == ("running", 1)
    assert registry.jobs.get(job.id) == job
    assert registry.jobs.claim(job.id, owner="there", lease_seconds=30) is None
    registry.jobs.finish(job.id, job.attempt, {"decision": "unknown"})
    assert registry.jobs.get(job.id).state == "succeeded"


def test_a_waiting_job_of_a_dead_instance_is_free_for_anybody_without_blame(
    registry: Registry,
) -> None:
    job = registry.jobs.add(identify_job("lab"), home=at_home("dead")).job
    assert registry.jobs.release_owner("dead").requeued == (job.id,)
    claimed = registry.jobs.claim_next(owner="there", lease_seconds=30)
    assert claimed is not None
    assert (claimed.id, claimed.crashes) == (job.id, 0)


def test_a_waiting_job_is_free_for_anybody_when_its_home_falls_silent(
    registry: Registry, clock: Clock
) -> None:
    job = registry.jobs.add(identify_job("lab"), home=at_home("silent")).job
    clock.advance(seconds=20)
    assert registry.jobs.renew("silent", lease_seconds=30) == 1
    clock.advance(seconds=20)
    assert registry.jobs.release_expired().requeued == ()
    clock.advance(seconds=20)
    assert registry.jobs.release_expired().requeued == (job.id,)
    assert registry.jobs.queued_ids(10) == (job.id,)
