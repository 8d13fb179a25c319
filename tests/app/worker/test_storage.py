"""Uploads in a private folder, in a shared folder and in a bucket: the same promises."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.outages import StorageAway
from app.worker.storage import RecordingLost, UploadStorage
from app.worker.storage.bucket import PART_BYTES
from tests.app.worker.storages import Place, bucket, private_folder, shared_folder, stored
from tests.decoders import wait_until

_NO_TIME = timedelta(0)


@pytest.fixture(params=["private", "shared", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Each of the three; the test runs once on each."""
    if request.param == "private":
        yield private_folder(tmp_path / "uploads")
    elif request.param == "shared":
        yield shared_folder(tmp_path / "uploads")
    else:
        yield from bucket(request.getfixturevalue("bucket_server"), tmp_path)


@pytest.fixture(params=["shared", "bucket"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Each that machines share; the test runs once on each."""
    if request.param == "shared":
        yield shared_folder(tmp_path / "uploads")
    else:
        yield from bucket(request.getfixturevalue("bucket_server"), tmp_path)


def test_an_upload_is_what_was_written(place: Place) -> None:
    upload = place.open().begin()
    upload.write(b"PK\x03")
    upload.write(memoryview(b"\x04 and the rest of it, longer than the head"))
    upload.close()
    upload.wait_stored()

    content = b"PK\x03\x04 and the rest of it, longer than the head"
    with place.opened[0].fetched([upload.name]) as (path,):
        assert path.read_bytes() == content
    assert upload.size == len(content)
    assert upload.head == content[:16]
    assert upload.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [0, 1, PART_BYTES - 1, PART_BYTES, 2 * PART_BYTES + 12_345])
def test_an_upload_of_any_size_is_read_elsewhere_as_it_was_written(place: Place, size: int) -> None:
    content = os.urandom(size)
    upload = stored(place.open("api"), content)

    with place.open("worker").fetched([upload.name]) as (path,):
        assert path.read_bytes() == content


def test_frames_come_in_the_order_in_which_they_are_asked_for(place: Place) -> None:
    storage = place.open()
    frames = [stored(storage, f"frame {number}".encode()) for number in range(40)]
    backwards = frames[::-1]

    with storage.fetched([frame.name for frame in backwards]) as paths:
        assert [path.read_text() for path in paths] == [f"frame {n}" for n in range(39, -1, -1)]


def test_uploads_are_for_the_service_alone(place: Place) -> None:
    storage = place.open()
    upload = stored(storage, b"a walk")

    with storage.fetched([upload.name]) as (path,):
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0


def test_of_what_was_fetched_no_copy_stays(place: Place, tmp_path: Path) -> None:
    storage = place.open()
    upload = stored(storage, b"pixels of a person")
    with storage.fetched([upload.name]):
        pass

    storage.discard([upload.name])

    assert place.there() == []
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size] == []


def test_an_upload_that_breaks_off_leaves_nothing(place: Place) -> None:
    for size in (10, 2 * PART_BYTES + 5):
        upload = place.open().begin()
        upload.write(os.urandom(size))
        upload.discard()

    wait_until(lambda: (place.there(), place.halves()) == ([], []), "nothing left")


def test_an_upload_that_is_dropped_when_it_is_complete_leaves_nothing(place: Place) -> None:
    upload = stored(place.open(), os.urandom(PART_BYTES + 1))
    upload.discard()

    wait_until(lambda: (place.there(), place.halves()) == ([], []), "nothing left")


def test_discarding_twice_is_no_error(place: Place) -> None:
    storage = place.open()
    upload = storage.begin()
    upload.discard()
    upload.discard()

    assert storage.discard([upload.name])
    assert place.there() == []


def test_a_recording_that_is_gone_is_said_to_be_lost(place: Place) -> None:
    storage = place.open()
    here, gone = stored(storage, b"one"), stored(storage, b"other")
    storage.discard([gone.name])

    with pytest.raises(RecordingLost), storage.fetched([here.name, gone.name]):
        pass


def test_a_process_removes_of_its_own_what_no_job_needs(place: Place) -> None:
    storage = place.open()
    needed, unneeded, coming = (stored(storage, b"a walk") for _ in range(3))
    storage.hand_over([needed.name, unneeded.name])

    storage.remove_unneeded(lambda: {needed.name})

    assert sorted(place.there()) == sorted([needed.name, coming.name])


def test_a_process_leaves_its_own_half_received_uploads_alone(place: Place) -> None:
    storage, content = place.open(), os.urandom(2 * PART_BYTES)
    upload = storage.begin()
    upload.write(content[:PART_BYTES])
    if place.kind == "bucket":
        wait_until(lambda: place.halves() == [upload.name], "the first part sent")

    storage.remove_unneeded(set)
    upload.write(content[PART_BYTES:])
    upload.close()
    upload.wait_stored()

    with storage.fetched([upload.name]) as (path,):
        assert path.read_bytes() == content


def test_what_a_dead_neighbour_left_goes_but_for_what_jobs_still_need(place: Place) -> None:
    theirs = place.open("dead")
    needed, _left, half = stored(theirs, b"needed"), stored(theirs, b"left"), theirs.begin()
    half.write(os.urandom(PART_BYTES + 1))
    if place.kind == "bucket":
        wait_until(lambda: place.halves() == [half.name], "the first part sent")
    mine = place.open("me")

    mine.tidy("dead", {needed.name})
    assert (place.there(), place.halves()) == ([needed.name], [])

    mine.discard([needed.name])
    mine.tidy("dead", set())
    assert place.there() == []
    half.discard()


def test_who_leaves_takes_everything_along_but_what_jobs_still_need(place: Place) -> None:
    storage = place.open()
    needed, _left = stored(storage, b"needed"), stored(storage, b"left")

    place.opened.remove(storage)
    storage.close({needed.name})

    assert place.there() == [needed.name]


def test_what_a_silent_process_elsewhere_left_goes_but_for_what_jobs_still_need(
    shared: Place,
) -> None:
    theirs = shared.open("elsewhere")
    needed, _left, half = stored(theirs, b"needed"), stored(theirs, b"left"), theirs.begin()
    half.write(os.urandom(PART_BYTES + 1))
    if shared.kind == "bucket":
        wait_until(lambda: shared.halves() == [half.name], "the first part sent")
    mine = shared.open("me", grace=_NO_TIME)
    wait_for_the_clock(shared, mine)

    removed = mine.remove_orphans(lambda: {needed.name})

    assert removed == 2
    assert (shared.there(), shared.halves()) == ([needed.name], [])
    half.discard()


def test_a_living_process_elsewhere_is_left_its_uploads_however_old(shared: Place) -> None:
    theirs = shared.open("elsewhere")
    complete, half = stored(theirs, b"a walk"), theirs.begin()
    content = os.urandom(PART_BYTES + 1)
    half.write(content)
    mine = shared.open("me", grace=_NO_TIME)
    wait_for_the_clock(shared, mine)
    mine = shared.open("me", grace=timedelta(minutes=30))

    assert mine.remove_orphans(set) == 0
    half.close()
    half.wait_stored()

    with mine.fetched([complete.name, half.name]) as (first, second):
        assert (first.read_bytes(), second.read_bytes()) == (b"a walk", content)


def test_what_nobody_signed_for_stays_until_it_is_old(shared: Place) -> None:
    """An instance of an older version, or one that had no time yet to give a sign."""
    theirs = shared.open("unsigned")
    upload = stored(theirs, b"a walk")
    mine = shared.open("me")
    mine._shelf.take_sign(["unsigned"])

    assert mine.remove_orphans(set) == 0
    assert shared.there() == [upload.name]


def test_uploads_of_a_process_that_was_taken_for_dead_become_no_jobs(shared: Place) -> None:
    mine = shared.open("me", grace=_NO_TIME)
    upload = stored(mine, b"a walk")

    with pytest.raises(StorageAway):
        mine.vouch([upload.name])
    mine.give_sign()  # heard again: but what was received before may be gone
    with pytest.raises(StorageAway):
        mine.vouch([upload.name])


def test_uploads_of_a_process_that_is_heard_of_become_jobs(place: Place) -> None:
    mine = place.open("me")

    mine.vouch([stored(mine, b"a walk").name])


def wait_for_the_clock(place: Place, storage: UploadStorage) -> None:
    """S3 counts whole seconds: until what lies there is older than a new sign of life."""
    newest = max(item.changed_at for item in storage._shelf.stock().items)

    def is_later() -> bool:
        storage.give_sign()
        return storage._shelf.stock().signs["me"] > newest

    wait_until(is_later, f"a later second in the {place.kind}")
