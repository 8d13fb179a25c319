"""Jobs over HTTP: listed, counted, taken back while somebody waits for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.settings import Settings
from tests.app.http.test_refusals import assert_refused
from tests.decoders import wait_until
from tests.live_service import LiveService, live_service
from tests.walks import walk_zip


def test_a_page_of_jobs_is_asked_for_by_a_limit(service: LiveService, gallery: str) -> None:
    for number in range(3):
        answer = service.http.post(
            "/enroll",
            data={"subject": f"s{number}", "gallery": gallery},
            files={"walk": walk_zip(number)},
        )
        assert answer.status_code == 201
    counted = service.http.get("/jobs").json()
    first = service.http.get("/jobs", params={"limit": 2}).json()
    following = {"limit": 2, "cursor": first["next"], "state": "succeeded"}
    second = service.http.get("/jobs", params=following).json()

    assert counted.keys() == {"queued", "running"}
    assert [job["subject"] for job in first["jobs"]] == ["s2", "s1"]
    assert second["jobs"][0]["subject"] == "s0"
    assert first["jobs"][0].keys().isdisjoint({"result", "request", "uploads", "actor"})
    assert_refused(
        service.http.get("/jobs", params={"limit": 2, "cursor": "x"}), 422, "invalid-field"
    )
    assert_refused(service.http.get("/jobs", params={"limit": 0}), 422, "invalid-field")


def test_what_has_ended_is_not_taken_back(service: LiveService, gallery: str) -> None:
    answer = service.http.post(
        "/enroll", data={"subject": "ada", "gallery": gallery}, files={"walk": walk_zip(1)}
    )
    refused = service.http.delete(f"/jobs/{answer.json()['job']}")

    assert assert_refused(refused, 409, "job-ended")["state"] == "succeeded"
    assert service.http.get("/subjects/ada", params={"gallery": gallery}).status_code == 200


def test_a_job_that_is_taken_back_answers_whoever_waits_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    """Its recording is gone, its work is dropped, and nobody was enrolled."""
    with (
        live_service(Settings(data=tmp_path, device="cpu", workers=1)) as service,
        ThreadPoolExecutor(1) as pool,
    ):
        company = service.app.state.services.desk._queue._company
        with company.alone():  # no thread begins anything meanwhile
            caller = pool.submit(
                service.http.post,
                "/enroll",
                data={"subject": "ada"},
                files={"walk": walk_zip(1)},
            )
            wait_until(lambda: len(_unfinished(service)) == 1, "accepted")
            (job,) = _unfinished(service)
            cancelled = service.http.delete(f"/jobs/{job}")
            answer = caller.result(20)

        assert cancelled.status_code == 200
        assert cancelled.json()["problem"]["type"] == "/problems/job-cancelled"
        assert_refused(answer, 409, "job-cancelled")
        assert service.stored_uploads == []
        assert service.http.get("/subjects/ada").status_code == 404
        # The thread that had it goes on with the next one.
        again = service.http.post("/enroll", data={"subject": "bob"}, files={"walk": walk_zip(2)})
        assert again.status_code == 201


def _unfinished(service: LiveService) -> list[str]:
    rows = service.http.get("/jobs", params={"limit": 10}).json()["jobs"]
    return [row["id"] for row in rows if row["state"] in ("queued", "running")]
