"""From one checkpoint to another and back: what serves when, and what no walk may miss."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from app.registry import Enrollment, IdempotencyKey, NewWalk, Registry, Serving, ServingChanged
from app.registry.checkpoint_problems import (
    NoReembedding,
    NothingToRollBackTo,
    ReembeddingUnderWay,
    WalksWouldBeLost,
)
from app.registry.leases import LeaseLost
from tests.app.registry.conftest import Clock
from tests.app.registry.stored_walks import (
    NEW,
    OLD,
    embed_all,
    enroll_by_old,
    gei_png,
    new_checkpoint,
    serving,
    settled,
)
from tests.enrolling import enroll_job, running_job, unit_vector

ALSO_ENCRYPTED = True
THIRD = "lresnet50-64x44-third"


def record(registry: Registry, embedded_by: Serving, *, subject: str = "eve") -> None:
    """Enrols one walk that was embedded by what served at some moment."""
    job = running_job(registry, enroll_job("g", subject))
    others = {} if embedded_by.upcoming is None else {embedded_by.upcoming: unit_vector(8)}
    walk = NewWalk(gei_png(), {}, "frames", unit_vector(7), other_vectors_d=others)
    enrollment = Enrollment(None, {}, embedded_by.active, (walk,), embedded_by)
    registry.enrollments.record(job.id, job.attempt, enrollment, lambda enrolled: {})


def templates_by(registry: Registry, checkpoint_id: str) -> dict[str, int]:
    """How many templates each subject has."""
    return {
        row.subject: len(registry.templates.of_subject(row.subject, "g", checkpoint_id).walk_ids)
        for row in registry.subjects.list().subjects
    }


def test_a_checkpoint_serves_at_once_where_nothing_has_to_be_embedded(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])

    assert registry.switching.activate(NEW, accept_loss=False).done
    assert serving(registry).active == NEW


def test_the_old_checkpoint_serves_until_every_walk_has_a_new_template(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada", walks=3)
    enroll_by_old(registry, "bob")

    switch = registry.switching.activate(NEW, accept_loss=False)
    assert not switch.done
    assert serving(registry).ids == (OLD, NEW)
    embed_all(registry, NEW)

    ended = registry.reembeddings.get(NEW)
    assert (ended.state, ended.done, ended.refused, ended.total) == ("complete", 4, 0, 4)
    assert serving(registry).ids == (NEW,)
    assert templates_by(registry, NEW) == templates_by(registry, OLD) == {"ada": 3, "bob": 1}


def test_a_walk_that_was_enrolled_meanwhile_has_both_templates(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada")
    registry.switching.activate(NEW, accept_loss=False)

    record(registry, serving(registry))
    embed_all(registry, NEW)

    assert templates_by(registry, NEW) == templates_by(registry, OLD) == {"ada": 1, "eve": 1}


def _begin(registry: Registry) -> None:
    registry.switching.activate(NEW, accept_loss=False)


def _begin_and_cancel(registry: Registry) -> None:
    registry.switching.activate(NEW, accept_loss=False)
    registry.reembeddings.change(NEW, "cancelled")


def _complete(registry: Registry) -> None:
    registry.switching.activate(NEW, accept_loss=False)
    embed_all(registry, NEW)


@pytest.mark.parametrize("change", [_begin, _complete])
def test_an_enrolment_that_missed_a_change_is_asked_to_embed_again(
    registry: Registry, change: Callable[[Registry], None]
) -> None:
    embedded_by = settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada")
    change(registry)

    with pytest.raises(ServingChanged):
        record(registry, embedded_by)
    assert "eve" not in templates_by(registry, OLD)
    record(registry, serving(registry))
    assert templates_by(registry, NEW)["eve"] == 1


def test_a_change_that_was_taken_back_asks_for_nothing(registry: Registry) -> None:
    embedded_by = settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada")
    _begin_and_cancel(registry)

    record(registry, embedded_by)

    assert templates_by(registry, OLD)["eve"] == 1


def test_enrolments_and_a_switch_at_the_same_time_leave_no_walk_without_template(
    registry: Registry,
) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada", walks=5)
    asked_again = []

    def enroll_many(name: str) -> None:
        for number in range(8):
            while True:
                try:
                    record(registry, serving(registry), subject=f"{name}-{number}")
                except ServingChanged:
                    asked_again.append(name)
                else:
                    break

    threads = [threading.Thread(target=enroll_many, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    _complete(registry)
    for thread in threads:
        thread.join()

    assert serving(registry).active == NEW
    new = registry.checkpoints.get(NEW)
    assert new.walks_without_template == 0
    assert new.walks_with_template == 5 + 24


def test_a_rollback_embeds_what_was_enrolled_since_and_then_leads_back(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada")
    _complete(registry)
    record(registry, serving(registry))

    assert not registry.switching.roll_back(accept_loss=False).done
    assert serving(registry).active == NEW
    embed_all(registry, OLD)
    assert serving(registry).active == OLD
    assert templates_by(registry, OLD) == {"ada": 1, "eve": 1}
    assert registry.switching.roll_back(accept_loss=False).done  # nothing lacks: at once
    assert serving(registry).active == NEW


def test_there_is_nothing_to_roll_back_to_at_first(registry: Registry) -> None:
    settled(registry)
    with pytest.raises(NothingToRollBackTo):
        registry.switching.roll_back(accept_loss=False)


def test_a_repeated_rollback_under_one_key_is_one_rollback(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    registry.switching.activate(NEW, accept_loss=False)
    key = IdempotencyKey("k" * 64, "f" * 64)

    first = registry.switching.roll_back(accept_loss=False, key=key)
    again = registry.switching.roll_back(accept_loss=False, key=key)

    assert (first.checkpoint_id, first.replayed) == (OLD, False)
    assert (again.checkpoint_id, again.replayed) == (OLD, True)
    assert serving(registry).active == OLD


def test_walks_are_not_lost_unless_that_is_accepted(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW, height=128, width=88)])
    enroll_by_old(registry, "ada", walks=2)

    with pytest.raises(WalksWouldBeLost) as refused:
        registry.switching.activate(NEW, accept_loss=False)
    assert refused.value.facts["reasons"] == ["other-gei-size: 2"]
    assert not registry.switching.activate(NEW, accept_loss=True).done


def test_a_walk_found_damaged_on_the_way_holds_the_switch_until_it_is_accepted(
    registry: Registry,
) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada")
    registry.switching.activate(NEW, accept_loss=False)
    claimed = registry.reembeddings.claim("me", lease_seconds=30)
    assert claimed is not None
    ((walk,), _) = registry.reembeddings.next_walks(NEW, after="", most=5)
    refusals = {walk.walk_id: "gei-not-readable"}
    registry.reembeddings.store(claimed, "me", walk.gallery_id, {}, refusals, lease_seconds=30)

    assert registry.switching.finish(claimed.id, "me")
    held = registry.reembeddings.get(NEW)
    assert (held.state, held.refused, serving(registry).active) == ("complete", 1, OLD)
    assert held.problem is not None
    assert held.problem["type"] == "/problems/walks-would-be-lost"
    assert registry.switching.activate(NEW, accept_loss=True).done
    assert serving(registry).active == NEW


def test_the_end_waits_for_a_walk_that_came_without_template(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada")
    registry.switching.activate(NEW, accept_loss=False)
    claimed = registry.reembeddings.claim("me", lease_seconds=30)
    assert claimed is not None
    assert not registry.switching.finish(claimed.id, "me")
    assert serving(registry).active == OLD


def test_one_checkpoint_at_a_time_is_made_ready(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW), new_checkpoint(THIRD)])
    enroll_by_old(registry, "ada")
    registry.switching.activate(NEW, accept_loss=False)

    with pytest.raises(ReembeddingUnderWay):
        registry.switching.activate(THIRD, accept_loss=False)
    registry.reembeddings.change(NEW, "cancelled")
    assert not registry.switching.activate(THIRD, accept_loss=False).done
    with pytest.raises(NoReembedding):
        registry.reembeddings.change(NEW, "paused")


def test_a_paused_re_embedding_is_nobodys_until_it_is_resumed(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada")
    registry.switching.activate(NEW, accept_loss=False)
    claimed = registry.reembeddings.claim("me", lease_seconds=30)
    assert claimed is not None
    registry.reembeddings.change(NEW, "paused")

    assert registry.reembeddings.claim("me", lease_seconds=30) is None
    ((walk,), _) = registry.reembeddings.next_walks(NEW, after="", most=5)
    vectors = {walk.walk_id: unit_vector(1)}
    with pytest.raises(LeaseLost):
        registry.reembeddings.store(claimed, "me", walk.gallery_id, vectors, {}, lease_seconds=30)
    assert serving(registry).ids == (OLD, NEW)  # new walks land in both all the same
    registry.reembeddings.change(NEW, "running")
    embed_all(registry, NEW)
    assert serving(registry).active == NEW


def test_another_process_takes_over_when_the_lease_runs_out(
    registry: Registry, clock: Clock
) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada")
    registry.switching.activate(NEW, accept_loss=False)
    assert registry.reembeddings.claim("dead", lease_seconds=30) is not None

    assert registry.reembeddings.claim("alive", lease_seconds=30) is None
    clock.advance(seconds=31)
    embed_all(registry, NEW, owner="alive")
    assert serving(registry).active == NEW


def test_two_that_embed_the_same_walk_make_one_template(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada")
    registry.switching.activate(NEW, accept_loss=False)
    claimed = registry.reembeddings.claim("me", lease_seconds=30)
    assert claimed is not None
    ((walk,), _) = registry.reembeddings.next_walks(NEW, after="", most=5)
    for _ in range(2):
        registry.reembeddings.store(
            claimed, "me", walk.gallery_id, {walk.walk_id: unit_vector(1)}, {}, lease_seconds=30
        )
    assert templates_by(registry, NEW) == {"ada": 1}


def test_a_walk_erased_while_it_was_embedded_stays_erased(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada", walks=2)
    registry.switching.activate(NEW, accept_loss=False)
    claimed = registry.reembeddings.claim("me", lease_seconds=30)
    assert claimed is not None
    (found, _) = registry.reembeddings.next_walks(NEW, after="", most=5)
    registry.walks.delete(found[0].walk_id)
    vectors = {walk.walk_id: unit_vector(1) for walk in found}
    registry.reembeddings.store(claimed, "me", found[0].gallery_id, vectors, {}, lease_seconds=30)
    assert templates_by(registry, NEW) == {"ada": 1}
    assert registry.switching.finish(claimed.id, "me")
