"""The whole service with its uploads in a bucket that speaks S3."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.client import Client
from app.demo.service_process import ServiceProcess
from app.settings import Settings
from tests.buckets import ENVIRONMENT, BucketServer, Cable
from tests.live_service import LiveService, live_service
from tests.walks import walk_pictures, walk_zip

_PATIENCE_SECONDS = 90.0
_ASYNC = {"Prefer": "respond-async"}
_MIB = 2**20


@dataclass
class Setting:
    """A service and its bucket.

    Attributes:
        service: it runs here.
        server: holds the bucket.
        bucket: its name.
        cable: between the two.
    """

    service: LiveService
    server: BucketServer
    bucket: str
    cable: Cable

    @property
    def left(self) -> list[str]:
        """What lies in the bucket."""
        return [*self.server.keys(self.bucket), *self.server.halves(self.bucket)]


@pytest.fixture
def on_bucket(bucket_server: BucketServer, tmp_path: Path) -> Iterator[Setting]:
    """A service in this process."""
    bucket, cable = bucket_server.new_bucket(), Cable(bucket_server.endpoint)
    settings = Settings(
        data=tmp_path / "data",
        device="cpu",
        workers=1,
        storage=f"s3://{bucket}/gait",
        storage_endpoint=cable.endpoint,
    )
    with live_service(settings) as service:
        yield Setting(service, bucket_server, bucket, cable)
    cable.pull_out()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def enrol(http: httpx.Client, subject: str, **headers: str) -> httpx.Response:
    return http.post(
        "/enroll", data={"subject": subject}, files={"walk": walk_zip(1)}, headers=headers
    )


def test_people_are_enrolled_and_recognised_and_nothing_stays(on_bucket: Setting) -> None:
    http = on_bucket.service.http
    frames = [("walk", (f"{n:03d}.png", png)) for n, png in enumerate(walk_pictures(1, walk=2))]

    enrol(http, "ada").raise_for_status()
    as_archive = http.post("/identify", files={"walk": walk_zip(1, walk=2)})
    as_frames = http.post("/identify", files=frames)

    for answer in (as_archive, as_frames):
        assert answer.status_code == 200, answer.text
        assert answer.json()["candidates"][0]["subject"] == "ada"
    assert on_bucket.left == []
    assert on_bucket.service.stored_uploads == []


def test_what_is_refused_leaves_nothing(on_bucket: Setting) -> None:
    http = on_bucket.service.http

    refused = http.post("/identify", files={"walk": b"no recording"})
    unknown_field = http.post("/identify", data={"wrong": "1"}, files={"walk": walk_zip(1)})

    assert (refused.status_code, unknown_field.status_code) == (422, 422)
    wait_for(lambda: on_bucket.left == [], "nothing left")


def test_a_bucket_that_is_away_is_said_to_be_and_waited_for(on_bucket: Setting) -> None:
    http = on_bucket.service.http
    enrol(http, "before").raise_for_status()
    on_bucket.cable.pull_out()

    refused = [enrol(http, "meanwhile"), http.post("/identify", files={"walk": walk_zip(1)})]
    read = http.get("/subjects/before")
    on_bucket.cable.plug_in()
    after = enrol(http, "after")

    for answer in refused:
        assert answer.status_code == 503, answer.text
        assert answer.json()["type"] == "/problems/storage-away"
        assert int(answer.headers["retry-after"]) > 0
        assert "127.0.0.1" not in answer.text
    assert read.status_code == 200
    assert after.status_code == 201, after.text
    assert http.get("/subjects/meanwhile").status_code == 404
    wait_for(lambda: on_bucket.left == [], "nothing left")


def test_jobs_that_were_accepted_before_an_outage_are_done_after_it(on_bucket: Setting) -> None:
    http = on_bucket.service.http
    jobs = [enrol(http, f"job-{n}", **_ASYNC).json()["id"] for n in range(12)]
    on_bucket.cable.pull_out()
    time.sleep(3.0)  # longer than each of them would have taken
    unfinished = [http.get(f"/jobs/{job}").json()["state"] != "succeeded" for job in jobs]
    on_bucket.cable.plug_in()

    with Client(on_bucket.service.url) as client:
        ends = [client.wait_for_job(job, timeout_seconds=_PATIENCE_SECONDS) for job in jobs]

    assert any(unfinished)
    assert [end.state for end in ends] == ["succeeded"] * len(jobs)
    wait_for(lambda: on_bucket.left == [], "nothing left")


def test_an_erasure_takes_recordings_that_still_wait_out_of_the_bucket(on_bucket: Setting) -> None:
    http = on_bucket.service.http
    enrol(http, "ada").raise_for_status()
    for _ in range(6):
        enrol(http, "ada", **_ASYNC).raise_for_status()

    erased = http.delete("/subjects/ada")

    assert erased.status_code == 200, erased.text
    wait_for(lambda: http.get("/jobs").json() == {"queued": 0, "running": 0}, "idle")
    wait_for(lambda: on_bucket.left == [], "nothing left")


def test_an_erasure_is_not_acknowledged_while_recordings_cannot_be_removed(
    on_bucket: Setting,
) -> None:
    http = on_bucket.service.http
    enrol(http, "ada").raise_for_status()
    for _ in range(12):
        enrol(http, "ada", **_ASYNC).raise_for_status()
    on_bucket.cable.pull_out()

    erased = http.delete("/subjects/ada")
    on_bucket.cable.plug_in()

    assert erased.status_code == 503, erased.text
    assert "as soon as their storage answers" in erased.json()["detail"]
    assert http.get("/subjects/ada").status_code == 404
    wait_for(lambda: on_bucket.left == [], "nothing left")


def machine(folder: Path, server: BucketServer, bucket: str, **more: str) -> ServiceProcess:
    """A service with a data folder of its own, over a database and a bucket for all."""
    shared = folder.parent
    return ServiceProcess(
        folder,
        environment={
            **ENVIRONMENT,
            "OMP_NUM_THREADS": "1",
            "WALKPRINT_DEVICE": "cpu",
            "WALKPRINT_WORKERS": "1",
            "WALKPRINT_LEASE_SECONDS": "4",
            "WALKPRINT_DATABASE_URL": f"sqlite:///{shared / 'walkprint.db'}",
            "WALKPRINT_SIGNING_KEY": str(shared / "signing.key"),
            "WALKPRINT_STORAGE": f"s3://{bucket}/gait",
            "WALKPRINT_STORAGE_ENDPOINT": server.endpoint,
            **more,
        },
    )


def test_another_machine_does_the_job_of_one_that_died(
    bucket_server: BucketServer, tmp_path: Path
) -> None:
    """It shares the database and the bucket with it, and no folder."""
    bucket = bucket_server.new_bucket()
    with machine(tmp_path / "dies", bucket_server, bucket, WALKPRINT_FAILPOINT="mid-job") as dies:
        # It may die before it can say that it has accepted the job.
        with (
            httpx.Client(base_url=dies.url, timeout=60.0) as http,
            suppress(httpx.TransportError),
        ):
            enrol(http, "ada", **_ASYNC).raise_for_status()
        dies.wait()
    assert len(bucket_server.keys(bucket)) == 1

    with (
        machine(tmp_path / "lives", bucket_server, bucket) as lives,
        httpx.Client(base_url=lives.url) as http,
    ):
        wait_for(lambda: http.get("/subjects/ada").status_code == 200, "enrolled by the other")
        wait_for(lambda: bucket_server.keys(bucket) == [], "nothing left")


def test_a_machine_that_dies_in_the_middle_of_an_upload_tidies_up_when_it_is_back(
    bucket_server: BucketServer, tmp_path: Path
) -> None:
    bucket = bucket_server.new_bucket()
    upload = b"PK\x03\x04" + bytes(40 * _MIB)
    with machine(
        tmp_path / "data", bucket_server, bucket, WALKPRINT_FAILPOINT="mid-upload"
    ) as dies:
        with (
            httpx.Client(base_url=dies.url, timeout=60.0) as http,
            pytest.raises(httpx.TransportError),
        ):
            http.post("/identify", files={"walk": upload})
        dies.wait()
    assert len(bucket_server.halves(bucket)) == 1

    with machine(tmp_path / "data", bucket_server, bucket):
        wait_for(lambda: bucket_server.halves(bucket) == [], "nothing left")

    assert bucket_server.keys(bucket) == []


def test_two_hundred_megabytes_pass_through_without_filling_the_memory(
    bucket_server: BucketServer, tmp_path: Path
) -> None:
    """In and out again: it is only the decoder that finds it is no recording."""
    bucket = bucket_server.new_bucket()
    upload = tmp_path / "walk.zip"
    with upload.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(199 * _MIB)
    with machine(tmp_path / "data", bucket_server, bucket) as service:
        with httpx.Client(base_url=service.url, timeout=300.0) as http:
            enrol(http, "warm-up").raise_for_status()
            before = peak_bytes(service.pid)
            with upload.open("rb") as file:
                answer = http.post("/identify", files={"walk": file})
        grown = peak_bytes(service.pid) - before

    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "/problems/media-not-readable"
    assert grown < 64 * _MIB
    assert bucket_server.keys(bucket) == []


def peak_bytes(process: int) -> int:
    """The most memory that a process has held."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
