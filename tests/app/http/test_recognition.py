"""Enrol, identify, verify, over HTTP."""

from __future__ import annotations

import pytest

from app.http.recognition_schemas import Enrolled, Identified, Verified
from tests.live_service import LiveService
from tests.walks import walk_pictures, walk_video, walk_zip

ADA, BOB, EVE = 1, 2, 3


def enroll(service: LiveService, gallery: str, subject: str, *walks: bytes) -> Enrolled:
    files = [("walk", ("walk.zip", walk)) for walk in walks]
    form = {"subject": subject, "gallery": gallery, "name": subject.title()}
    response = service.http.post("/enroll", data=form, files=files)
    assert response.status_code == 201, response.text
    return Enrolled.model_validate(response.json())


def identify(service: LiveService, gallery: str, walk: bytes, **fields: object) -> Identified:
    response = service.http.post(
        "/identify", data={"gallery": gallery, **fields}, files={"walk": ("walk.zip", walk)}
    )
    assert response.status_code == 200, response.text
    return Identified.model_validate(response.json())


def test_an_enrolled_person_is_named_with_score_threshold_and_candidates(
    service: LiveService, gallery: str
) -> None:
    enrolled = enroll(service, gallery, "ada", walk_zip(ADA))
    enroll(service, gallery, "bob", walk_zip(BOB))

    answer = identify(service, gallery, walk_zip(ADA))

    assert enrolled.created
    assert (answer.decision, answer.subject) == ("match", "ada")
    assert answer.score is not None
    assert answer.score >= answer.threshold
    assert answer.score == pytest.approx(1.0, abs=1e-4)  # the very recording that was enrolled
    assert [row.subject for row in answer.candidates] == ["ada", "bob"]
    assert answer.candidates[0].name == "Ada"
    assert answer.candidates[0].walk == enrolled.walks[0].id
    assert answer.gallery_size == 2
    assert answer.target_fpir == 0.01
    assert answer.quality["cycles"] >= 1


def test_a_walk_comes_as_archive_pictures_or_video(service: LiveService, gallery: str) -> None:
    pictures = [
        ("walk", (f"frame-{number}.png", png, "image/png"))
        for number, png in enumerate(walk_pictures(ADA))
    ]
    shuffled = pictures[25:] + pictures[:25]
    as_pictures = service.http.post(
        "/enroll", data={"subject": "ada", "gallery": gallery}, files=shuffled
    )
    as_zip = identify(service, gallery, walk_zip(ADA))
    as_video = identify(service, gallery, walk_video(ADA))

    assert as_pictures.status_code == 201
    assert len(as_pictures.json()["walks"]) == 1
    assert as_zip.score == pytest.approx(1.0, abs=1e-4)  # frame-10 came after frame-9
    assert as_video.quality["frames_seen"] == 50
    assert as_video.quality["period_seconds"] == pytest.approx(
        as_video.quality["period_frames"] / 25, abs=0.01
    )


def test_several_walks_come_in_one_call(service: LiveService, gallery: str) -> None:
    enrolled = enroll(service, gallery, "ada", walk_zip(ADA), walk_zip(ADA, walk=2))
    again = enroll(service, gallery, "ada", walk_zip(ADA, walk=3))

    stored = service.http.get("/subjects/ada/walks", params={"gallery": gallery}).json()["walks"]
    assert len(enrolled.walks) == 2
    assert not again.created
    assert {row["id"] for row in stored} == {w.id for w in (*enrolled.walks, *again.walks)}


def test_the_pictures_of_gait_can_be_fetched(service: LiveService, gallery: str) -> None:
    enrolled = enroll(service, gallery, "ada", walk_zip(ADA))
    answer = identify(service, gallery, walk_zip(BOB))

    for address in (enrolled.walks[0].gei, answer.gei):
        picture = service.http.get(address)
        assert picture.headers["content-type"] == "image/png"
        assert picture.content.startswith(b"\x89PNG")


def test_a_stricter_target_raises_the_threshold(service: LiveService, gallery: str) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA))

    loose = identify(service, gallery, walk_zip(ADA), target_fpir="0.1")
    strict = identify(service, gallery, walk_zip(ADA), target_fpir="0.001")

    assert strict.threshold > loose.threshold


def test_top_k_bounds_the_candidates(service: LiveService, gallery: str) -> None:
    for person in (ADA, BOB, EVE):
        enroll(service, gallery, f"person-{person}", walk_zip(person))

    assert len(identify(service, gallery, walk_zip(ADA), top_k="2").candidates) == 2


def test_nobody_is_known_in_an_empty_gallery(service: LiveService, gallery: str) -> None:
    service.http.post("/galleries", json={"name": gallery}).raise_for_status()

    answer = identify(service, gallery, walk_zip(ADA))

    assert (answer.decision, answer.subject, answer.score) == ("unknown", None, None)
    assert answer.candidates == []


def test_a_claim_is_verified_against_the_subject_alone(service: LiveService, gallery: str) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA))
    form = {"subject": "ada", "gallery": gallery}

    response = service.http.post("/verify", data=form, files={"walk": walk_zip(ADA)})

    answer = Verified.model_validate(response.json())
    assert (answer.decision, answer.subject, answer.target_fmr) == ("match", "ada", 0.001)


def test_the_same_recording_under_another_id_is_named_as_a_possible_duplicate(
    service: LiveService, gallery: str
) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA))

    twin = enroll(service, gallery, "ada-again", walk_zip(ADA))

    assert [row.subject for row in twin.possible_duplicates] == ["ada"]


def test_no_upload_outlives_its_job(service: LiveService, gallery: str) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA), walk_zip(ADA, walk=2))
    identify(service, gallery, walk_zip(ADA))

    assert service.stored_uploads == []
