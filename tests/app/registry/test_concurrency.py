"""Several writers, in threads and in processes: revisions without gaps, jobs without doubles."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.errors import UnknownSubject
from app.registry import LeaseLost, Registry, SubjectErased
from tests.enrolling import CHECKPOINT, enroll, identify_job, running_job, unit_vector

ROOT = Path(__file__).parents[3]


@contextlib.contextmanager
def second_service(database_url: str, name: str, count: int) -> Iterator[subprocess.Popen[str]]:
    """Another process, ready to claim; killed at the end if it still runs."""
    command = ["-m", "tests.app.registry.concurrent_process", database_url, name, str(count)]
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, *command],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert said(process) == "ready"
            yield process
        finally:
            process.kill()


def say_go(process: subprocess.Popen[str]) -> None:
    """Has a process begin its next part."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def said(process: subprocess.Popen[str]) -> str:
    """The next line a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_threads_get_revisions_without_gaps_in_commit_order(registry: Registry) -> None:
    def write(thread: int) -> list[int]:
        return [
            enroll(registry, f"{thread}-{number}", [unit_vector(number)]).revision
            for number in range(10)
        ]

    with ThreadPoolExecutor(8) as pool:
        by_thread = list(pool.map(write, range(8)))
    assert sorted(itertools.chain.from_iterable(by_thread)) == list(range(1, 81))
    assert all(revisions == sorted(revisions) for revisions in by_thread)
    assert registry.galleries.get("default").revision == 80


def test_whoever_sees_a_revision_sees_all_before_it(registry: Registry) -> None:
    """A reader beside four writers: at revision r there are r templates, never fewer."""
    gallery_id = registry.galleries.create("default").id
    written: queue.Queue[int] = queue.Queue()

    def write(thread: int) -> None:
        for number in range(12):
            written.put(enroll(registry, f"{thread}-{number}", [unit_vector(number)]).revision)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, thread) for thread in range(4)]
        for _ in range(48):
            acknowledged = written.get(timeout=60)
            with registry.templates.changes(gallery_id, CHECKPOINT, 0) as changes:
                assert changes is not None
                added = sum(len(block.templates_n) for block in changes.added)
                assert added == changes.revision >= acknowledged
        for writer in writers:
            writer.result()


def test_two_processes_enrol_without_gaps_and_share_the_jobs(database_url: str) -> None:
    """Each process also finds each of its own enrolments at once, between the other's writes."""
    registry = Registry.open(database_url)
    job_ids = [registry.jobs.add(identify_job("default")).job.id for _ in range(40)]
    reports = []
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(second_service(database_url, name, 25)) for name in ("one", "two")
        ]
        for process in processes:
            say_go(process)
        for process in processes:
            assert said(process) == "claimed"
        for process in processes:
            say_go(process)
        for process in processes:
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 0
            reports.append(json.loads(output.splitlines()[-1]))
    revisions = [revision for report in reports for revision in report["revisions"]]
    assert sorted(revisions) == list(range(1, 51))
    taken = [job_id for report in reports for job_id in report["taken"]]
    assert sorted(taken) == sorted(job_ids)
    assert registry.galleries.get("default").subjects == 50
    registry.close()


def test_an_erasure_and_an_answer_that_names_the_erased_never_both_stay(
    registry: Registry,
) -> None:
    for round_number in range(12):
        enroll(registry, "anna", [unit_vector(round_number)])
        enroll(registry, "bert", [unit_vector(100)])
        jobs = [running_job(registry, identify_job("default")) for _ in range(4)]

        def answer(number: int, jobs: list[str] = [job.id for job in jobs]) -> None:  # noqa: B006
            try:
                registry.jobs.finish(jobs[number], 1, {"anna": 1}, mentions=["bert", "anna"])
            except SubjectErased:
                registry.jobs.finish(jobs[number], 1, {"bert": 1}, mentions=["bert"])

        with ThreadPoolExecutor(5) as pool:
            answers = [pool.submit(answer, number) for number in range(4)]
            erasure = pool.submit(registry.subjects.delete, "anna").result()
            for each in answers:
                each.result()
        with pytest.raises(UnknownSubject):
            registry.subjects.get("anna")
        for job in jobs:
            if job.id not in erasure.jobs:
                assert registry.jobs.get(job.id).result == {"bert": 1}


def test_every_walk_enrolled_beside_erasures_is_erased_once(registry: Registry) -> None:
    """An enrolment that an erasure overtakes is dropped: it was asked for before."""
    enroll(registry, "bert", [unit_vector(0)])

    def come_and_go(thread: int) -> int:
        left = 0
        for number in range(6):
            with contextlib.suppress(LeaseLost):
                enroll(registry, "anna", [unit_vector(thread * 100 + number)])
                left += 1
            with contextlib.suppress(UnknownSubject):
                left -= registry.subjects.delete("anna").walks
        return left

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(come_and_go, range(4))) == 0
    assert registry.galleries.get("default").subjects == 1


def test_a_killed_process_loses_nothing_that_it_acknowledged(database_url: str) -> None:
    """SIGKILL in the middle of writing: what was said to be enrolled is, whole; the rest is not."""
    with second_service(database_url, "victim", 10_000) as process:
        say_go(process)
        assert said(process) == "claimed"
        say_go(process)
        acknowledged = [said(process) for _ in range(20)]
        process.kill()
        assert process.stdout is not None
        acknowledged += process.stdout.read().split("\n")[:-1]

    registry = Registry.open(database_url)
    enrolled = registry.subjects.list(limit=500).subjects
    assert set(acknowledged) <= {subject.subject for subject in enrolled}
    assert len(enrolled) <= len(acknowledged) + 1
    assert all(subject.walks == 1 for subject in enrolled)
    gallery = registry.galleries.get("default")
    assert gallery.revision == len(enrolled)
    with registry.templates.changes(gallery.id, CHECKPOINT, 0) as changes:
        assert changes is not None
        assert sum(len(block.templates_n) for block in changes.added) == len(enrolled)
    # At most the job of the moment is left; it runs again elsewhere.
    unfinished = registry.jobs.counts()
    assert unfinished["running"] == len(registry.jobs.release_owner("instance").requeued)
    assert sum(unfinished.values()) <= 1
    registry.close()
