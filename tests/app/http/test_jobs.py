"""Jobs: asking without waiting, and asking twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.client import Client
from app.settings import Settings
from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService, live_service
from tests.walks import walk_zip

ADA, BOB = 1, 2


def test_a_caller_who_will_not_wait_gets_a_job(service: LiveService, gallery: str) -> None:
    response = service.http.post(
        "/enroll",
        data={"subject": "ada", "gallery": gallery},
        files={"walk": walk_zip(ADA)},
        headers={"Prefer": "wait=5, respond-async"},
    )
    with Client(service.url) as client:
        job = client.wait_for_job(response.json()["id"])

    assert response.status_code == 202
    assert response.headers["location"] == f"/jobs/{job.id}"
    assert response.json()["kind"] == job.kind == "enroll"
    assert job.state == "succeeded"
    assert job.result is not None
    assert job.result["subject"] == "ada"


def test_a_wait_that_runs_out_gives_a_job(tmp_path: Path) -> None:
    with live_service(Settings(data=tmp_path, device="cpu", wait_seconds=0.0)) as impatient:
        response = impatient.http.post(
            "/enroll", data={"subject": "ada"}, files={"walk": walk_zip(ADA)}
        )
        with Client(impatient.url) as client:
            job = client.wait_for_job(response.json()["id"])

    assert response.status_code == 202
    assert job.state == "succeeded"


def test_who_waits_comes_first_and_says_until_when(service: LiveService, gallery: str) -> None:
    """`Prefer` says how long a caller waits, `expires_in` how long the answer is of use."""
    ada = {"subject": "ada", "gallery": gallery}
    service.http.post("/enroll", data=ada, files={"walk": walk_zip(ADA)}).raise_for_status()
    jobs = []
    for preference in ("respond-async", "wait=0", "wait=30", "wait=soon"):
        response = service.http.post(
            "/identify",
            data={"gallery": gallery, "expires_in": "60"},
            files={"walk": walk_zip(ADA)},
            headers={"Prefer": preference},
        )
        address = response.headers.get("location") or response.json()["gei"]
        jobs.append(service.registry.jobs.get(address.split("/")[2].split("?")[0]))

    assert [job.priority for job in jobs] == ["bulk", "bulk", "interactive", "interactive"]
    for job in jobs:
        assert job.expires_at is not None
        assert (job.expires_at - job.created_at).total_seconds() == 60


def test_a_failed_job_keeps_its_problem(service: LiveService) -> None:
    response = service.http.post(
        "/enroll",
        data={"subject": "ada"},
        files={"walk": b"no film"},
        headers={"Prefer": "respond-async"},
    )
    with Client(service.url) as client:
        job = client.wait_for_job(response.json()["id"])

    assert job.state == "failed"
    assert job.problem is not None
    assert job.problem["type"] == "/problems/media-not-readable"
    assert_refused(service.http.get(f"/jobs/{job.id}/gei.png"), 404, "unknown-job")


def test_an_unknown_job_is_a_404(service: LiveService) -> None:
    assert_refused(service.http.get("/jobs/none"), 404, "unknown-job")


def test_under_one_key_the_work_is_done_once(service: LiveService, gallery: str) -> None:
    call: dict[str, Any] = {
        "data": {"subject": "ada", "gallery": gallery},
        "files": {"walk": ("walk.zip", walk_zip(ADA))},
        "headers": {"Idempotency-Key": f"key-{gallery}"},
    }
    first = service.http.post("/enroll", **call)
    second = service.http.post("/enroll", **call)

    stored = service.http.get("/subjects/ada", params={"gallery": gallery}).json()
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert stored["walks"] == 1
    assert service.stored_uploads == []


def test_a_repeated_refusal_is_the_same_refusal(service: LiveService, gallery: str) -> None:
    call: dict[str, Any] = {
        "files": {"walk": ("walk.mp4", b"no film")},
        "headers": {"Idempotency-Key": f"key-{gallery}"},
    }
    first, second = (service.http.post("/identify", **call) for _ in range(2))

    assert_refused(second, 422, "media-not-readable")
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"


def test_a_key_belongs_to_one_content(service: LiveService, gallery: str) -> None:
    headers = {"Idempotency-Key": f"key-{gallery}"}
    form = {"subject": "ada", "gallery": gallery}
    first = service.http.post("/enroll", data=form, files={"walk": walk_zip(ADA)}, headers=headers)
    other = service.http.post("/enroll", data=form, files={"walk": walk_zip(BOB)}, headers=headers)

    assert first.status_code == 201
    assert_refused(other, 422, "idempotency-key-reused")
    assert service.stored_uploads == []


def test_one_key_may_serve_two_routes(service: LiveService, gallery: str) -> None:
    headers = {"Idempotency-Key": f"key-{gallery}"}
    files = {"walk": walk_zip(ADA)}
    enrolled = service.http.post(
        "/enroll", data={"subject": "ada", "gallery": gallery}, files=files, headers=headers
    )
    identified = service.http.post(
        "/identify", data={"gallery": gallery}, files=files, headers=headers
    )

    assert (enrolled.status_code, identified.status_code) == (201, 200)


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "é"])
def test_a_key_is_short_and_printable(service: LiveService, key: str) -> None:
    response = service.http.post(
        "/identify",
        files={"walk": walk_zip(ADA)},
        headers=[(b"Idempotency-Key", key.encode())],
    )

    assert assert_refused(response, 422, "invalid-field")["field"] == "Idempotency-Key"


def test_a_full_queue_sends_callers_away_before_their_upload_is_read(tmp_path: Path) -> None:
    with live_service(Settings(data=tmp_path, device="cpu", max_queued_jobs=1)) as small:
        desk = small.app.state.services.desk
        with desk.place():
            response = small.http.post("/identify", files={"walk": walk_zip(ADA)})
        after = small.http.post("/enroll", data={"subject": "ada"}, files={"walk": walk_zip(ADA)})

    assert_refused(response, 503, "too-busy")
    assert int(response.headers["retry-after"]) > 0
    assert after.status_code == 201
