"""What running jobs do can be read in SQL, by whoever looks, while it takes a while."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.registry import Job, Registry
from app.registry.job_progress import Reached, Standing
from app.telemetry import Metrics
from app.worker.outcomes import Json
from app.worker.progress import Progress
from tests.app.worker.conftest import Process
from tests.decoders import wait_until
from tests.enrolling import identify_job

Start = Callable[[], Process]


def test_the_stage_of_a_slow_job_is_seen_by_another_process(start: Start) -> None:
    process, other = start(), start()
    metrics = Metrics()
    job = process.accept()
    seen: list[str | None] = []

    def is_at(stage: str) -> bool:
        return other.registry.job_progress.standing([job.id])[job.id].stage == stage

    def work(job: Job, _waited_ms: float) -> Json:
        for stage in ("capture", "encode"):
            with metrics.stage(stage, {}):
                wait_until(lambda stage=stage: is_at(stage), stage)  # type: ignore[misc]
                seen.append(other.registry.jobs.get(job.id).stage)
        process.registry.jobs.finish(job.id, job.attempt, {})
        return {}

    (ended,) = process.run_all(work, job)

    assert seen == ["capture", "encode"]
    assert (ended.state, ended.stage) == ("succeeded", None)


def test_a_job_that_is_over_at_once_writes_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = start().registry
    progress, metrics = Progress(registry), Metrics()
    registry.jobs.add(new_job := identify_job("default"))
    job = registry.jobs.claim(new_job.id, owner="somebody", lease_seconds=30)
    assert job is not None

    monkeypatch.setattr("app.worker.progress._YOUNG_SECONDS", 3600.0)
    with progress.of(job), metrics.stage("capture", {}):
        progress.tell()  # as its thread does four times a second
        young = registry.jobs.get(job.id).stage
        monkeypatch.setattr("app.worker.progress._YOUNG_SECONDS", 0.0)
        wait_until(lambda: _is_told(progress, registry, job.id), "told when it is older")

    assert young is None


def _is_told(progress: Progress, registry: Registry, job_id: str) -> bool:
    progress.tell()
    return registry.jobs.get(job_id).stage == "capture"


def test_what_an_older_attempt_says_is_not_written(start: Start) -> None:
    process = start()
    progress = process.registry.job_progress
    job_id = process.accept().id
    progress.note({job_id: Reached(1, "capture")})  # it was put back meanwhile
    queued = progress.standing([job_id])[job_id]
    claimed = process.registry.jobs.claim(job_id, owner="somebody", lease_seconds=30)
    assert claimed is not None
    progress.note({job_id: Reached(0, "capture"), "gone": Reached(1, "gei")})

    assert queued == Standing("queued", 0, None)
    assert progress.standing([job_id, "gone"]) == {job_id: Standing("running", 1, None)}


def test_a_job_that_is_taken_over_begins_anew(start: Start) -> None:
    process = start()
    jobs, progress = process.registry.jobs, process.registry.job_progress
    job_id = process.accept().id
    jobs.claim(job_id, owner="doomed", lease_seconds=30)
    progress.note({job_id: Reached(1, "encode")})
    before = progress.standing([job_id])[job_id]
    jobs.release_owner("doomed")

    assert before.stage == "encode"
    assert progress.standing([job_id])[job_id] == Standing("queued", 1, None)
