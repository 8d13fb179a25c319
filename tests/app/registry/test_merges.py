"""Two subjects that are one person: joined, told apart again, and erased together."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.errors import (
    IdempotencyKeyReused,
    InvalidField,
    SubjectExists,
    UnknownJob,
    UnknownMerge,
    UnknownSubject,
    UnknownWalk,
)
from app.registry import IdempotencyKey, Merge, Registry
from app.search import GallerySearch
from tests.app.registry.conftest import Clock
from tests.app.registry.test_erasure import everything
from tests.enrolling import (
    CHECKPOINT,
    enroll,
    enroll_job,
    identify_job,
    running_job,
    unit_vector,
)

ALSO_ENCRYPTED = True
WEEK = timedelta(days=7)


def merge(
    registry: Registry,
    subject: str,
    into: str,
    *,
    gallery: str | None = None,
    into_gallery: str | None = None,
) -> Merge:
    return registry.merges.merge(
        subject, into, undo_within=WEEK, gallery=gallery, into_gallery=into_gallery
    )[0]


def walk_ids(registry: Registry, subject: str, gallery: str | None = None) -> set[str]:
    return {walk.id for walk in registry.walks.list(subject, gallery=gallery)}


def found(search: GallerySearch, seed: int, gallery: str = "default") -> tuple[str, str]:
    """Who is found first for a vector, and by which walk."""
    best = search.search(gallery, CHECKPOINT, unit_vector(seed)[None], top_k=1).candidates[0]
    return best.subject, best.walk_id


def finished_identification(registry: Registry, mentions: Sequence[str]) -> str:
    """A finished job that names these subjects."""
    job = running_job(registry, identify_job("default"))
    registry.jobs.finish(job.id, job.attempt, {"named": list(mentions)}, mentions=mentions)
    return job.id


def test_the_survivor_has_the_walks_of_both_and_keeps_its_name(registry: Registry) -> None:
    first = enroll(registry, "ada", [unit_vector(1)], name="Ada", metadata={"team": 7})
    second = enroll(registry, "ada-2", [unit_vector(2), unit_vector(3)], name="A. L.")

    made = merge(registry, "ada-2", "ada")

    assert (made.subject, made.absorbed_subject, made.absorbed.name) == ("ada", "ada-2", "A. L.")
    survivor = registry.subjects.get("ada")
    assert (survivor.name, survivor.metadata, survivor.walks) == ("Ada", {"team": 7}, 3)
    assert walk_ids(registry, "ada") == {*first.walks, *second.walks}
    with pytest.raises(UnknownSubject):
        registry.subjects.get("ada-2")


def test_an_index_follows_a_merge_and_its_undoing_by_one_revision_each(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    (walk,) = enroll(registry, "ada-2", [unit_vector(2)]).walks
    search = GallerySearch(registry)
    assert found(search, 2) == ("ada-2", walk)

    made = merge(registry, "ada-2", "ada")
    merged = found(search, 2), found(GallerySearch(registry), 2)
    registry.merges.undo(made.id)

    assert merged == (("ada", walk), ("ada", walk))
    assert found(search, 2) == found(GallerySearch(registry), 2) == ("ada-2", walk)
    assert registry.galleries.get("default").revision == 4


def test_undoing_restores_what_the_subject_was_and_the_walks_it_brought(
    registry: Registry, clock: Clock
) -> None:
    own = enroll(registry, "ada", [unit_vector(1)], name="Ada")
    brought = enroll(
        registry, "ada-2", [unit_vector(2), unit_vector(3)], name="A. L.", metadata={"shoe": 38}
    )
    enrolled_at = clock.present
    made = merge(registry, "ada-2", "ada")
    clock.advance(days=6)
    later = enroll(registry, "ada", [unit_vector(4)])
    registry.walks.delete(brought.walks[0])

    restored, _ = registry.merges.undo(made.id)

    assert (restored.subject, restored.name, restored.metadata) == ("ada-2", "A. L.", {"shoe": 38})
    assert (restored.created_at, restored.updated_at) == (enrolled_at, clock.present)
    assert walk_ids(registry, "ada-2") == {brought.walks[1]}
    assert walk_ids(registry, "ada") == {*own.walks, *later.walks}
    with pytest.raises(UnknownMerge):
        registry.merges.undo(made.id)


def test_a_merge_becomes_final_when_its_time_is_up(
    registry: Registry, clock: Clock, database_url: str
) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    enroll(registry, "ada-2", [unit_vector(2)], name="A. Lovelace")
    made = merge(registry, "ada-2", "ada")
    assert registry.merges.list("ada") == (made,)
    assert registry.merges.purge_expired() == 0

    clock.advance(days=7)

    with pytest.raises(UnknownMerge):
        registry.merges.undo(made.id)
    assert registry.merges.list("ada") == ()
    registry.jobs.purge(older_than=timedelta(days=1))
    assert registry.merges.purge_expired() == 1
    assert "Lovelace" not in everything(database_url)


def test_erasing_the_survivor_leaves_no_trace_of_either(
    registry: Registry, database_url: str
) -> None:
    enroll(registry, "bert", [unit_vector(9)])
    enroll(registry, "first-id", [unit_vector(1)])
    gone = enroll(registry, "second-id", [unit_vector(2)], name="Second Name", gei_png=b"gei-two")
    naming = finished_identification(registry, ["second-id", "bert"])
    about = running_job(registry, enroll_job("default", "second-id"))
    registry.jobs.fail(about.id, about.attempt, {"subject": "second-id"})
    merge(registry, "second-id", "first-id")

    erasure = registry.subjects.delete("first-id")

    assert {naming, about.id} < set(erasure.jobs)
    left = everything(database_url)
    for trace in ("first-id", "second-id", "Second Name", "gei-two", *gone.walks):
        assert trace not in left


def test_after_undoing_each_is_erased_with_the_answers_that_named_them(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    enroll(registry, "eve", [unit_vector(2)])
    before = finished_identification(registry, ["eve"])
    made = merge(registry, "eve", "ada")
    between = finished_identification(registry, ["ada"])
    registry.merges.undo(made.id)

    erasure = registry.subjects.delete("eve")

    assert {before, between} <= set(erasure.jobs)
    with pytest.raises(UnknownJob):
        registry.jobs.get(between)
    assert registry.subjects.get("ada").walks == 1


def test_a_waiting_enrolment_of_the_absorbed_goes_to_the_survivor(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    enroll(registry, "ada-2", [unit_vector(2)])
    waiting = registry.jobs.add(enroll_job("default", "ada-2")).job

    merge(registry, "ada-2", "ada")

    assert registry.jobs.get(waiting.id).subject == "ada"


def test_an_erased_walk_is_forgotten_by_the_merge_too(
    registry: Registry, database_url: str
) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    job = running_job(registry, enroll_job("default", "ada-2"))
    registry.jobs.fail(job.id, job.attempt, {})
    (walk,) = enroll(registry, "ada-2", [unit_vector(2)]).walks
    made = merge(registry, "ada-2", "ada")
    registry.walks.delete(walk)

    assert registry.merges.get(made.id).absorbed.walks == ()
    with pytest.raises(UnknownWalk):
        registry.walks.get(walk)


def test_merges_are_undone_in_either_order(registry: Registry, clock: Clock) -> None:
    """ada-3 into ada-2, ada-2 into ada: each one gets back its own walks."""
    walks = {
        subject: set(enroll(registry, subject, [unit_vector(number)]).walks)
        for number, subject in enumerate(("ada", "ada-2", "ada-3"))
    }
    for order in ((0, 1), (1, 0)):
        merges = [merge(registry, "ada-3", "ada-2")]
        clock.advance(minutes=1)
        merges.append(merge(registry, "ada-2", "ada"))
        assert [each.id for each in registry.merges.list("ada")] == [each.id for each in merges]
        for number in order:
            registry.merges.undo(merges[number].id)
        assert {subject: walk_ids(registry, subject) for subject in walks} == walks


def test_one_id_in_two_galleries_is_merged_and_comes_back_to_its_own(registry: Registry) -> None:
    (here,) = enroll(registry, "ada", [unit_vector(1)], gallery="lab").walks
    (there,) = enroll(registry, "ada", [unit_vector(2)], gallery="clinic").walks
    search = GallerySearch(registry)
    assert found(search, 1, "lab") == ("ada", here)

    made = merge(registry, "ada", "ada", gallery="lab", into_gallery="clinic")

    assert walk_ids(registry, "ada") == {here, there}
    assert search.search("lab", CHECKPOINT, unit_vector(1)[None], top_k=1).candidates == ()
    assert found(search, 1, "clinic") == ("ada", here)
    registry.merges.undo(made.id)
    assert walk_ids(registry, "ada", "lab") == {here}
    assert found(search, 1, "lab") == ("ada", here)
    assert found(search, 1, "clinic") == ("ada", there)


def test_a_subject_whose_gallery_is_gone_comes_back_beside_the_survivor(
    registry: Registry,
) -> None:
    enroll(registry, "eve", [unit_vector(1)], gallery="lab")
    enroll(registry, "ada", [unit_vector(2)], gallery="clinic")
    made = merge(registry, "eve", "ada", into_gallery="clinic")
    registry.galleries.delete("lab")

    assert registry.merges.undo(made.id)[0].gallery == "clinic"


def test_nobody_is_merged_into_themselves_or_into_nobody(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    with pytest.raises(InvalidField):
        merge(registry, "ada", "ada")
    with pytest.raises(UnknownSubject):
        merge(registry, "ada", "nobody")
    with pytest.raises(UnknownMerge):
        registry.merges.get("no-such-merge")
    assert registry.galleries.get("default").revision == 1


def test_undoing_does_not_push_aside_who_has_taken_the_id_since(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    enroll(registry, "eve", [unit_vector(2)])
    made = merge(registry, "eve", "ada")
    enroll(registry, "eve", [unit_vector(3)])

    with pytest.raises(SubjectExists):
        registry.merges.undo(made.id)
    registry.subjects.delete("eve")
    assert registry.merges.undo(made.id)[0].walks == 1


def test_calls_under_one_key_merge_and_undo_once(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    enroll(registry, "ada-2", [unit_vector(2)])

    def repeat(_: int) -> tuple[Merge, bool]:
        return registry.merges.merge(
            "ada-2", "ada", undo_within=WEEK, idempotency=IdempotencyKey("m" * 64, "f" * 64)
        )

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(repeat, range(6)))
    assert len({made.id for made, _ in answers}) == 1
    assert [replayed for _, replayed in answers].count(False) == 1
    undo_key = IdempotencyKey("u" * 64, "f" * 64)
    undone = [registry.merges.undo(answers[0][0].id, idempotency=undo_key) for _ in range(2)]
    assert [(who.subject, replayed) for who, replayed in undone] == [
        ("ada-2", False),
        ("ada-2", True),
    ]
    with pytest.raises(IdempotencyKeyReused):
        registry.merges.undo("another", idempotency=IdempotencyKey("u" * 64, "g" * 64))


def test_merges_beside_enrolments_and_erasures_lose_no_walk(registry: Registry) -> None:
    """Four threads; in the end every walk that was not erased belongs to somebody who exists."""
    enrolled: list[str] = []

    def live(thread: int) -> int:
        erased = 0
        for number in range(6):
            one, two = f"{thread}-{number}", f"{thread}-{number}-again"
            enrolled.extend(enroll(registry, one, [unit_vector(number)]).walks)
            enrolled.extend(enroll(registry, two, [unit_vector(number + 50)]).walks)
            made = merge(registry, two, one)
            if number % 3 == 1:
                registry.merges.undo(made.id)
            if number % 3 == 2:
                erased += registry.subjects.delete(one).walks
        return erased

    with ThreadPoolExecutor(4) as pool:
        erased = sum(pool.map(live, range(4)))
    subjects = registry.subjects.list(limit=500).subjects
    assert sum(subject.walks for subject in subjects) == len(enrolled) - erased
    search = GallerySearch(registry)
    fresh = search.search("default", CHECKPOINT, unit_vector(1)[None], top_k=50)
    assert fresh.gallery_size == len(subjects)
