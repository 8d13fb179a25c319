"""Recordings with several people, and with several passes of one, over HTTP.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from app.client import Client
from app.http.recognition_schemas import (
    Enrolled,
    Identified,
    IdentifiedEverybody,
    JudgedWalk,
    Verified,
)
from app.walker_files import write_walk
from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService
from tests.walks import walk_masks, walk_video

ADA, BOB = 1, 2


def video(masks_thw: NDArray[np.uint8]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        clip = write_walk(masks_thw, Path(folder) / "clip", "mp4", frames_per_second=25.0)
        return clip.read_bytes()


@cache
def side_by_side(*people: int, walk: int = 1) -> bytes:
    """People who walk at the same time, one to the right of the other."""
    return video(np.concatenate([walk_masks(person, walk=walk) for person in people], axis=2))


@cache
def there_and_back(person: int, *, frames_back: int = 50) -> bytes:
    """A person who passes, is gone for a second, and comes back the other way."""
    there_thw = walk_masks(person)
    nobody_thw = np.zeros((25, *there_thw.shape[1:]), np.uint8)
    back_thw = walk_masks(person, walk=2)[:frames_back, :, ::-1]
    return video(np.concatenate([there_thw, nobody_thw, back_thw]))


def post(service: LiveService, path: str, clip: bytes, **fields: str) -> httpx.Response:
    return service.http.post(path, data=fields, files={"walk": ("walk.mp4", clip)})


def enroll(service: LiveService, gallery: str, subject: str, clip: bytes) -> Enrolled:
    response = post(service, "/enroll", clip, subject=subject, gallery=gallery)
    assert response.status_code == 201, response.text
    return Enrolled.model_validate(response.json())


def identify_everybody(service: LiveService, gallery: str, clip: bytes) -> IdentifiedEverybody:
    response = post(service, "/identify", clip, gallery=gallery, walker="all")
    assert response.status_code == 200, response.text
    return IdentifiedEverybody.model_validate(response.json())


def directions(walks: Sequence[JudgedWalk]) -> list[str | None]:
    return [walk.direction for walk in walks]


@pytest.mark.parametrize("path", ["/enroll", "/identify", "/verify"])
def test_of_several_equal_walkers_nobody_is_taken_and_all_are_described(
    service: LiveService, gallery: str, path: str
) -> None:
    subject = {} if path == "/identify" else {"subject": "ada"}

    response = post(service, path, side_by_side(ADA, BOB), gallery=gallery, **subject)

    document = assert_refused(response, 422, "several-walkers")
    walkers = document["walkers"]
    assert isinstance(walkers, list)
    assert [each["number"] for each in walkers] == [1, 2]
    for each in walkers:
        assert each["height_pixels"] == pytest.approx(91, abs=5)
        (walk,) = each["walks"]
        assert (walk["from_seconds"], walk["direction"]) == (pytest.approx(0, abs=0.5), "left")
        assert walk["to_seconds"] == pytest.approx(2, abs=0.5)
    assert "walker=all" in str(document["advice"])
    assert service.stored_uploads == []


def test_everybody_is_named_with_a_picture_each(service: LiveService, gallery: str) -> None:
    enroll(service, gallery, "ada", walk_video(ADA))
    enroll(service, gallery, "bob", walk_video(BOB))

    answer = identify_everybody(service, gallery, side_by_side(ADA, BOB))

    assert {each.subject for each in answer.walkers} == {"ada", "bob"}
    assert [each.walker.number for each in answer.walkers] == [1, 2]
    assert answer.left_out == []
    pictures = [service.http.get(each.gei) for each in answer.walkers]
    assert all(picture.content.startswith(b"\x89PNG") for picture in pictures)
    assert pictures[0].content != pictures[1].content
    assert service.http.get(f"/jobs/{answer.job}/gei.png").content == pictures[0].content
    assert_refused(service.http.get(f"/jobs/{answer.job}/gei.png?walker=3"), 404, "unknown-job")


def test_of_two_who_look_alike_one_is_the_subject_and_the_other_is_not(
    service: LiveService, gallery: str
) -> None:
    enroll(service, gallery, "ada", walk_video(ADA))

    answer = identify_everybody(service, gallery, side_by_side(ADA, ADA))

    assert {each.subject for each in answer.walkers} == {"ada", None}
    for each in answer.walkers:  # either would have been ada alone
        assert each.candidates[0].subject == "ada"
        assert each.candidates[0].score >= each.threshold


def test_twins_who_are_both_enrolled_are_each_one_of_them(
    service: LiveService, gallery: str
) -> None:
    enroll(service, gallery, "ada", walk_video(ADA))
    enroll(service, gallery, "ada's twin", walk_video(ADA))

    answer = identify_everybody(service, gallery, side_by_side(ADA, ADA))

    assert {each.subject for each in answer.walkers} == {"ada", "ada's twin"}


def test_an_answer_about_several_people_goes_with_any_of_them(
    service: LiveService, gallery: str
) -> None:
    enroll(service, gallery, "ada", walk_video(ADA))
    enroll(service, gallery, "bob", walk_video(BOB))
    answer = identify_everybody(service, gallery, side_by_side(ADA, BOB))

    service.http.delete("/subjects/bob", params={"gallery": gallery}).raise_for_status()

    assert_refused(service.http.get(f"/jobs/{answer.job}"), 404, "unknown-job")
    assert_refused(service.http.get(answer.walkers[0].gei), 404, "unknown-job")


def test_the_largest_walker_can_be_asked_for(service: LiveService, gallery: str) -> None:
    enroll(service, gallery, "ada", walk_video(ADA))
    ada_thw = walk_masks(ADA)
    small_thw = np.zeros_like(ada_thw)
    small_thw[:, 60:140, 120:240] = walk_masks(BOB)[:, ::2, ::2]
    clip = video(np.concatenate([small_thw, ada_thw], axis=2))

    response = post(service, "/identify", clip, gallery=gallery, walker="largest")

    answer = Identified.model_validate(response.json())
    assert (answer.decision, answer.subject) == ("match", "ada")
    assert answer.walker.height_pixels == pytest.approx(91, abs=5)


@pytest.mark.parametrize("path", ["/enroll", "/verify"])
def test_several_people_cannot_be_one_subject(service: LiveService, path: str) -> None:
    response = post(service, path, walk_video(ADA), subject="ada", walker="all")

    document = assert_refused(response, 422, "invalid-field")
    assert document["field"] == "walker"
    assert "identify" in str(document["detail"])


def test_every_pass_of_a_person_is_enrolled_as_a_walk_of_its_own(
    service: LiveService, gallery: str
) -> None:
    enrolled = enroll(service, gallery, "ada", there_and_back(ADA))

    stored = service.http.get("/subjects/ada/walks", params={"gallery": gallery}).json()["walks"]
    assert [walk.direction for walk in enrolled.walks] == ["left", "right"]
    assert {row["direction"] for row in stored} == {"left", "right"}
    assert {row["id"] for row in stored} == {walk.id for walk in enrolled.walks}
    assert all(row["quality"]["level"] in {"good", "fair"} for row in stored)


def test_a_pass_that_is_too_short_is_left_out_with_its_reason(
    service: LiveService, gallery: str
) -> None:
    clip = there_and_back(ADA, frames_back=20)

    enrolled = enroll(service, gallery, "ada", clip)
    response = post(service, "/identify", clip, gallery=gallery)

    assert [walk.direction for walk in enrolled.walks] == ["left"]
    (left_out,) = enrolled.left_out
    assert (left_out.recording, left_out.direction, left_out.used) == (1, "right", False)
    assert left_out.problem == "too-few-cycles"
    assert left_out.detail
    walks = Identified.model_validate(response.json()).walker.walks
    assert [(walk.direction, walk.used) for walk in walks] == [("left", True), ("right", False)]


def test_all_passes_of_a_probe_count_whichever_way_they_go(
    service: LiveService, gallery: str
) -> None:
    """Enrolled walking left, seen walking left and right: the same person."""
    enroll(service, gallery, "ada", walk_video(ADA))
    enroll(service, gallery, "bob", walk_video(BOB))

    response = post(service, "/identify", there_and_back(ADA), gallery=gallery)
    claim = post(service, "/verify", there_and_back(ADA), gallery=gallery, subject="ada")

    answer = Identified.model_validate(response.json())
    assert directions(answer.walker.walks) == ["left", "right"]
    assert (answer.decision, answer.subject) == ("match", "ada")
    assert Verified.model_validate(claim.json()).decision == "match"


def test_the_python_client_reads_who_everybody_is(
    service: LiveService, gallery: str, tmp_path: Path
) -> None:
    clip = tmp_path / "two.mp4"
    clip.write_bytes(side_by_side(ADA, BOB))
    with Client(service.url) as walkprint:
        walkprint.enroll("ada", [clip], gallery=gallery, walker="largest")
        answer = walkprint.identify_everybody(clip, gallery=gallery)

    assert [one.is_match for one in answer.walkers].count(True) == 1
    (ada,) = [one for one in answer.walkers if one.is_match]
    assert (ada.subject, ada.gallery, ada.job) == ("ada", gallery, answer.json["job"])
    assert ada.walker is not None
    assert [walk.direction for walk in ada.walker.walks] == ["left"]
    assert ada.quality["level"] == "good"
