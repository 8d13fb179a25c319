"""Bulk enrolment: what is a walk, what is remembered, what is sent again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.bulk import Report, ReportInUse, enroll_walks, take_inventory, walks_due
from app.client import Client, RetryPolicy, ServiceUnreachable

QUICK = RetryPolicy(attempts=2, first_wait_seconds=0.01)
REFUSED = {"title": "Too few frames", "status": 422, "detail": "Only 3 frames.", "advice": "More."}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Two people with four walks, in every form, and some files that are no walks."""
    folder = tmp_path / "people"
    (folder / "ada" / "frames").mkdir(parents=True)
    (folder / "bob").mkdir()
    for number in range(3):
        (folder / "ada" / "frames" / f"{number}.png").write_bytes(b"\x89PNG" + bytes([number]))
    (folder / "ada" / "monday.MP4").write_bytes(b"video")
    (folder / "bob" / "one.tar.gz").write_bytes(b"archive")
    (folder / "bob" / "two.zip").write_bytes(b"PK")
    (folder / "bob" / "notes.txt").write_text("tall")
    (folder / "bob" / "empty").mkdir()
    (folder / "README.md").write_text("who is who")
    (folder / ".git").mkdir()
    return folder


def _enrolled(walk_id: str) -> dict[str, object]:
    walks = [{"id": walk_id, "quality": {}}]
    return {"subject": "s", "gallery": "g", "created": True, "walks": walks}


def _run(service: Any, people: Path, report_path: Path) -> tuple[int, int]:
    with Report(report_path) as report, Client(service.url, retries=QUICK) as client:
        due = walks_due(take_inventory(people).walks, report, "office")
        result = enroll_walks(client, due, report, gallery="office", requests_at_once=1)
    return result.enrolled, result.failed


def _keys(service: Any) -> list[str]:
    return [heard.headers["Idempotency-Key"] for heard in service.heard]


def test_videos_archives_and_folders_of_frames_are_walks_and_the_rest_is_named(
    people: Path,
) -> None:
    inventory = take_inventory(people)
    found = [(walk.subject, walk.walk) for walk in inventory.walks]
    assert found == [
        ("ada", "frames"),
        ("ada", "monday.MP4"),
        ("bob", "one.tar.gz"),
        ("bob", "two.zip"),
    ]
    ignored = [str(path.relative_to(people)) for path in inventory.ignored]
    assert ignored == ["README.md", "bob/empty", "bob/notes.txt"]


def test_a_second_run_sends_only_what_failed_and_under_a_new_key(
    scripted_service: Any, reply: Any, people: Path, tmp_path: Path
) -> None:
    """A refused key would be answered with the same refusal for ever, so a retry needs another."""
    report_path = tmp_path / "report.jsonl"
    scripted_service.replies += [reply(201, _enrolled(f"w{number}")) for number in range(3)]
    scripted_service.replies.insert(2, reply(422, REFUSED, content_type="application/problem+json"))
    assert _run(scripted_service, people, report_path) == (3, 1)
    failed = [json.loads(row) for row in report_path.read_text().splitlines()][2]
    assert (failed["subject"], failed["walk"], failed["outcome"]) == ("bob", "one.tar.gz", "failed")
    assert failed["problem"]["detail"] == "Only 3 frames."

    scripted_service.replies.append(reply(201, _enrolled("w9")))
    assert _run(scripted_service, people, report_path) == (1, 0)
    assert len(set(_keys(scripted_service))) == len(scripted_service.heard) == 5
    assert _run(scripted_service, people, report_path) == (0, 0)


def test_a_run_that_died_before_writing_its_line_sends_the_same_key_again(
    scripted_service: Any, reply: Any, people: Path, tmp_path: Path
) -> None:
    """The service then answers with what it did the first time instead of enrolling twice."""
    report_path = tmp_path / "report.jsonl"
    scripted_service.replies += [reply(201, _enrolled("w"))] * 4
    _run(scripted_service, people, report_path)
    rows = report_path.read_text().splitlines(keepends=True)
    report_path.write_text("".join(rows[:3]) + rows[3][:40])  # torn in the middle of a line
    scripted_service.replies.append(reply(201, _enrolled("w")))
    assert _run(scripted_service, people, report_path) == (1, 0)
    assert _keys(scripted_service)[4] == _keys(scripted_service)[3]
    assert json.loads(report_path.read_text().splitlines()[-1])["walk"] == "two.zip"


def test_a_recording_that_was_replaced_is_a_new_walk(
    scripted_service: Any, reply: Any, people: Path, tmp_path: Path
) -> None:
    report_path = tmp_path / "report.jsonl"
    scripted_service.replies += [reply(201, _enrolled("w"))] * 5
    _run(scripted_service, people, report_path)
    (people / "bob" / "two.zip").write_bytes(b"PK, but longer")
    assert _run(scripted_service, people, report_path) == (1, 0)
    assert len(set(_keys(scripted_service))) == 5


def test_what_is_enrolled_in_one_gallery_is_not_in_another(
    scripted_service: Any, reply: Any, people: Path, tmp_path: Path
) -> None:
    report_path = tmp_path / "report.jsonl"
    scripted_service.replies += [reply(201, _enrolled("w"))] * 4
    _run(scripted_service, people, report_path)
    with Report(report_path) as report:
        walks = take_inventory(people).walks
        assert (len(walks_due(walks, report, "office")), len(walks_due(walks, report, "home"))) == (
            0,
            4,
        )


def test_when_the_service_is_gone_the_run_ends_instead_of_failing_every_walk(
    scripted_service: Any, reply: Any, people: Path, tmp_path: Path
) -> None:
    report_path = tmp_path / "report.jsonl"
    scripted_service.replies += [reply(201, _enrolled("w"))] + [reply(None)] * 40
    with pytest.raises(ServiceUnreachable):
        _run(scripted_service, people, report_path)
    rows = [json.loads(row) for row in report_path.read_text().splitlines()]
    assert [row["outcome"] for row in rows] == ["enrolled"]


def test_a_file_that_cannot_be_read_fails_alone(
    scripted_service: Any, reply: Any, people: Path, tmp_path: Path
) -> None:
    walks = take_inventory(people).walks
    scripted_service.replies += [reply(201, _enrolled("w"))] * 3
    with (
        Report(tmp_path / "report.jsonl") as report,
        Client(scripted_service.url, retries=QUICK) as client,
    ):
        due = walks_due(walks, report, "office")
        (people / "ada" / "monday.MP4").unlink()
        result = enroll_walks(client, due, report, gallery="office", requests_at_once=2)
    assert (result.enrolled, result.failed) == (3, 1)


def test_two_runs_cannot_write_one_report(tmp_path: Path) -> None:
    with Report(tmp_path / "report.jsonl"), pytest.raises(ReportInUse):
        Report(tmp_path / "report.jsonl").__enter__()
