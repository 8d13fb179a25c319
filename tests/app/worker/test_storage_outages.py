"""A storage that is away, missing or closed is an outage: said so, waited for, never a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.outages import StorageAway
from app.registry import Job
from app.worker.outcomes import Json
from app.worker.storage import FolderShelf, UploadStorage
from app.worker.storage.bucket import PART_BYTES, Bucket
from app.worker.storage.bucket_shelf import BucketShelf
from tests import buckets
from tests.app.worker.conftest import Process
from tests.app.worker.storages import stored
from tests.buckets import BucketServer, Cable
from tests.decoders import wait_until


@pytest.fixture(scope="module")
def closed_server() -> Iterator[BucketServer]:
    """A server that lets the test make one bucket, and nobody in after that."""
    with buckets.bucket_server(INITIAL_NO_AUTH_ACTION_COUNT="1") as server:
        yield server


@pytest.fixture
def cable(bucket_server: BucketServer) -> Iterator[Cable]:
    """A connection to the S3 server that the test may pull out."""
    cable = Cable(bucket_server.endpoint)
    yield cable
    cable.pull_out()


def bucket_storage(name: str, endpoint: str, folder: Path, instance: str = "me") -> UploadStorage:
    return UploadStorage(BucketShelf(Bucket(name, "", endpoint), folder), instance)


def assert_away(storage: UploadStorage, says: str) -> None:
    """Every way to use a storage says so; a removal is made later."""
    upload = storage.begin()
    upload.write(b"a walk")
    upload.close()
    for use in (
        upload.wait_stored,
        storage.give_sign,
        lambda: storage.fetched([upload.name]).__enter__(),
        lambda: storage.remove_unneeded(set),
        lambda: storage.remove_orphans(set),
        lambda: storage.tidy("other", set()),
        lambda: storage.vouch([upload.name]),
    ):
        with pytest.raises(StorageAway) as caught:
            use()
        assert use is not upload.wait_stored or says in str(caught.value.detail)
        assert "127.0.0.1" not in str(caught.value.detail)
    assert not storage.discard([upload.name])
    upload.discard()
    storage.close(set())


def test_a_bucket_that_does_not_exist(bucket_server: BucketServer, tmp_path: Path) -> None:
    assert_away(bucket_storage("no-such", bucket_server.endpoint, tmp_path), "does not exist")


def test_a_bucket_that_lets_nobody_in(
    bucket_server: BucketServer, closed_server: BucketServer, tmp_path: Path
) -> None:
    assert bucket_server  # sets the credentials, which are unknown to the other
    name = closed_server.new_bucket()

    assert_away(bucket_storage(name, closed_server.endpoint, tmp_path), "let the service in")


def test_a_bucket_without_credentials(
    bucket_server: BucketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    name = bucket_server.new_bucket()

    assert_away(bucket_storage(name, bucket_server.endpoint, tmp_path), "no credentials")


def test_a_bucket_whose_server_is_away(cable: Cable, tmp_path: Path) -> None:
    cable.pull_out()

    assert_away(bucket_storage("uploads", cable.endpoint, tmp_path), "does not answer")


def test_a_shared_folder_that_is_not_mounted(tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path / "mnt", is_shared=True)
    storage = UploadStorage(shelf, "me")

    for use in (storage.begin, storage.give_sign, lambda: storage.remove_orphans(set)):
        with pytest.raises(StorageAway):
            use()
    assert not (tmp_path / "mnt").exists()


def test_an_empty_folder_where_the_shared_one_was_is_no_lost_recording(tmp_path: Path) -> None:
    """A mount point without its file server is an empty folder."""
    root, aside = tmp_path / "mnt", tmp_path / "aside"
    root.mkdir()
    storage = UploadStorage(FolderShelf(root, is_shared=True), "me")
    storage.give_sign()
    upload = stored(storage, b"a walk")
    root.rename(aside)
    root.mkdir()

    with pytest.raises(StorageAway), storage.fetched([upload.name]):
        pass
    assert not storage.discard([upload.name])
    root.rmdir()
    aside.rename(root)

    with storage.fetched([upload.name]) as (path,):
        assert path.read_bytes() == b"a walk"


def test_an_upload_notices_in_the_middle_that_the_server_is_gone(
    bucket_server: BucketServer, cable: Cable, tmp_path: Path
) -> None:
    """The client is told then, and need not send the other 190 MB."""
    name = bucket_server.new_bucket()
    storage = bucket_storage(name, cable.endpoint, tmp_path)
    upload = storage.begin()
    upload.write(os.urandom(PART_BYTES))
    wait_until(lambda: bucket_server.halves(name) == [upload.name], "the first part sent")
    cable.pull_out()

    def is_refused() -> bool:
        try:
            upload.write(os.urandom(PART_BYTES))
        except StorageAway:
            return True
        return False

    wait_until(is_refused, "refused")
    upload.discard()
    cable.plug_in()

    def is_tidy() -> bool:
        storage.remove_unneeded(set)
        return bucket_server.halves(name) == []

    wait_until(is_tidy, "nothing left")
    storage.close(set())


def test_a_removal_that_met_an_outage_is_made_up_for(
    bucket_server: BucketServer, cable: Cable, tmp_path: Path
) -> None:
    name = bucket_server.new_bucket()
    storage = bucket_storage(name, cable.endpoint, tmp_path)
    upload = stored(storage, b"a walk")
    storage.hand_over([upload.name])
    cable.pull_out()
    assert not storage.discard([upload.name])
    assert bucket_server.keys(name) == [upload.name]

    cable.plug_in()
    storage.remove_unneeded(set)

    assert bucket_server.keys(name) == []
    storage.close(set())


def test_a_bucket_that_keeps_versions_is_complained_of(
    bucket_server: BucketServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is erased there is not."""
    name = bucket_server.new_bucket()
    bucket_server.client.put_bucket_versioning(
        Bucket=name, VersioningConfiguration={"Status": "Enabled"}
    )
    storage = bucket_storage(name, bucket_server.endpoint, tmp_path)

    storage.give_sign()
    storage.give_sign()
    storage.close(set())

    assert capsys.readouterr().out.count("keeps old versions") == 1


def test_who_uses_a_folder_loads_nothing_of_s3(tmp_path: Path) -> None:
    """An API process of 150 MB has no room for what it does not use."""
    program = (
        "import sys; import app.main; from app.settings import Settings;"
        "from app.worker.storage import open_storage;"
        "open_storage(Settings(data=sys.argv[1]), 'me');"
        "print([m for m in ('s3fs', 'botocore', 'aiobotocore') if m in sys.modules])"
    )
    said = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "[]"


def test_a_job_whose_recording_cannot_be_fetched_waits_and_is_done_later(
    start: Callable[[], Process], bucket_server: BucketServer, cable: Cable, tmp_path: Path
) -> None:
    process = start()
    name = bucket_server.new_bucket()
    storage = bucket_storage(name, cable.endpoint, tmp_path / "rooms", process.instance.id)
    process = replace(process, storage=storage)
    read: list[bytes] = []

    def work(job: Job, _waited_ms: float) -> Json:
        with storage.fetched(job.uploads[0]) as (path,):
            read.append(path.read_bytes())
        process.registry.jobs.finish(job.id, job.attempt, {})
        return {}

    job = process.accept()
    cable.pull_out()
    process.work(work)
    process.queue.put(job)
    wait_until(lambda: process.queue.depth == 0, "met the outage")
    process.threads.return_stranded()
    waiting = process.registry.jobs.get(job.id)
    cable.plug_in()
    process.queue.put(waiting)
    wait_until(lambda: process.registry.jobs.get(job.id).finished, "done")
    process.stop()

    assert (waiting.state, waiting.crashes) == ("queued", 0)
    assert read == [b"a walk"]
    storage.close(set())
