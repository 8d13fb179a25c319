"""Subjects: listed in pages, found, changed; and walks that can be deleted one by one."""

from __future__ import annotations

import pytest

from app.errors import (
    AmbiguousSubject,
    InvalidField,
    UnknownGallery,
    UnknownSubject,
    UnknownWalk,
)
from app.registry import Registry
from tests.app.registry.conftest import Clock
from tests.enrolling import enroll, unit_vector


def names(registry: Registry, search: str) -> list[str]:
    return [subject.subject for subject in registry.subjects.list(search=search).subjects]


def test_pages_give_every_subject_once(registry: Registry) -> None:
    for number in range(7):
        enroll(registry, f"s{number}", [unit_vector(number)])
    seen: list[str] = []
    cursor = None
    for expected in (3, 3, 1):
        page = registry.subjects.list(limit=3, cursor=cursor)
        assert len(page.subjects) == expected
        seen += [subject.subject for subject in page.subjects]
        cursor = page.next_cursor
    assert cursor is None
    assert seen == [f"s{number}" for number in range(7)]


def test_pages_stay_right_while_subjects_come_and_go(registry: Registry) -> None:
    for number in range(6):
        enroll(registry, f"s{number}", [unit_vector(number)])
    first = registry.subjects.list(limit=3)
    registry.subjects.delete("s2")
    registry.subjects.delete("s4")
    enroll(registry, "s6", [unit_vector(6)])
    second = registry.subjects.list(limit=3, cursor=first.next_cursor)
    assert [subject.subject for subject in second.subjects] == ["s3", "s5", "s6"]
    assert second.next_cursor is None


def test_a_gallery_lists_only_its_own(registry: Registry) -> None:
    enroll(registry, "anna", [unit_vector(1)], gallery="lab")
    enroll(registry, "bert", [unit_vector(2)], gallery="clinic")
    page = registry.subjects.list(gallery="lab")
    assert [(each.subject, each.gallery) for each in page.subjects] == [("anna", "lab")]
    with pytest.raises(UnknownGallery):
        registry.subjects.list(gallery="nowhere")


def test_subjects_are_found_by_id_name_and_metadata(registry: Registry) -> None:
    enroll(registry, "S-001", [unit_vector(1)], name="Anna Weiß", metadata={"team": "Nord"})
    enroll(registry, "S_001", [unit_vector(2)], name="Bert 100%")
    assert names(registry, "s-0") == ["S-001"]
    assert names(registry, "weiß") == ["S-001"]
    assert names(registry, "nord") == ["S-001"]
    assert names(registry, "100%") == ["S_001"]
    assert names(registry, "s_0") == ["S_001"]  # no wildcards
    assert names(registry, "nobody") == []


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_page_has_a_size_within_limits(registry: Registry, limit: int) -> None:
    with pytest.raises(InvalidField):
        registry.subjects.list(limit=limit)


def test_a_subject_in_two_galleries_must_be_named_with_its_gallery(registry: Registry) -> None:
    enroll(registry, "anna", [unit_vector(1)], gallery="lab")
    enroll(registry, "anna", [unit_vector(2)], gallery="clinic")
    with pytest.raises(AmbiguousSubject) as refusal:
        registry.subjects.get("anna")
    assert refusal.value.to_json()["galleries"] == ["clinic", "lab"]
    with pytest.raises(AmbiguousSubject):
        registry.subjects.delete("anna")
    assert registry.subjects.get("anna", gallery="lab").gallery == "lab"


def test_an_unknown_subject_is_a_404(registry: Registry) -> None:
    registry.galleries.create("lab")
    for call in (registry.subjects.get, registry.subjects.patch, registry.subjects.delete):
        with pytest.raises(UnknownSubject):
            call("nobody")
        with pytest.raises(UnknownSubject):
            call("nobody", gallery="lab")
        with pytest.raises(UnknownGallery):
            call("nobody", gallery="nowhere")
    with pytest.raises(UnknownSubject):
        registry.walks.list("nobody")


def test_a_patch_changes_what_it_says_and_nothing_else(registry: Registry, clock: Clock) -> None:
    enroll(registry, "anna", [unit_vector(1)], name="Anna", metadata={"team": 7})
    clock.advance(minutes=5)
    renamed = registry.subjects.patch("anna", name=" Anna W. ")
    assert (renamed.name, renamed.metadata) == ("Anna W.", {"team": 7})
    assert renamed.updated_at == clock.present
    assert registry.subjects.patch("anna", metadata={"shoe": 38}).name == "Anna W."
    cleared = registry.subjects.patch("anna", name=None)
    assert (cleared.name, cleared.metadata) == (None, {"shoe": 38})
    with pytest.raises(InvalidField):
        registry.subjects.patch("anna", name="x\x00")


def test_a_deleted_walk_is_gone_and_its_subject_stays(registry: Registry) -> None:
    first, second = enroll(registry, "anna", [unit_vector(1), unit_vector(2)]).walks
    registry.walks.delete(first)
    assert [walk.id for walk in registry.walks.list("anna")] == [second]
    for call in (registry.walks.get, registry.walks.gei_png, registry.walks.delete):
        with pytest.raises(UnknownWalk):
            call(first)
    assert registry.galleries.get("default").revision == 2
    registry.walks.delete(second)
    assert registry.subjects.get("anna").walks == 0
