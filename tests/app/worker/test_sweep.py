"""What a process that died leaves behind is found, finished and cleaned up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from app.registry import Job
from app.telemetry import Metrics
from app.worker.outcomes import Json
from app.worker.sweep import Sweep
from tests.app.worker.conftest import LEASE_SECONDS, Process
from tests.decoders import wait_until

Start = Callable[[], Process]


def finish(process: Process) -> Callable[[Job, float], Json]:
    def work(job: Job, _waited_ms: float) -> Json:
        process.registry.jobs.finish(job.id, job.attempt, {"by": process.instance.id})
        return {}

    return work


def test_jobs_of_a_dead_process_run_in_another(start: Start, tmp_path: Path) -> None:
    dead, alive = start(), start()
    waiting, begun = dead.accept(), dead.accept()
    dead.registry.jobs.claim(begun.id, owner=dead.instance.id, lease_seconds=LEASE_SECONDS)
    dead.die()

    alive.sweep.look()
    ended = alive.run_all(finish(alive), waiting, begun)

    assert [job.result for job in ended] == [{"by": alive.instance.id}] * 2
    assert [job.crashes for job in ended] == [0, 1]
    alive.sweep.look()
    assert [room.name for room in (tmp_path / "uploads").iterdir()] == [alive.instance.id]


def test_jobs_of_a_living_process_are_left_to_it(start: Start) -> None:
    one, other = start(), start()
    one.accept()

    other.sweep.look()

    assert other.queue.depth == 0


def test_uploads_that_no_job_needs_go_with_their_process(start: Start) -> None:
    dead, alive = start(), start()
    half_received = dead.storage.begin()
    half_received.write(b"the first half")
    needed = dead.accept()
    dead.die()

    alive.sweep.look()

    assert not alive.has(half_received.name)
    assert alive.has(needed.uploads[0][0])


def test_a_job_that_three_processes_died_of_is_failed(start: Start) -> None:
    alive = start()
    job = alive.accept()
    alive.registry.jobs.release_owner(alive.instance.id)
    for _ in range(3):
        dead = start()
        dead.registry.jobs.claim(job.id, owner=dead.instance.id, lease_seconds=LEASE_SECONDS)
        dead.die()
        alive.sweep.look()

    failed = alive.registry.jobs.get(job.id)
    assert failed.state == "failed"
    assert failed.problem is not None
    assert failed.problem["type"] == "/problems/media-not-readable"
    count = alive.metrics.collection.get_sample_value
    assert count("walkprint_jobs_crashed_total") == 3
    assert count("walkprint_jobs_given_up_total") == 1


def test_an_upload_whose_job_was_failed_elsewhere_is_noticed(start: Start) -> None:
    alive, other = start(), start()
    job = alive.accept()
    coming = alive.storage.begin()
    other.registry.jobs.release_owner(alive.instance.id)
    taken = other.registry.jobs.claim(job.id, owner=other.instance.id, lease_seconds=LEASE_SECONDS)
    assert taken is not None
    other.registry.jobs.fail(job.id, taken.attempt, {"type": "/problems/of-the-test"})

    alive.sweep.look()

    assert not alive.has(job.uploads[0][0])
    assert alive.has(coming.name)  # still being received
    coming.discard()


def test_jobs_that_a_process_died_with_are_taken_one_at_a_time(start: Start) -> None:
    dead, alive = start(), start()
    jobs = [dead.accept() for _ in range(5)]
    for job in jobs:
        dead.registry.jobs.claim(job.id, owner=dead.instance.id, lease_seconds=LEASE_SECONDS)
    dead.die()
    in_hand: list[int] = []

    def count_then_finish(job: Job, waited_ms: float) -> Json:
        in_hand.append(alive.registry.jobs.counts()["running"])
        return finish(alive)(job, waited_ms)

    alive.sweep.look()
    ended = alive.run_all(count_then_finish, *jobs)

    assert [job.state for job in ended] == ["succeeded"] * 5
    assert in_hand == [1] * 5


def test_jobs_that_an_outage_left_between_registry_and_queue_run(start: Start) -> None:
    """The database went away as it committed: in the registry they are here, in the queue not."""
    alive = start()
    waiting, begun = alive.accept(), alive.accept()
    alive.registry.jobs.claim(begun.id, owner=alive.instance.id, lease_seconds=LEASE_SECONDS)
    sweep = Sweep(
        registry=alive.registry,
        instance=alive.instance,
        storage=alive.storage,
        queue=alive.queue,
        lease_seconds=1.5,  # looks for them twice within it
        keep_jobs=timedelta(hours=1),
        metrics=Metrics(),
    )

    def both_are_taken() -> bool:
        sweep.look()
        return alive.queue.depth == 2

    wait_until(both_are_taken, "in the queue")
    ended = alive.run_all(finish(alive), waiting, begun)

    assert [job.state for job in ended] == ["succeeded"] * 2
    assert [job.crashes for job in ended] == [0, 0]
