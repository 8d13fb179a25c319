"""Installed checkpoints: which one serves first, what is shown of them, how they go."""

from __future__ import annotations

import pytest

from app.registry import NewCheckpoint, Registry
from app.registry.checkpoint_problems import CheckpointInUse, UnknownCheckpoint
from app.search import GallerySearch
from tests.app.registry.stored_walks import (
    NEW,
    OLD,
    embed_all,
    enroll_by_old,
    new_checkpoint,
    serving,
    settled,
)
from tests.enrolling import enroll, unit_vector

SHIPPED = new_checkpoint(OLD, weights=None)


def test_the_shipped_checkpoint_serves_a_new_database(registry: Registry) -> None:
    registry.checkpoints.settle(SHIPPED, None)

    (row,) = registry.checkpoints.list()
    assert (row.id, row.active, row.has_weights) == (OLD, True, False)
    assert serving(registry).ids == (OLD,)


def test_the_chosen_checkpoint_serves_a_new_database(registry: Registry) -> None:
    assert registry.checkpoints.settle(SHIPPED, new_checkpoint(NEW)) == NEW


def test_a_start_with_other_weights_does_not_switch_while_there_are_walks(
    registry: Registry,
) -> None:
    settled(registry)
    enroll_by_old(registry, "ada")

    assert registry.checkpoints.settle(SHIPPED, new_checkpoint(NEW)) == OLD
    assert registry.checkpoints.weights(NEW) == b"weights"  # installed all the same


def test_a_start_with_other_weights_switches_where_nobody_is_enrolled(registry: Registry) -> None:
    settled(registry)

    assert registry.checkpoints.settle(SHIPPED, new_checkpoint(NEW)) == NEW
    assert registry.checkpoints.settle(SHIPPED, None) == NEW  # what was chosen stays


def test_a_database_from_before_goes_on_with_what_made_its_templates(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)], checkpoint_id="of-yesterday")

    assert registry.checkpoints.settle(SHIPPED, None) == "of-yesterday"
    assert registry.checkpoints.weights("of-yesterday") is None


def test_weights_that_no_longer_ship_are_replaced_where_nobody_is_enrolled(
    registry: Registry,
) -> None:
    settled(registry)
    next_version = new_checkpoint("lresnet50-64x44-next", weights=None)

    assert registry.checkpoints.settle(next_version, None) == next_version.id


def test_the_same_checkpoint_twice_is_one(registry: Registry) -> None:
    settled(registry)

    assert registry.checkpoints.install(new_checkpoint(NEW))
    assert not registry.checkpoints.install(NewCheckpoint(NEW, b"others", {"other": True}))
    assert registry.checkpoints.weights(NEW) == b"weights"
    assert {row.id for row in registry.checkpoints.list()} == {OLD, NEW}


def test_a_file_brings_the_weights_of_a_checkpoint_known_by_name_only(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)], checkpoint_id=NEW)
    settled(registry)

    assert registry.checkpoints.install(new_checkpoint(NEW))
    assert registry.checkpoints.weights(NEW) == b"weights"


def test_a_list_says_how_many_walks_each_checkpoint_can_find(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada", walks=3)

    counts = {
        row.id: (row.walks_with_template, row.walks_without_template)
        for row in registry.checkpoints.list()
    }
    assert counts == {OLD: (3, 0), NEW: (0, 3)}


def test_walks_of_another_image_size_are_named_with_the_reason(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW, height=128, width=88)])
    enroll_by_old(registry, "ada", walks=3)
    enroll(registry, "bob", [unit_vector(9)], gallery="g", checkpoint_id=OLD, gei_png=b"no picture")

    assert registry.checkpoints.refusals_by_reason(NEW) == {
        "other-gei-size": 3,
        "gei-not-readable": 1,
    }
    first = registry.checkpoints.refused_walks(NEW, limit=3)
    rest = registry.checkpoints.refused_walks(NEW, after=first[-1][0], limit=3)
    stored = {walk.id for subject in ("ada", "bob") for walk in registry.walks.list(subject)}
    assert {walk_id for walk_id, _ in (*first, *rest)} == stored
    assert registry.checkpoints.refusals_by_reason(OLD) == {}


def test_an_active_or_unknown_checkpoint_cannot_be_removed(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada")
    with pytest.raises(CheckpointInUse):
        registry.checkpoints.remove(OLD)
    registry.switching.activate(NEW, accept_loss=False)
    with pytest.raises(CheckpointInUse):
        registry.checkpoints.remove(NEW)  # walks are being embedded by it
    with pytest.raises(UnknownCheckpoint):
        registry.checkpoints.remove("nothing")
    assert registry.templates.of_subject("ada", "g", OLD).walk_ids


def test_templates_go_with_their_checkpoint_and_indexes_hear_of_it(registry: Registry) -> None:
    settled(registry, installed=[new_checkpoint(NEW)])
    enroll_by_old(registry, "ada", walks=2)
    registry.switching.activate(NEW, accept_loss=False)
    embed_all(registry, NEW)
    search = GallerySearch(registry)
    probe_kd = unit_vector(0)[None]
    assert search.search("g", OLD, probe_kd, top_k=1).gallery_size == 1

    assert registry.checkpoints.remove(OLD) == 2

    assert search.search("g", OLD, probe_kd, top_k=1).gallery_size == 0
    assert [row.id for row in registry.checkpoints.list()] == [NEW]
    assert registry.templates.of_subject("ada", "g", NEW).walk_ids
