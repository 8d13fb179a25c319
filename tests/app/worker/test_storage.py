"""Uploads on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

from app.worker.storage import UploadStorage


def test_an_upload_is_what_was_written(tmp_path: Path) -> None:
    upload = UploadStorage(tmp_path, "me").begin()
    upload.write(b"PK\x03")
    upload.write(memoryview(b"\x04 and the rest of it, longer than the head"))
    upload.close()

    content = b"PK\x03\x04 and the rest of it, longer than the head"
    assert (tmp_path / upload.name).read_bytes() == content
    assert upload.size == len(content)
    assert upload.head == content[:16]
    assert upload.sha256 == hashlib.sha256(content).hexdigest()


def test_uploads_are_for_the_service_alone(tmp_path: Path) -> None:
    upload = UploadStorage(tmp_path, "me").begin()
    upload.close()

    assert (tmp_path / upload.name).stat().st_mode & 0o077 == 0


def test_what_a_dead_instance_left_goes_but_for_what_jobs_still_need(tmp_path: Path) -> None:
    theirs = UploadStorage(tmp_path, "dead")
    needed, left = theirs.begin(), theirs.begin()
    for upload in (needed, left):
        upload.close()
    mine = UploadStorage(tmp_path, "me")

    mine.tidy("dead", {needed.name})
    assert [path.name for path in (tmp_path / "dead").iterdir()] == [needed.name.split("/")[1]]

    mine.discard([needed.name])
    mine.tidy("dead", set())
    assert mine.folders() == ["me"]


def test_discarding_twice_is_no_error(tmp_path: Path) -> None:
    storage = UploadStorage(tmp_path, "me")
    upload = storage.begin()
    upload.discard()
    upload.discard()
    storage.discard([upload.name])

    assert list((tmp_path / "me").iterdir()) == []
