"""Galleries: made, listed, renamed, deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import (
    GalleryExists,
    GalleryNotEmpty,
    IdempotencyKeyReused,
    InvalidField,
    UnknownGallery,
    UnknownJob,
)
from app.registry import IdempotencyKey, Registry
from tests.app.registry.conftest import Clock
from tests.enrolling import enroll, enroll_job, unit_vector


def test_galleries_are_listed_by_name_with_their_size(registry: Registry, clock: Clock) -> None:
    registry.galleries.create("west")
    enroll(registry, "anna", [unit_vector(1), unit_vector(2)], gallery="east")
    enroll(registry, "bert", [unit_vector(3)], gallery="east")
    assert [(each.name, each.subjects) for each in registry.galleries.list()] == [
        ("east", 2),
        ("west", 0),
    ]
    assert registry.galleries.get("west").created_at == clock.present


def test_an_unknown_gallery_is_a_404(registry: Registry) -> None:
    with pytest.raises(UnknownGallery):
        registry.galleries.get("nowhere")
    with pytest.raises(UnknownGallery):
        registry.galleries.change("nowhere", new_name="somewhere")
    with pytest.raises(UnknownGallery):
        registry.galleries.delete("nowhere")


def test_a_name_is_taken_once(registry: Registry) -> None:
    registry.galleries.create("lab")
    registry.galleries.create("clinic")
    with pytest.raises(GalleryExists):
        registry.galleries.create("lab")
    with pytest.raises(GalleryExists):
        registry.galleries.change("clinic", new_name="lab")
    with pytest.raises(InvalidField):
        registry.galleries.change("clinic", new_name="no such/name")


def test_callers_that_ensure_one_gallery_at_once_get_the_same(registry: Registry) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = {gallery.id for gallery in pool.map(registry.galleries.ensure, ["lab"] * 16)}
    assert len(ids) == 1


def test_a_renamed_gallery_keeps_subjects_and_waiting_jobs(registry: Registry) -> None:
    enroll(registry, "anna", [unit_vector(1)], gallery="lab")
    waiting = registry.jobs.add(enroll_job("lab", "bert")).job
    renamed = registry.galleries.change("lab", new_name="clinic")
    assert (renamed.name, renamed.subjects) == ("clinic", 1)
    assert registry.subjects.get("anna").gallery == "clinic"
    assert registry.jobs.get(waiting.id).gallery == "clinic"


def test_an_empty_gallery_is_deleted(registry: Registry) -> None:
    registry.galleries.create("lab")
    registry.galleries.delete("lab")
    assert registry.galleries.list() == ()


def test_a_gallery_with_subjects_is_deleted_only_by_force(registry: Registry) -> None:
    enroll(registry, "anna", [unit_vector(1), unit_vector(2)], gallery="lab")
    enroll(registry, "anna", [unit_vector(3)], gallery="clinic")
    waiting = registry.jobs.add(enroll_job("lab", "bert")).job
    with pytest.raises(GalleryNotEmpty):
        registry.galleries.delete("lab")
    assert registry.galleries.get("lab").revision == 1
    erasure = registry.galleries.delete("lab", force=True)
    assert (erasure.subjects, erasure.walks, erasure.templates) == (1, 2, 2)
    assert waiting.id in erasure.jobs
    assert erasure.uploads == ("upload-1",)
    with pytest.raises(UnknownJob):
        registry.jobs.get(waiting.id)
    assert registry.subjects.get("anna").gallery == "clinic"


def test_a_gallery_made_anew_is_another_gallery(registry: Registry) -> None:
    first = registry.galleries.create("lab")
    registry.galleries.delete("lab")
    assert registry.galleries.create("lab").id != first.id


def test_a_repeated_key_makes_one_gallery(registry: Registry) -> None:
    key = IdempotencyKey("k" * 64, "f" * 64)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: registry.galleries.create_once("lab", key), range(6)))
    assert [created for _, created in answers].count(True) == 1
    assert len({gallery.id for gallery, _ in answers}) == 1


def test_a_key_makes_no_second_gallery_of_another_name(registry: Registry) -> None:
    registry.galleries.create_once("lab", IdempotencyKey("k" * 64, "lab".ljust(64)))
    with pytest.raises(IdempotencyKeyReused):
        registry.galleries.create_once("clinic", IdempotencyKey("k" * 64, "clinic".ljust(64)))
    with pytest.raises(GalleryExists):
        registry.galleries.create_once("lab", IdempotencyKey("another" * 9, "lab".ljust(64)))
    assert [gallery.name for gallery in registry.galleries.list()] == ["lab"]
