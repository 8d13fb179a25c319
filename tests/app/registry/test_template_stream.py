"""Templates come out of SQL as arrays: all of them, once, in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from app.registry import Registry
from app.registry.templates import TemplateChanges
from tests.benchmarks.registry_filling import (
    CHECKPOINT,
    GALLERY,
    fill,
    subject_of,
    template_blocks,
)
from tests.enrolling import enroll, unit_vector

TEMPLATES = 20_003  # several blocks, and the last one short
SIZE = 6


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    """A registry with one large gallery."""
    fill(database_url, TEMPLATES, SIZE)
    opened = Registry.open(database_url)
    yield opened
    opened.close()


def test_a_large_gallery_arrives_whole_and_in_order(registry: Registry) -> None:
    gallery_id = registry.galleries.get(GALLERY).id
    with registry.templates.changes(gallery_id, CHECKPOINT, 0, counted=True) as changes:
        assert changes is not None
        blocks = list(changes.added)
    templates_n = np.concatenate([block.templates_n for block in blocks])
    subjects_n = np.concatenate([block.subjects_n for block in blocks])
    vectors_nd = np.concatenate([block.vectors_nd for block in blocks])

    assert len(blocks) > 2
    assert (templates_n == np.arange(1, TEMPLATES + 1)).all()
    assert (subjects_n == [subject_of(number) for number in templates_n.tolist()]).all()
    assert (vectors_nd == np.concatenate(list(template_blocks(TEMPLATES, SIZE)))).all()
    assert vectors_nd.dtype == np.float32
    assert (changes.held, changes.revision) == (TEMPLATES, subject_of(TEMPLATES))


def test_only_what_came_after_a_revision_arrives(registry: Registry) -> None:
    gallery_id = registry.galleries.get(GALLERY).id
    with registry.templates.changes(gallery_id, CHECKPOINT, subject_of(TEMPLATES) - 1) as changes:
        assert changes is not None
        (block,) = changes.added
    assert block.templates_n.tolist() == [TEMPLATES - 2, TEMPLATES - 1, TEMPLATES]
    with registry.templates.changes(gallery_id, CHECKPOINT, subject_of(TEMPLATES)) as changes:
        assert changes is not None
        assert list(changes.added) == []


def test_who_stops_reading_in_the_middle_leaves_a_usable_connection(registry: Registry) -> None:
    gallery_id = registry.galleries.get(GALLERY).id
    for _ in range(3):
        with registry.templates.changes(gallery_id, CHECKPOINT, 0) as changes:
            assert isinstance(changes, TemplateChanges)
            next(changes.added)
    assert registry.templates.revisions() == {gallery_id: subject_of(TEMPLATES)}


def test_changes_are_those_of_one_instant(registry: Registry) -> None:
    """What is committed while blocks are read belongs to the next changes."""
    gallery_id = registry.galleries.get(GALLERY).id
    with registry.templates.changes(gallery_id, CHECKPOINT, 0) as changes:
        assert changes is not None
        first = next(changes.added)
        enroll(registry, "late", [unit_vector(1, SIZE)], gallery=GALLERY, checkpoint_id=CHECKPOINT)
        rest = sum(len(block.templates_n) for block in changes.added)
    assert len(first.templates_n) + rest == TEMPLATES
    with registry.templates.changes(gallery_id, CHECKPOINT, changes.revision) as later:
        assert later is not None
        assert [len(block.templates_n) for block in later.added] == [1]


def test_vectors_of_several_sizes_are_reported_and_not_misread(registry: Registry) -> None:
    enroll(registry, "odd", [unit_vector(1, 9)], gallery=GALLERY, checkpoint_id=CHECKPOINT)
    gallery_id = registry.galleries.get(GALLERY).id
    with registry.templates.changes(gallery_id, CHECKPOINT, 0) as changes:
        assert changes is not None
        with pytest.raises(ValueError, match="several sizes"):
            list(changes.added)
