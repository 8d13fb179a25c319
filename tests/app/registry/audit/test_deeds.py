"""What is noted of each deed, and what is never noted of anybody."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from app.errors import GalleryExists, UnknownSubject, UnknownWalk
from app.registry import Registry
from app.registry.acting import acting_as
from app.registry.audit.actions import ACTIONS
from tests.app.registry.audit.reading import details_of, noted
from tests.app.registry.conftest import Clock
from tests.app.registry.stored_walks import (
    NEW,
    OLD,
    embed_all,
    enroll_by_old,
    new_checkpoint,
    settled,
)
from tests.app.registry.test_erasure import everything
from tests.app.registry.test_gallery_thresholds import found
from tests.enrolling import enroll, enroll_job, identify_job, running_job, unit_vector
from tests.gallery_files import (
    exported,
    fill,
    gallery_file,
    install,
    subject_line,
    walk_line,
)

DOCUMENTATION = Path(__file__).parents[4] / "docs" / "audit.md"


def test_the_documentation_says_of_each_action_when_it_is_noted() -> None:
    rows = [line for line in DOCUMENTATION.read_text().splitlines() if line.startswith("| `")]
    described = {word for row in rows for word in re.findall(r"`([a-z]+\.[a-z_]+)`", row)}

    assert described == set(ACTIONS)


def test_an_enrolment_is_noted_with_numbers_only(registry: Registry, database_url: str) -> None:
    with acting_as("key:abc"):
        enroll(registry, "ada", [unit_vector(1), unit_vector(2)], gallery="lab")
        enroll(registry, "ada", [unit_vector(3)], gallery="lab")

    assert noted(database_url) == [
        ("key:abc", "gallery.created", {"gallery": 1}),
        (
            "key:abc",
            "subject.enrolled",
            {"gallery": 1, "subject": 1, "created": True, "walks": 2, "replaced": 0},
        ),
        (
            "key:abc",
            "subject.enrolled",
            {"gallery": 1, "subject": 1, "created": False, "walks": 1, "replaced": 0},
        ),
    ]


def test_of_a_search_is_noted_that_it_was_made_and_not_what_it_found(
    registry: Registry, database_url: str
) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    searched = running_job(registry, identify_job("default"))
    answer: dict[str, object] = {"decision": "match", "subject": "ada", "score": 0.93}
    registry.jobs.finish(searched.id, searched.attempt, answer, mentions=["ada"])
    elsewhere = running_job(registry, identify_job("nowhere"))
    registry.jobs.finish(elsewhere.id, elsewhere.attempt, {"decision": "unknown"})

    assert details_of(database_url, "search.made") == [
        {"job": searched.id, "kind": "identify", "gallery": 1},
        {"job": elsewhere.id, "kind": "identify", "gallery": None},
    ]


def test_a_job_knows_who_asked_for_it(registry: Registry) -> None:
    new = identify_job("default")
    with acting_as("key:abc"):
        registry.jobs.add(new)

    claimed = registry.jobs.claim_next(owner="instance", lease_seconds=30)

    assert claimed is not None
    assert claimed.actor == registry.jobs.get(new.id).actor == "key:abc"


def test_changes_to_subjects_are_noted_by_their_numbers(
    registry: Registry, database_url: str
) -> None:
    for subject in ("ada", "eve", "bob"):
        enroll(registry, subject, [unit_vector(len(subject))])
    registry.galleries.create("gym")
    registry.subjects.patch("ada", name="Ada", metadata={"shoe": 38})
    merge, _ = registry.merges.merge("eve", "ada", undo_within=timedelta(days=1))
    registry.merges.undo(merge.id)
    registry.transfers.move("bob", "gym")
    registry.walks.delete(registry.walks.list("ada")[0].id)
    registry.subjects.delete("ada")

    assert [each[1:] for each in noted(database_url)[5:]] == [
        ("subject.changed", {"gallery": 1, "subject": 1, "fields": ["metadata", "name"]}),
        ("subject.merged", {"gallery": 1, "subject": 2, "into_gallery": 1, "into": 1}),
        ("merge.undone", {"gallery": 1, "subject": 4, "out_of": 1}),
        ("subject.moved", {"gallery": 1, "subject": 3, "to_gallery": 2}),
        ("walk.erased", {"gallery": 1, "subject": 1}),
        ("subject.erased", {"gallery": 1, "subject": 1, "walks": 0, "templates": 0, "jobs": 2}),
    ]


def test_changes_to_galleries_are_noted_by_their_numbers(
    registry: Registry, database_url: str
) -> None:
    gallery = registry.galleries.create("lab")
    registry.galleries.change("lab", new_name="ward", rules={"keep_walks_days": 30})
    registry.thresholds.store(gallery.id, "one", 3, found(10))
    registry.thresholds.forget("ward")
    enroll(registry, "ada", [unit_vector(1)], gallery="ward")
    registry.galleries.delete("ward", force=True)

    assert [each[1:] for each in noted(database_url) if each.action.startswith("gallery")] == [
        ("gallery.created", {"gallery": 1}),
        ("gallery.changed", {"gallery": 1, "renamed": True, "rules": {"keep_walks_days": 30}}),
        ("gallery.calibrated", {"gallery": 1, "checkpoint": "one", "revision": 3}),
        ("gallery.calibration_forgotten", {"gallery": 1}),
        ("gallery.erased", {"gallery": 1, "subjects": 1, "walks": 1, "templates": 1, "jobs": 1}),
    ]


def test_who_looks_at_a_picture_is_noted(registry: Registry, database_url: str) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    searched = running_job(registry, identify_job("default"))
    registry.jobs.finish(searched.id, searched.attempt, {}, gei_png_by_walker={1: b"a picture"})
    with acting_as("key:abc"):
        registry.walks.gei_png(registry.walks.list("ada")[0].id)
        registry.job_pictures.gei_png(searched.id)
        with pytest.raises(UnknownWalk):
            registry.walks.gei_png("no-such-walk")

    assert [each for each in noted(database_url) if each.action == "gei.viewed"] == [
        ("key:abc", "gei.viewed", {"subject": 1}),
        ("key:abc", "gei.viewed", {"job": searched.id}),
    ]


def test_a_gallery_that_goes_out_or_comes_in_is_noted_by_counts(
    registry: Registry, database_url: str
) -> None:
    install(registry)
    fill(registry, "office", subjects=3, walks=2)
    file = exported(registry, "office")
    registry.exchange.import_file("office", [file])
    other = gallery_file([subject_line("ada"), walk_line(101), walk_line(102)])
    registry.exchange.import_file("copy", [other])

    assert details_of(database_url, "gallery.exported") == [{"gallery": 1}]
    assert details_of(database_url, "gallery.imported") == [
        {"gallery": 1, "subjects": 0, "walks": 0},
        {"gallery": registry.galleries.get("copy").id, "subjects": 1, "walks": 2},
    ]


def test_what_retention_erased_is_noted_once_for_all(
    registry: Registry, database_url: str, clock: Clock
) -> None:
    for subject in ("ada", "bob", "eve"):
        enroll(registry, subject, [unit_vector(1)])
    registry.galleries.change("default", rules={"keep_walks_days": 1})
    clock.advance(days=2)
    registry.retention.erase_expired()
    registry.retention.erase_expired()

    assert details_of(database_url, "retention.erased") == [
        {"gallery": 1, "subjects": 0, "walks": 3}
    ]


def test_what_serves_is_noted_from_the_first_start_on(
    registry: Registry, database_url: str
) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    registry.checkpoints.install(new_checkpoint(NEW))
    enroll_by_old(registry, "ada")
    registry.switching.activate(NEW, accept_loss=False)
    registry.reembeddings.change(NEW, "paused")
    registry.reembeddings.change(NEW, "running")
    embed_all(registry, NEW)
    registry.switching.roll_back(accept_loss=False)
    registry.checkpoints.remove(NEW)

    of_checkpoints = ("checkpoint", "reembedding")
    assert [each[1:] for each in noted(database_url) if each.action.startswith(of_checkpoints)] == [
        ("checkpoint.installed", {"checkpoint": OLD}),
        ("checkpoint.activated", {"checkpoint": OLD}),
        ("checkpoint.installed", {"checkpoint": NEW}),
        ("reembedding.started", {"checkpoint": NEW, "walks": 1}),
        ("reembedding.paused", {"checkpoint": NEW}),
        ("reembedding.resumed", {"checkpoint": NEW}),
        ("checkpoint.activated", {"checkpoint": NEW}),
        ("reembedding.completed", {"checkpoint": NEW, "refused": 0}),
        ("checkpoint.activated", {"checkpoint": OLD}),
        ("checkpoint.removed", {"checkpoint": NEW, "templates": 1}),
    ]


def test_what_is_refused_is_not_noted_as_done(registry: Registry, database_url: str) -> None:
    registry.galleries.create("lab")
    with pytest.raises(GalleryExists):
        registry.galleries.create("lab")
    with pytest.raises(UnknownSubject):
        registry.subjects.delete("nobody")

    assert [each.action for each in noted(database_url)] == ["gallery.created"]


def test_nothing_in_the_log_leads_to_an_erased_person(
    registry: Registry, database_url: str
) -> None:
    vector_d = unit_vector(2)
    walks = enroll(
        registry,
        "anna-17",
        [vector_d],
        gallery="wards",
        name="Anna Weiss",
        metadata={"shoe": "size-38"},
        gei_png=b"gei-of-her",
    ).walks
    searched = running_job(registry, identify_job("wards"))
    registry.jobs.finish(searched.id, searched.attempt, {"score": 0.875}, mentions=["anna-17"])
    registry.subjects.patch("anna-17", name="Anna Schwarz")
    registry.walks.gei_png(walks[0])
    failed = running_job(registry, enroll_job("wards", "anna-17"))
    registry.jobs.fail(failed.id, failed.attempt, {"subject": "anna-17"})
    registry.subjects.delete("anna-17")

    assert "subject.erased" in [each.action for each in noted(database_url)]
    log = everything(database_url)
    vector = vector_d.tobytes()
    for trace in ("anna-17", "Anna", "size-38", "gei-of-her", "0.875", "upload-1", *walks):
        assert trace not in log
    for form in (repr(vector)[2:-1], vector.hex(), repr(float(vector_d[0]))):
        assert form not in log
    assert "wards" not in "".join(map(repr, noted(database_url)))
