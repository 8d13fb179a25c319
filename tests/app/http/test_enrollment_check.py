"""What an enrolment would find, before anything is stored."""

from __future__ import annotations

import httpx

from app.http.recognition_schemas import EnrollmentCheck
from tests.app.http.test_quality import poor_walk
from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService
from tests.walks import walk_zip

ADA = 1


def _checked(service: LiveService, gallery: str, *walks: bytes, subject: str) -> httpx.Response:
    return service.http.post(
        "/enroll",
        data={"subject": subject, "gallery": gallery, "check": "true"},
        files=[("walk", (f"{number}.zip", walk)) for number, walk in enumerate(walks)],
    )


def test_each_walk_is_judged_and_nobody_is_enrolled(service: LiveService, gallery: str) -> None:
    answer = _checked(service, gallery, walk_zip(ADA), walk_zip(ADA, walk=2), subject="ada")
    checked = EnrollmentCheck.model_validate(answer.json())
    pictures = [service.http.get(walk.gei) for walk in checked.walks]

    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert [(walk.recording, walk.good_enough) for walk in checked.walks] == [(1, True), (2, True)]
    assert all(0 < walk.quality["score"] <= 1 for walk in checked.walks)
    assert all(picture.headers["content-type"] == "image/png" for picture in pictures)
    assert pictures[0].content != pictures[1].content
    assert service.http.get("/subjects/ada", params={"gallery": gallery}).status_code == 404
    assert gallery not in service.http.get("/galleries").text
    assert service.stored_uploads == []


def test_others_who_walk_alike_are_named(service: LiveService, gallery: str) -> None:
    enrolled = service.http.post(
        "/enroll", data={"subject": "ada", "gallery": gallery}, files={"walk": walk_zip(ADA)}
    )
    as_another = _checked(service, gallery, walk_zip(ADA, walk=2), subject="eve").json()
    as_herself = _checked(service, gallery, walk_zip(ADA, walk=2), subject="ada").json()

    assert enrolled.status_code == 201
    assert [each["subject"] for each in as_another["possible_duplicates"]] == ["ada"]
    assert as_herself["possible_duplicates"] == []


def test_a_walk_that_an_enrolment_refuses_is_told_with_its_findings(
    service: LiveService, gallery: str
) -> None:
    refused = service.http.post(
        "/enroll", data={"subject": "bob", "gallery": gallery}, files={"walk": poor_walk()}
    )
    (walk,) = _checked(service, gallery, poor_walk(), subject="bob").json()["walks"]

    assert_refused(refused, 422, "walk-quality-too-low")
    assert walk["good_enough"] is False
    assert walk["quality"]["findings"]


def test_what_is_no_walk_is_refused_all_the_same(service: LiveService, gallery: str) -> None:
    assert_refused(_checked(service, gallery, b"no walk", subject="x"), 422, "media-not-readable")
