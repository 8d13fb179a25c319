"""Enrolment is all or nothing, and counts once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import UnknownGallery, UnknownJob, UnknownSubject
from app.registry import Enrolled, Enrollment, LeaseLost, Registry, SubjectErased
from tests.app.registry.conftest import Clock
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


def test_the_first_enrolment_makes_gallery_and_subject(registry: Registry, clock: Clock) -> None:
    enrolled = enroll(
        registry, "anna", [unit_vector(1), unit_vector(2)], name="Anna", metadata={"team": 7}
    )
    assert enrolled.created
    assert (enrolled.gallery, enrolled.subject, enrolled.name) == ("default", "anna", "Anna")
    assert enrolled.revision == 1
    subject = registry.subjects.get("anna")
    assert (subject.walks, subject.metadata, subject.created_at) == (2, {"team": 7}, clock.present)
    assert [walk.id for walk in registry.walks.list("anna")] == sorted(enrolled.walks)


def test_a_later_enrolment_adds_walks_and_keeps_what_it_does_not_say(
    registry: Registry, clock: Clock
) -> None:
    enroll(registry, "anna", [unit_vector(1)], name="Anna", metadata={"team": 7, "shoe": 38})
    clock.advance(hours=1)
    again = enroll(registry, "anna", [unit_vector(2)], metadata={"shoe": 39})
    assert not again.created
    assert (again.name, again.revision) == ("Anna", 2)
    subject = registry.subjects.get("anna")
    assert subject.walks == 2
    assert subject.metadata == {"team": 7, "shoe": 39}
    assert subject.updated_at == clock.present > subject.created_at


def test_an_enrolled_walk_can_be_looked_at(registry: Registry, clock: Clock) -> None:
    enrolled = enroll(registry, "anna", [unit_vector(1)], gei_png=b"\x89PNG anna")
    walk = registry.walks.get(enrolled.walks[0])
    assert (walk.subject, walk.gallery, walk.source) == ("anna", "default", "frames")
    assert walk.quality == {"cycles": 2.0}
    assert walk.checkpoints == (CHECKPOINT,)
    assert walk.created_at == clock.present
    assert registry.walks.gei_png(walk.id) == b"\x89PNG anna"


def test_the_answer_is_stored_with_the_enrolment(registry: Registry) -> None:
    job = running_job(registry, enroll_job("lab", "anna"))
    registry.enrollments.record(
        job.id,
        job.attempt,
        Enrollment(None, {}, CHECKPOINT, (new_walk(unit_vector(1)),)),
        lambda enrolled: {"created": enrolled.created},
    )
    assert registry.jobs.get(job.id).result == {"created": True}
    assert registry.jobs.get(job.id).state == "succeeded"


def test_an_enrolment_that_fails_at_its_last_step_leaves_nothing(registry: Registry) -> None:
    def refuse(_: Enrolled) -> dict[str, object]:
        raise OSError("the answer could not be made")

    job = running_job(registry, enroll_job("lab", "anna"))
    enrollment = Enrollment("Anna", {}, CHECKPOINT, (new_walk(unit_vector(1)),))
    with pytest.raises(OSError, match="could not be made"):
        registry.enrollments.record(job.id, job.attempt, enrollment, refuse)
    with pytest.raises(UnknownGallery):
        registry.galleries.get("lab")
    with pytest.raises(UnknownSubject):
        registry.subjects.get("anna")
    assert registry.jobs.get(job.id).state == "running"


def test_an_enrolment_without_its_lease_leaves_nothing(registry: Registry, clock: Clock) -> None:
    enroll(registry, "bert", [unit_vector(0)])
    job = running_job(registry, enroll_job("default", "anna"))
    clock.advance(seconds=31)
    registry.jobs.release_expired()
    enrollment = Enrollment("Anna", {}, CHECKPOINT, (new_walk(unit_vector(1)),))
    with pytest.raises(LeaseLost):
        registry.enrollments.record(job.id, job.attempt, enrollment, lambda _: {})
    with pytest.raises(UnknownSubject):
        registry.subjects.get("anna")
    assert registry.galleries.get("default").revision == 1


def test_of_two_enrolments_under_one_attempt_exactly_one_counts(registry: Registry) -> None:
    job = running_job(registry, enroll_job("lab", "anna"))

    def record(seed: int) -> bool:
        enrollment = Enrollment(None, {}, CHECKPOINT, (new_walk(unit_vector(seed)),))
        try:
            registry.enrollments.record(job.id, job.attempt, enrollment, lambda _: {})
        except LeaseLost:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        counted = list(pool.map(record, range(6)))
    assert counted.count(True) == 1
    assert registry.subjects.get("anna").walks == 1
    assert registry.galleries.get("lab").revision == 1


def test_an_enrolment_follows_a_gallery_that_was_renamed_meanwhile(registry: Registry) -> None:
    registry.galleries.create("lab")
    job = running_job(registry, enroll_job("lab", "anna"))
    registry.galleries.change("lab", new_name="clinic")
    enrollment = Enrollment(None, {}, CHECKPOINT, (new_walk(unit_vector(1)),))
    enrolled = registry.enrollments.record(job.id, job.attempt, enrollment, lambda _: {})
    assert enrolled.gallery == "clinic"
    assert [gallery.name for gallery in registry.galleries.list()] == ["clinic"]


def test_an_enrolment_of_a_subject_erased_meanwhile_does_not_bring_it_back(
    registry: Registry,
) -> None:
    enroll(registry, "anna", [unit_vector(1)])
    job = running_job(registry, enroll_job("default", "anna"))
    registry.subjects.delete("anna")
    enrollment = Enrollment(None, {}, CHECKPOINT, (new_walk(unit_vector(2)),))
    with pytest.raises(LeaseLost):
        registry.enrollments.record(job.id, job.attempt, enrollment, lambda _: {})
    with pytest.raises(UnknownSubject):
        registry.subjects.get("anna")
    with pytest.raises(UnknownJob):
        registry.jobs.get(job.id)


def test_an_answer_that_names_somebody_erased_meanwhile_is_not_stored(registry: Registry) -> None:
    enroll(registry, "anna", [unit_vector(1)])
    enroll(registry, "bert", [unit_vector(2)])
    job = running_job(registry, identify_job("default"))
    registry.subjects.delete("anna")
    with pytest.raises(SubjectErased):
        registry.jobs.finish(job.id, job.attempt, {"anna": 1}, mentions=["anna", "bert"])
    registry.jobs.finish(job.id, job.attempt, {"bert": 1}, mentions=["bert", "bert"])
    assert registry.jobs.get(job.id).result == {"bert": 1}


def test_an_erased_job_is_lost_rather_than_searched_again(registry: Registry) -> None:
    enroll(registry, "anna", [unit_vector(1)])
    job = running_job(registry, enroll_job("default", "anna"))
    registry.subjects.delete("anna")
    with pytest.raises(LeaseLost):
        registry.jobs.finish(job.id, job.attempt, {}, mentions=["anna"])
