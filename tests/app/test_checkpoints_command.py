"""`walkprint checkpoints`, against a service whose answers are written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.commands import output
from tests.app.command import runner
from tests.app.conftest import Reply, ScriptedService

NEW, OLD, GONE = "lres-new", "lres-old", "lres-gone"
ROW = {
    "id": NEW,
    "active": False,
    "here": True,
    "installed_at": "2026-01-01T12:00:00Z",
    "walks_with_template": 0,
    "walks_without_template": 7,
    "about": {},
}
PROGRESS = {
    "checkpoint": NEW,
    "state": "running",
    "done": 3,
    "refused": 0,
    "total": 7,
    "problem": None,
}
LOST = {
    "type": "/problems/walks-would-be-lost",
    "title": "Some walks cannot be embedded by this checkpoint",
    "status": 409,
    "detail": "2 stored walks cannot be embedded.",
    "advice": "Record those people again.",
}


def test_the_list_says_what_serves_and_what_lacks(
    scripted_service: ScriptedService, capsys: pytest.CaptureFixture[str]
) -> None:
    old = ROW | {"id": OLD, "active": True, "walks_with_template": 7}
    gone = ROW | {"id": GONE, "here": False}
    scripted_service.replies.append(Reply(200, {"checkpoints": [old, ROW, gone]}))

    said = runner(capsys)("checkpoints", "list", "--url", scripted_service.url)

    assert said.code == 0
    lines = {line.split()[1]: line for line in said.out.splitlines() if "lres" in line}
    assert lines.keys() == {OLD, NEW, GONE}
    assert "serves" in lines[OLD]
    assert "missing" in lines[GONE]


def test_an_id_is_listed_whole_so_that_it_can_be_copied(
    scripted_service: ScriptedService,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a terminal of 80 columns; the other columns are folded for it."""
    monkeypatch.setattr(output.answers, "width", 80)
    shipped = "l-resnet50-64x44-0123abcd"
    scripted_service.replies.append(Reply(200, {"checkpoints": [ROW | {"id": shipped}]}))
    said = runner(capsys)("checkpoints", "list", "--url", scripted_service.url)
    assert shipped in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_an_activation_is_followed_to_its_end(
    scripted_service: ScriptedService, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted_service.replies += [
        Reply(202, {"checkpoint": NEW, "state": "embedding"}),
        Reply(200, PROGRESS),
        Reply(200, PROGRESS | {"state": "complete", "done": 7}),
    ]
    words = ("checkpoints", "activate", NEW, "--wait", "--accept-loss")

    said = runner(capsys)(*words, "--url", scripted_service.url)

    assert said.code == 0
    assert "7 of 7" in said.out
    asked = scripted_service.heard[0]
    assert (asked.method, asked.path) == (
        "POST",
        f"/checkpoints/{NEW}/activate?accept_loss=true",
    )
    assert asked.headers["Idempotency-Key"]


def test_one_that_ended_without_taking_over_ends_with_an_error_and_the_reason(
    scripted_service: ScriptedService, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = PROGRESS | {"state": "complete", "done": 7, "refused": 2, "problem": LOST}
    scripted_service.replies.append(Reply(200, ended))

    said = runner(capsys)("checkpoints", "status", NEW, "--url", scripted_service.url)

    assert said.code == 1
    assert "2 stored walks cannot be embedded." in said.err
    assert "Record those people again." in said.err


def test_a_file_is_sent_and_its_id_told(
    scripted_service: ScriptedService, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "office.safetensors"
    file.write_bytes(b"some weights")
    scripted_service.replies.append(Reply(201, ROW))

    said = runner(capsys)("checkpoints", "install", file, "--url", scripted_service.url)

    assert said.code == 0
    assert NEW in said.err
    assert b"some weights" in scripted_service.heard[0].body


def test_a_file_that_is_not_there_is_named(
    scripted_service: ScriptedService, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = tmp_path / "nothing.safetensors"

    said = runner(capsys)("checkpoints", "install", missing, "--url", scripted_service.url)

    assert said.code == 1
    assert "nothing.safetensors" in said.err.replace("\n", "")  # a narrow terminal wraps it
    assert scripted_service.heard == []
