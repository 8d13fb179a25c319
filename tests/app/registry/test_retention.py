"""What a gallery's rules call too old is erased everywhere, once, and nothing else is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import UnknownSubject
from app.registry import Registry
from app.registry.gallery_rules import RuleName
from app.registry.retention import Expired
from tests.app.registry.conftest import Clock
from tests.enrolling import CHECKPOINT, enroll, enroll_job, identify_job, running_job, unit_vector


def set_rules(registry: Registry, gallery: str, rules: dict[RuleName, int | None]) -> None:
    registry.galleries.change(gallery, rules=rules)


def erase_all(registry: Registry, batch: int = 100) -> list[Expired]:
    """Rounds until nothing is too old any more."""
    registry.retention.batch = batch
    rounds: list[Expired] = []
    while found := registry.retention.erase_expired():
        rounds.extend(found)
    return rounds


def templates_of(registry: Registry, gallery: str) -> int:
    now = registry.templates.revision(gallery)
    with registry.templates.changes(now.gallery_id, CHECKPOINT, 0) as changes:
        assert changes is not None
        return sum(len(block.templates_n) for block in changes.added)


def test_without_a_rule_nothing_is_ever_too_old(registry: Registry, clock: Clock) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    clock.advance(days=10_000)
    assert registry.retention.erase_expired() == ()


def test_a_walk_is_erased_when_its_days_are_over_and_its_subject_stays(
    registry: Registry, clock: Clock
) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    clock.advance(days=20)
    enroll(registry, "ada", [unit_vector(2)])
    set_rules(registry, "default", {"keep_walks_days": 30})
    before = registry.templates.revision("default").revision

    clock.advance(days=9.9)
    assert registry.retention.erase_expired() == ()
    clock.advance(days=0.1)
    (found,) = registry.retention.erase_expired()

    assert (found.walks, found.subjects, found.more) == (1, 0, False)
    assert len(registry.walks.list("ada")) == 1
    assert templates_of(registry, "default") == 1
    assert registry.templates.revision("default").revision == before + 1
    clock.advance(days=20)
    erase_all(registry)
    assert registry.subjects.get("ada").walks == 0


def test_a_subject_counts_from_its_newest_walk(registry: Registry, clock: Clock) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    enroll(registry, "bo", [unit_vector(2)])
    set_rules(registry, "default", {"keep_subjects_days": 30})
    clock.advance(days=20)
    enroll(registry, "ada", [unit_vector(3)])
    clock.advance(days=15)

    (found,) = registry.retention.erase_expired()

    assert (found.walks, found.subjects) == (0, 1)
    assert registry.subjects.get("ada").walks == 2
    with pytest.raises(UnknownSubject):
        registry.subjects.get("bo")
    clock.advance(days=16)
    erase_all(registry)
    assert registry.subjects.list().subjects == ()


def test_a_subject_without_walks_counts_from_its_last_change(
    registry: Registry, clock: Clock
) -> None:
    (walk_id,) = enroll(registry, "ada", [unit_vector(1)]).walks
    set_rules(registry, "default", {"keep_subjects_days": 30})
    clock.advance(days=29)
    registry.walks.delete(walk_id)
    clock.advance(days=29)
    assert registry.retention.erase_expired() == ()
    clock.advance(days=1)
    assert len(registry.retention.erase_expired()) == 1


def test_answers_that_name_an_erased_subject_go_with_it(registry: Registry, clock: Clock) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    job = running_job(registry, identify_job("default"))
    registry.jobs.finish(job.id, job.attempt, {"subject": "ada"}, mentions=["ada"])
    set_rules(registry, "default", {"keep_subjects_days": 1})
    clock.advance(days=1)
    registry.retention.erase_expired()
    assert registry.jobs.referenced_uploads() == frozenset()
    assert templates_of(registry, "default") == 0


def test_who_is_about_to_get_a_walk_is_not_erased(registry: Registry, clock: Clock) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    set_rules(registry, "default", {"keep_subjects_days": 1})
    registry.jobs.add(enroll_job("default", "ada"))
    clock.advance(days=2)
    assert registry.retention.erase_expired() == ()


def test_a_rule_holds_in_its_own_gallery_only(registry: Registry, clock: Clock) -> None:
    for gallery in ("office", "gym"):
        enroll(registry, "ada", [unit_vector(1)], gallery=gallery)
    set_rules(registry, "gym", {"keep_walks_days": 1})
    clock.advance(days=2)
    erase_all(registry)
    assert [registry.galleries.get(name).revision for name in ("office", "gym")] == [1, 2]


def test_what_is_too_much_for_one_batch_follows_in_the_next(
    registry: Registry, clock: Clock
) -> None:
    for number in range(5):
        enroll(registry, f"s{number}", [unit_vector(number)])
    set_rules(registry, "default", {"keep_walks_days": 1})
    clock.advance(days=2)
    rounds = erase_all(registry, batch=2)
    assert [(each.walks, each.more) for each in rounds] == [(2, True), (2, True), (1, False)]


def test_two_processes_at_once_erase_everything_once(
    registry: Registry, clock: Clock, database_url: str
) -> None:
    for number in range(12):
        enroll(registry, f"s{number}", [unit_vector(number)])
    set_rules(registry, "default", {"keep_walks_days": 1, "keep_subjects_days": 2})
    clock.advance(days=3)
    other = Registry.open(database_url, clock=clock)
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(lambda each: erase_all(each, batch=2), (registry, other)))
    other.close()
    assert sum(each.subjects for rounds in both for each in rounds) == 12
    assert registry.subjects.list().subjects == ()
    assert templates_of(registry, "default") == 0
