"""Subjects that move from one gallery to another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import SubjectExists, UnknownGallery, UnknownSubject
from app.registry import Enrollment, IdempotencyKey, Registry
from app.search import GallerySearch
from tests.app.registry.test_erasure import everything
from tests.enrolling import (
    CHECKPOINT,
    enroll,
    enroll_job,
    identify_job,
    new_walk,
    running_job,
    unit_vector,
)

ALSO_ENCRYPTED = True


def subjects_found(search: GallerySearch, gallery: str, seed: int) -> list[str]:
    result = search.search(gallery, CHECKPOINT, unit_vector(seed)[None], top_k=10)
    return [candidate.subject for candidate in result.candidates]


def test_a_moved_subject_is_found_in_the_new_gallery_only(registry: Registry) -> None:
    enrolled = enroll(registry, "ada", [unit_vector(1), unit_vector(2)], gallery="lab", name="Ada")
    enroll(registry, "bert", [unit_vector(3)], gallery="lab")
    registry.galleries.create("clinic")
    search = GallerySearch(registry)
    assert subjects_found(search, "lab", 1)[0] == "ada"
    assert subjects_found(search, "clinic", 1) == []

    moved, _ = registry.transfers.move("ada", "clinic")

    assert (moved.gallery, moved.name, moved.walks) == ("clinic", "Ada", 2)
    assert {walk.id for walk in registry.walks.list("ada")} == set(enrolled.walks)
    for any_index in (search, GallerySearch(registry)):
        assert subjects_found(any_index, "lab", 1) == ["bert"]
        assert subjects_found(any_index, "clinic", 1) == ["ada"]
    assert [registry.galleries.get(name).revision for name in ("lab", "clinic")] == [3, 1]


def test_moving_to_where_one_is_changes_nothing(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)], gallery="lab")
    assert registry.transfers.move("ada", "lab")[0].gallery == "lab"
    assert registry.galleries.get("lab").revision == 1


def test_nobody_moves_to_a_taken_id_or_to_no_gallery(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)], gallery="lab")
    enroll(registry, "ada", [unit_vector(2)], gallery="clinic")
    with pytest.raises(SubjectExists) as refusal:
        registry.transfers.move("ada", "clinic", gallery="lab")
    assert "/merge" in refusal.value.advice
    with pytest.raises(UnknownGallery):
        registry.transfers.move("ada", "nowhere", gallery="lab")
    with pytest.raises(UnknownSubject):
        registry.transfers.move("eve", "clinic", gallery="lab")
    assert registry.galleries.get("lab").revision == 1


def test_a_running_enrolment_follows_the_subject(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)], gallery="lab")
    registry.galleries.create("clinic")
    job = running_job(registry, enroll_job("lab", "ada"))
    registry.transfers.move("ada", "clinic")

    enrollment = Enrollment(None, {}, CHECKPOINT, (new_walk(unit_vector(2)),))
    enrolled = registry.enrollments.record(job.id, job.attempt, enrollment, lambda _: {})

    assert (enrolled.gallery, enrolled.created) == ("clinic", False)
    assert registry.subjects.get("ada").walks == 2


@pytest.mark.parametrize("by_gallery", [False, True])
def test_answers_given_before_the_move_are_erased_with_the_subject(
    registry: Registry, database_url: str, by_gallery: bool
) -> None:
    enroll(registry, "ada-17", [unit_vector(1)], gallery="lab")
    naming = running_job(registry, identify_job("lab"))
    registry.jobs.finish(naming.id, naming.attempt, {"is": "ada-17"}, mentions=["ada-17"])
    registry.galleries.create("clinic")
    registry.transfers.move("ada-17", "clinic")

    if by_gallery:
        erasure = registry.galleries.delete("clinic", force=True)
    else:
        erasure = registry.subjects.delete("ada-17")

    assert naming.id in erasure.jobs
    assert "ada-17" not in everything(database_url)


def test_a_move_under_one_key_happens_once(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)], gallery="lab")
    registry.galleries.create("clinic")
    key = IdempotencyKey("k" * 64, "f" * 64)
    answers = [
        registry.transfers.move("ada", "clinic", gallery="lab", idempotency=key) for _ in range(2)
    ]
    assert [(who.gallery, replayed) for who, replayed in answers] == [
        ("clinic", False),
        ("clinic", True),
    ]


def test_subjects_that_cross_each_other_all_arrive(registry: Registry) -> None:
    """Moves in both directions at once, beside enrolments: no deadlock, nobody in two places."""
    for gallery in ("lab", "clinic"):
        for number in range(4):
            enroll(registry, f"{gallery}-{number}", [unit_vector(number)], gallery=gallery)
    there = {"lab": "clinic", "clinic": "lab"}

    def wander(number: int) -> None:
        for start in ("lab", "clinic") if number % 2 else ("clinic", "lab"):
            subject = f"{start}-{number}"
            here = start
            for step in range(5):
                here = registry.transfers.move(subject, there[here])[0].gallery
                enroll(registry, subject, [unit_vector(100 + step)], gallery=here)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(wander, range(4)))
    search = GallerySearch(registry)
    for gallery in ("lab", "clinic"):
        listed = registry.subjects.list(gallery=gallery).subjects
        assert {each.subject for each in listed} == {f"{there[gallery]}-{n}" for n in range(4)}
        assert [each.walks for each in listed] == [6] * 4
        assert set(subjects_found(search, gallery, 1)) == {each.subject for each in listed}
