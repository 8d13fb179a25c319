"""A gallery goes out and comes in elsewhere as what it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.errors import UnknownGallery
from app.registry import Registry, Walk
from app.registry.exchange import ImportReport
from tests.app.registry.conftest import Clock
from tests.enrolling import CHECKPOINT, enroll, unit_vector
from tests.gallery_files import exported, fill, gei_png, install

ALSO_ENCRYPTED = True


@pytest.fixture
def elsewhere(tmp_path: Path, clock: Clock) -> Iterator[Registry]:
    """An empty registry in another database."""
    opened = Registry.open(f"sqlite:///{tmp_path / 'elsewhere.db'}", clock=clock)
    opened.migrate()
    install(opened)
    yield opened
    opened.close()


@pytest.fixture
def full(registry: Registry) -> Registry:
    """Three subjects with two walks each, and one without any, in the gallery `office`."""
    install(registry)
    fill(registry, "office", subjects=3, walks=2)
    enroll(registry, "nobody's", [unit_vector(9)], gallery="office")
    (only,) = registry.walks.list("nobody's")
    registry.walks.delete(only.id)
    return registry


def test_a_file_begins_with_what_it_holds_and_ends_with_its_checksum(full: Registry) -> None:
    first, *rest, last = exported(full, "office").splitlines(keepends=True)

    header, end = json.loads(first), json.loads(last)
    assert (header["format"], header["version"], header["gallery"]) == (
        "walkprint-gallery",
        1,
        "office",
    )
    assert header["checkpoints"] == [{"id": CHECKPOINT, "embedding_size": 16}]
    assert (header["subjects"], header["walks"], header["templates"]) == (4, 6, 6)
    assert (end["subjects"], end["walks"], end["templates"]) == (4, 6, 6)
    assert end["sha256"] == hashlib.sha256(first + b"".join(rest)).hexdigest()


def test_everything_is_the_same_elsewhere(full: Registry, elsewhere: Registry) -> None:
    report = elsewhere.exchange.import_file("office", [exported(full, "office")])

    assert report == ImportReport(
        gallery="office",
        created=True,
        checkpoint=CHECKPOINT,
        subjects_added=4,
        subjects_known=0,
        walks_added=6,
        walks_known=0,
        templates_added=6,
        templates_left_out=0,
        walks_without_template=0,
        walks_of_other_size=0,
    )
    for subject in full.subjects.list(gallery="office").subjects:
        copy = elsewhere.subjects.get(subject.subject, gallery="office")
        assert (copy.name, copy.metadata, copy.created_at, copy.updated_at, copy.walks) == (
            subject.name,
            subject.metadata,
            subject.created_at,
            subject.updated_at,
            subject.walks,
        )
        assert _walks(elsewhere, subject.subject) == _walks(full, subject.subject)
        ours = full.templates.of_subject(subject.subject, "office", CHECKPOINT)
        theirs = elsewhere.templates.of_subject(subject.subject, "office", CHECKPOINT)
        assert dict(zip(ours.walk_ids, map(bytes, ours.vectors_nd), strict=True)) == dict(
            zip(theirs.walk_ids, map(bytes, theirs.vectors_nd), strict=True)
        )


def test_what_was_imported_is_exported_again_alike(full: Registry, elsewhere: Registry) -> None:
    file = exported(full, "office")
    elsewhere.exchange.import_file("office", [file])

    again = exported(elsewhere, "office")

    assert sorted(again.splitlines()[1:-1]) == sorted(file.splitlines()[1:-1])


@pytest.mark.parametrize(("is_there", "keep_walks_days"), [(False, 30), (True, None)])
def test_a_new_gallery_gets_the_rules_of_the_file_and_an_old_one_keeps_its_own(
    full: Registry, elsewhere: Registry, is_there: bool, keep_walks_days: int | None
) -> None:
    full.galleries.change("office", rules={"keep_walks_days": 30})
    if is_there:
        elsewhere.galleries.create("office")

    elsewhere.exchange.import_file("office", [exported(full, "office")])

    assert elsewhere.galleries.get("office").rules.keep_walks_days == keep_walks_days


def test_a_subject_that_is_there_gets_the_walks_and_keeps_name_and_metadata(
    full: Registry, elsewhere: Registry, clock: Clock
) -> None:
    file = exported(full, "office")
    clock.advance(days=1)
    enroll(elsewhere, "person-0", [unit_vector(77)], gallery="office", name="As known here")

    report = elsewhere.exchange.import_file("office", [file])

    subject = elsewhere.subjects.get("person-0", gallery="office")
    assert (subject.name, subject.metadata, subject.walks) == ("As known here", {}, 3)
    assert subject.updated_at == clock.present
    assert (report.created, report.subjects_added, report.subjects_known) == (False, 3, 1)


def test_an_import_raises_the_revision_and_is_found_through_it(
    full: Registry, elsewhere: Registry
) -> None:
    elsewhere.galleries.create("office")
    before = elsewhere.templates.revision("office")

    elsewhere.exchange.import_file("office", [exported(full, "office")])

    after = elsewhere.templates.revision("office")
    assert after.revision == before.revision + 1
    with elsewhere.templates.changes(after.gallery_id, CHECKPOINT, before.revision) as changes:
        assert changes is not None
        added = np.concatenate([block.vectors_nd for block in changes.added])
    assert len(added) == 6


def test_a_subject_whose_walks_fill_several_blocks_comes_out_whole(
    registry: Registry, elsewhere: Registry
) -> None:
    install(registry)
    vectors = [unit_vector(seed) for seed in range(450)]
    enroll(registry, "ada", vectors, gei_png=gei_png(1))

    report = elsewhere.exchange.import_file("default", [exported(registry, "default")])

    assert (report.walks_added, report.subjects_added) == (450, 1)


def test_a_gallery_that_is_not_there_is_refused_before_the_first_line(registry: Registry) -> None:
    with pytest.raises(UnknownGallery):
        next(registry.exchange.export("nowhere"))


def _walks(registry: Registry, subject: str) -> list[tuple[object, ...]]:
    return [_content(registry, walk) for walk in registry.walks.list(subject, gallery="office")]


def _content(registry: Registry, walk: Walk) -> tuple[object, ...]:
    return (
        walk.id,
        walk.source,
        walk.quality,
        walk.direction,
        walk.checkpoints,
        walk.created_at,
        registry.walks.gei_png(walk.id),
    )
