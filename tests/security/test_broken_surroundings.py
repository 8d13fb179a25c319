"""Disk full, database gone, read-only or out of connections: clear answers, nothing lost, and on
it goes without a restart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from app.client import Client
from app.demo.service_process import ServiceProcess
from app.settings import Settings
from tests.live_service import LiveService, live_service
from tests.security.surroundings import SECRET, fill, small_disk, url_of_role
from tests.servers import PostgresServer, postgres_server, run_sql
from tests.walks import walk_zip

_PATIENCE_SECONDS = 90.0
_JOBS = 6
_ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(scope="module")
def fragile() -> Iterator[PostgresServer]:
    """A PostgreSQL that tests may stop."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Iterator[LiveService]:
    """A service whose whole data folder lies on a disk of 48 MiB."""
    with small_disk(tmp_path / "disk", size_mib=48) as disk:
        settings = Settings(data=disk / "data", device="cpu", workers=1, lease_seconds=6.0)
        with live_service(settings) as service:
            yield service


def enrol(http: httpx.Client, subject: str, **headers: str) -> httpx.Response:
    return http.post(
        "/enroll", data={"subject": subject}, files={"walk": walk_zip(1)}, headers=headers
    )


def assert_outage(answer: httpx.Response, *slugs: str) -> None:
    """A problem document that says when to come back and nothing of the inside."""
    document = answer.json()
    assert answer.status_code == 503, document
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["type"].removeprefix("/problems/") in slugs, document
    assert int(answer.headers["retry-after"]) > 0
    for inside in (SECRET, "Traceback", "psycopg", "sqlite3", "sqlalchemy"):
        assert inside not in answer.text


def wait_for_jobs(url: str, jobs: list[str]) -> list[str]:
    with Client(url) as client:
        return [client.wait_for_job(job, timeout_seconds=_PATIENCE_SECONDS).state for job in jobs]


def subjects_of(http: httpx.Client) -> set[str]:
    return {row["subject"] for row in http.get("/subjects").raise_for_status().json()["subjects"]}


def wait_until_idle(http: httpx.Client) -> None:
    """Until no accepted job is left; an answer that there is no connection is waited out too."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while http.get("/jobs").json() != {"queued": 0, "running": 0}:
        assert time.monotonic() < deadline, "jobs do not end"
        time.sleep(0.05)


def wait_for_status(http: httpx.Client, path: str, status: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while http.get(path).status_code != status:
        assert time.monotonic() < deadline, f"{path} does not come to answer {status}"
        time.sleep(0.05)


def test_a_full_disk_refuses_what_it_cannot_keep_and_goes_on_when_there_is_room(
    on_small_disk: LiveService,
) -> None:
    service, disk = on_small_disk, on_small_disk.settings.data.parent
    enrol(service.http, "before").raise_for_status()
    accepted = [enrol(service.http, f"job-{n}", **_ASYNC).json()["id"] for n in range(_JOBS)]
    ballast = fill(disk)

    refused = [enrol(service.http, "too-late") for _ in range(3)]
    asked = service.http.post("/identify", files={"walk": walk_zip(1, walk=2)})
    seen = service.http.get("/subjects/before")
    ballast.unlink()
    after = enrol(service.http, "after")

    for answer in (*refused, asked):
        assert_outage(answer, "storage-full")
    assert seen.status_code == 200
    assert after.status_code == 201, after.text
    assert wait_for_jobs(service.url, accepted) == ["succeeded"] * _JOBS
    assert subjects_of(service.http) == {"before", "after", *(f"job-{n}" for n in range(_JOBS))}
    wait_until_empty(service)


def wait_until_empty(service: LiveService) -> None:
    """No upload outlives its job, also where a refusal came in between."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while service.stored_uploads:
        assert time.monotonic() < deadline, service.stored_uploads
        time.sleep(0.05)


def test_a_database_file_that_is_moved_away_takes_no_writes_into_nowhere(tmp_path: Path) -> None:
    """Otherwise open connections would go on with a file that nobody will ever read again."""
    settings = Settings(data=tmp_path / "data", device="cpu")
    database, aside = settings.data / "walkprint.db", settings.data / "aside.db"
    with live_service(settings) as service:
        enrol(service.http, "before").raise_for_status()

        database.rename(aside)
        assert_outage(enrol(service.http, "nowhere"), "storage-read-only")
        assert_outage(service.http.get("/subjects"), "storage-read-only")
        assert service.http.get("/readyz").status_code == 503
        assert not database.exists()
        aside.rename(database)

        enrol(service.http, "after").raise_for_status()
        assert subjects_of(service.http) == {"before", "after"}


def test_a_database_that_goes_away_and_comes_back_loses_nothing(
    tmp_path: Path, fragile: PostgresServer
) -> None:
    environment = {
        "WALKPRINT_DEVICE": "cpu",
        "WALKPRINT_DATABASE_URL": url_of_role(fragile),
        "WALKPRINT_LEASE_SECONDS": "6",
        "WALKPRINT_WORKERS": "1",
    }
    with (
        ServiceProcess(tmp_path, environment=environment) as service,
        httpx.Client(base_url=service.url, timeout=60.0) as http,
    ):
        enrol(http, "before").raise_for_status()
        accepted = [enrol(http, f"job-{n}", **_ASYNC).json()["id"] for n in range(_JOBS)]
        fragile.stop()
        try:
            refused = [
                enrol(http, "too-late"),
                enrol(http, "too-late", **_ASYNC),
                http.get("/subjects"),
                http.get("/subjects/before"),
                http.delete("/subjects/before"),
                http.post("/galleries", json={"name": "new"}),
                http.get("/jobs"),
            ]
            alive, ready = http.get("/livez"), http.get("/readyz")
        finally:
            fragile.start()
        wait_for_status(http, "/readyz", 200)
        after = enrol(http, "after")
        states = wait_for_jobs(service.url, accepted)
        known = subjects_of(http)
        log = service.log_path.read_text()

    for answer in refused:
        assert_outage(answer, "database-away")
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert after.status_code == 201, after.text
    assert states == ["succeeded"] * _JOBS
    assert known == {"before", "after", *(f"job-{n}" for n in range(_JOBS))}
    assert SECRET not in log
    assert "Traceback" not in log


def test_a_read_only_database_answers_what_only_reads(
    tmp_path: Path, fragile: PostgresServer
) -> None:
    url = url_of_role(fragile)
    name = make_url(url).database
    goes_read_only = f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'
    takes_writes = f'ALTER DATABASE "{name}" RESET default_transaction_read_only'
    # New connections go by the new setting; a failover ends the old ones too.
    ends_all = (
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - our own name
    )
    settings = Settings(data=tmp_path / "data", device="cpu", database_url=url)
    with live_service(settings) as service:
        enrol(service.http, "before").raise_for_status()

        run_sql(fragile.url, goes_read_only, ends_all)
        refused = [enrol(service.http, "too-late"), service.http.delete("/subjects/before")]
        seen = service.http.get("/subjects/before")
        run_sql(fragile.url, takes_writes, ends_all)
        after = enrol(service.http, "after")

        for answer in refused:
            assert_outage(answer, "storage-read-only")
        assert seen.status_code == 200
        assert after.status_code == 201, after.text
        assert subjects_of(service.http) == {"before", "after"}
        assert service.stored_uploads == []


def test_a_database_out_of_connections_costs_some_answers_and_no_enrolment(
    tmp_path: Path, fragile: PostgresServer
) -> None:
    callers = 24
    settings = Settings(
        data=tmp_path / "data",
        device="cpu",
        database_url=url_of_role(fragile, connections=3),
        lease_seconds=6.0,
    )
    with live_service(settings) as service:
        with ThreadPoolExecutor(callers) as pool:
            read = list(pool.map(lambda _: service.http.get("/subjects"), range(callers)))
            enrolled = list(pool.map(lambda n: enrol(service.http, f"s{n}"), range(callers)))

        for answer in (*read, *enrolled):
            if answer.status_code not in (200, 201, 202):
                assert_outage(answer, "database-away")
        accepted = {f"s{n}" for n in range(callers) if enrolled[n].status_code in (201, 202)}
        assert accepted
        wait_until_idle(service.http)
        assert accepted <= subjects_of(service.http)
        assert enrol(service.http, "after").status_code == 201


def test_a_start_without_its_database_says_so_in_one_sentence(tmp_path: Path) -> None:
    environment = {
        "WALKPRINT_DATABASE_URL": f"postgresql://walker:{SECRET}@127.0.0.1:9/nobody-listens"
    }
    service = ServiceProcess(tmp_path, environment=environment)
    with pytest.raises(Exception, match="did not start"), service:
        pass

    log = service.log_path.read_text()
    assert "The database cannot be reached." in log
    assert SECRET not in log
    assert "Traceback" not in log
