"""A gallery that keeps the best few walks of each subject."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.errors import InvalidField, UnknownWalk
from app.registry import Enrolled, Enrollment, GalleryRules, NewWalk, Registry
from app.registry.walk_choice import RankedWalk, surplus_walks
from app.search import GallerySearch
from tests.enrolling import CHECKPOINT, enroll_job, running_job, unit_vector

ALSO_ENCRYPTED = True
NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def walk(
    name: str,
    score: float | None,
    *,
    direction: str | None = None,
    degrees: float | None = 0.0,
    minutes: int = 0,
) -> RankedWalk:
    """A walk whose vector lies at an angle from the first axis of a plane."""
    vector_d = None
    if degrees is not None:
        vector_d = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)
    return RankedWalk(name, score, direction, vector_d, NOON + timedelta(minutes=minutes))


def record(registry: Registry, subject: str, walks: list[NewWalk]) -> Enrolled:
    job = running_job(registry, enroll_job("lab", subject))
    enrollment = Enrollment(None, {}, CHECKPOINT, tuple(walks))
    return registry.enrollments.record(job.id, job.attempt, enrollment, lambda _: {})


def scored(seed: int, score: float, gei_png: bytes = b"gei") -> NewWalk:
    return NewWalk(gei_png, {"score": score}, "frames", unit_vector(seed))


def test_no_more_than_the_limit_means_no_surplus() -> None:
    assert surplus_walks([walk("a", 0.1), walk("b", 0.9)], 2) == frozenset()


def test_of_alike_walks_the_better_is_kept() -> None:
    assert surplus_walks([walk("good", 0.9), walk("poor", 0.4), walk("fair", 0.6)], 1) == {
        "poor",
        "fair",
    }


def test_a_walk_that_looks_different_is_kept_before_a_slightly_better_one_of_the_same() -> None:
    walks = [walk("best", 0.9), walk("same", 0.8, degrees=5), walk("other", 0.6, degrees=60)]
    assert surplus_walks(walks, 2) == {"same"}


def test_a_direction_not_shown_yet_is_kept_before_a_slightly_better_walk() -> None:
    walks = [
        walk("left", 0.9, direction="left"),
        walk("left again", 0.8, direction="left", degrees=1),
        walk("right", 0.6, direction="right", degrees=1),
        walk("untold", 0.7, degrees=1),
    ]
    assert surplus_walks(walks, 2) == {"left again", "untold"}


def test_of_equal_walks_the_newer_is_kept() -> None:
    assert surplus_walks([walk("old", 0.5), walk("new", 0.5, minutes=1)], 1) == {"old"}


def test_walks_without_a_score_or_a_template_are_weighed_too() -> None:
    walks = [
        walk("judged", 0.9),
        walk("unjudged", None, degrees=40),
        walk("bare", 0.6, degrees=None),
    ]
    assert surplus_walks(walks, 2) == {"bare"}


def test_an_enrolment_over_the_limit_erases_the_walks_of_least_use(registry: Registry) -> None:
    registry.galleries.create("lab")
    registry.galleries.change("lab", rules={"walks_per_subject": 2})
    early = record(registry, "ada", [scored(1, 0.2, b"poor"), scored(2, 0.9)])
    search = GallerySearch(registry)
    search.search("lab", CHECKPOINT, unit_vector(1)[None], top_k=1)

    later = record(registry, "ada", [scored(3, 0.8), scored(2, 0.1)])

    assert early.replaced == ()
    assert later.replaced == (early.walks[0],)
    assert len(later.walks) == 1
    kept = {early.walks[1], later.walks[0]}
    assert {each.id for each in registry.walks.list("ada")} == kept
    with pytest.raises(UnknownWalk):
        registry.walks.gei_png(early.walks[0])
    found = search.search("lab", CHECKPOINT, unit_vector(1)[None], top_k=1).candidates[0]
    assert (found.templates, found.walk_id in kept) == (2, True)


def test_a_new_limit_is_applied_at_the_next_enrolment_and_a_lifted_one_no_more(
    registry: Registry,
) -> None:
    registry.galleries.create("lab")
    record(registry, "ada", [scored(number, 0.5) for number in range(4)])
    changed = registry.galleries.change("lab", rules={"walks_per_subject": 3})
    assert changed.rules == GalleryRules(walks_per_subject=3)
    assert registry.subjects.get("ada").walks == 4
    record(registry, "ada", [scored(7, 0.6)])
    assert registry.subjects.get("ada").walks == 3
    registry.galleries.change("lab", rules={"walks_per_subject": None})
    record(registry, "ada", [scored(8, 0.1)])
    assert registry.subjects.get("ada").walks == 4


@pytest.mark.parametrize("value", [0, -1, 1001])
def test_a_limit_lies_within_bounds(registry: Registry, value: int) -> None:
    registry.galleries.create("lab")
    with pytest.raises(InvalidField) as refusal:
        registry.galleries.change("lab", new_name="clinic", rules={"walks_per_subject": value})
    assert refusal.value.field == "walks_per_subject"
    assert registry.galleries.get("lab").rules == GalleryRules()
