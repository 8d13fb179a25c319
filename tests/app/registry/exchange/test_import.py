"""What an import does with files that go on, come again, or do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.registry import NewCheckpoint, Registry
from app.registry.exchange import importing
from app.registry.exchange.problems import (
    GalleryGone,
    ImportCutShort,
    ImportLineInvalid,
    WalkElsewhere,
)
from tests.app.registry.conftest import Clock
from tests.enrolling import CHECKPOINT, unit_vector
from tests.gallery_files import (
    base64_of,
    gallery_file,
    gei_png,
    install,
    subject_line,
    walk_line,
)

_FOUR_WALKS = [
    subject_line("ada"),
    walk_line(1),
    walk_line(2),
    subject_line("grace"),
    walk_line(3),
    walk_line(4),
]


@pytest.fixture
def ready(registry: Registry) -> Registry:
    """A registry with a checkpoint that serves."""
    install(registry)
    return registry


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two walks in one transaction."""
    monkeypatch.setattr(importing, "_BATCH_WALKS", 2)


def test_the_same_file_again_changes_nothing(ready: Registry) -> None:
    file = gallery_file(_FOUR_WALKS)
    ready.exchange.import_file("default", [file])

    report = ready.exchange.import_file("default", [file])

    assert (report.subjects_added, report.walks_added, report.templates_added) == (0, 0, 0)
    assert (report.subjects_known, report.walks_known) == (2, 4)
    assert [s.walks for s in ready.subjects.list().subjects] == [2, 2]


@pytest.mark.usefixtures("small_batches")
def test_each_batch_raises_the_revision_once(ready: Registry) -> None:
    ready.exchange.import_file("default", [gallery_file(_FOUR_WALKS)])

    # Two with two walks each, and the end of the file.
    assert ready.templates.revision("default").revision == 3


def test_few_but_long_lines_make_a_batch_too(
    ready: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH_BYTES", 100_000)
    long_lines = [subject_line(f"s{number}", metadata={"x": "y" * 16_000}) for number in range(20)]

    ready.exchange.import_file("default", [gallery_file(long_lines)])

    assert ready.templates.revision("default").revision == 3


@pytest.mark.usefixtures("small_batches")
def test_a_file_that_breaks_off_is_noticed_and_sent_again_goes_on(ready: Registry) -> None:
    file = gallery_file(_FOUR_WALKS)
    cut = file[: file.index(b'"grace"')]

    with pytest.raises(ImportLineInvalid) as refused:
        ready.exchange.import_file("default", [cut])
    report = ready.exchange.import_file("default", [file])

    assert (refused.value.facts["line"], refused.value.facts["walks_added"]) == (5, 2)
    assert (report.walks_known, report.walks_added) == (2, 2)
    assert (report.subjects_known, report.subjects_added) == (1, 1)


@pytest.mark.usefixtures("small_batches")
def test_a_file_without_its_last_lines_is_noticed(ready: Registry) -> None:
    whole_lines = gallery_file(_FOUR_WALKS).splitlines(keepends=True)[:-2]

    with pytest.raises(ImportCutShort) as refused:
        ready.exchange.import_file("default", whole_lines)

    assert refused.value.facts == {"line": 6, "walks_added": 2}


@pytest.mark.parametrize("place", [2, 3])
def test_a_file_without_a_line_in_between_is_noticed(ready: Registry, place: int) -> None:
    lines = gallery_file(_FOUR_WALKS).splitlines(keepends=True)
    del lines[place]

    with pytest.raises(ImportCutShort, match="speaks of 2 subjects, 4 walks"):
        ready.exchange.import_file("default", lines)


def test_a_file_in_which_something_was_changed_is_noticed(ready: Registry) -> None:
    file = gallery_file(_FOUR_WALKS).replace(b'"grace"', b'"grave"')

    with pytest.raises(ImportCutShort, match="checksum"):
        ready.exchange.import_file("default", [file])


def test_pieces_may_break_anywhere_and_the_last_line_feed_may_be_missing(ready: Registry) -> None:
    file = gallery_file(_FOUR_WALKS)[:-1]

    pieces = (file[at : at + 7] for at in range(0, len(file), 7))
    report = ready.exchange.import_file("default", pieces)

    assert report.walks_added == 4


def test_of_two_walks_with_one_id_the_first_is_kept(ready: Registry) -> None:
    twice = [subject_line("ada"), walk_line(1), subject_line("grace"), walk_line(2), walk_line(1)]

    report = ready.exchange.import_file("default", [gallery_file(twice)])

    assert (report.walks_added, report.walks_known) == (2, 1)
    assert ready.walks.get(walk_line(1)["id"]).subject == "ada"


def test_a_subject_that_comes_twice_is_one_subject(ready: Registry) -> None:
    twice = [subject_line("ada"), walk_line(1), subject_line("ada"), walk_line(2)]

    report = ready.exchange.import_file("default", [gallery_file(twice)])

    assert (report.subjects_added, report.subjects_known) == (1, 1)
    assert ready.subjects.get("ada").walks == 2


def test_a_walk_of_another_gallery_is_refused_and_stays_there(ready: Registry) -> None:
    ready.exchange.import_file("office", [gallery_file(_FOUR_WALKS)])

    with pytest.raises(WalkElsewhere) as refused:
        ready.exchange.import_file("lobby", [gallery_file(_FOUR_WALKS)])

    assert (refused.value.facts["line"], refused.value.facts["walk"]) == (3, walk_line(1)["id"])
    assert ready.walks.get(walk_line(1)["id"]).gallery == "office"
    assert ready.galleries.get("lobby").subjects == 0


def test_a_subject_that_was_merged_since_does_not_come_back(ready: Registry) -> None:
    file = gallery_file(_FOUR_WALKS)
    ready.exchange.import_file("default", [file])
    ready.merges.merge("grace", "ada", undo_within=timedelta(days=1), gallery="default")

    report = ready.exchange.import_file("default", [file])

    assert [s.subject for s in ready.subjects.list().subjects] == ["ada"]
    assert (report.subjects_added, report.walks_known) == (0, 4)


@pytest.mark.usefixtures("small_batches")
def test_a_gallery_that_is_deleted_meanwhile_does_not_come_back(ready: Registry) -> None:
    def file_during_which_the_gallery_goes() -> Iterator[bytes]:
        lines = gallery_file(_FOUR_WALKS).splitlines(keepends=True)
        yield from lines[:4]
        ready.galleries.delete("default", force=True)
        yield from lines[4:]

    with pytest.raises(GalleryGone):
        ready.exchange.import_file("default", file_during_which_the_gallery_goes())

    assert ready.galleries.list() == ()


def test_embeddings_of_checkpoints_that_are_not_installed_are_left_out_and_counted(
    ready: Registry,
) -> None:
    embeddings = {**walk_line(1)["embeddings"], "another": base64_of(b"\0\0\x80?")}
    checkpoints = [
        {"id": CHECKPOINT, "embedding_size": 16},
        {"id": "another", "embedding_size": 1},
    ]
    content = [subject_line("ada"), walk_line(1, embeddings=embeddings)]

    report = ready.exchange.import_file(
        "default", [gallery_file(content, header={"checkpoints": checkpoints})]
    )

    assert (report.templates_added, report.templates_left_out) == (1, 1)
    assert ready.walks.get(walk_line(1)["id"]).checkpoints == (CHECKPOINT,)


def test_walks_that_searches_cannot_find_are_counted(ready: Registry) -> None:
    other_size = base64_of(gei_png(2, height=128, width=88))
    content = [
        subject_line("ada"),
        walk_line(1, embeddings={}),
        walk_line(2, embeddings={}, gei=other_size),
    ]

    report = ready.exchange.import_file("default", [gallery_file(content)])

    assert (report.walks_without_template, report.walks_of_other_size) == (2, 1)
    assert ready.walks.gei_png(walk_line(2)["id"]) == gei_png(2, height=128, width=88)


def test_embeddings_of_another_size_than_those_here_are_refused(ready: Registry) -> None:
    ready.exchange.import_file("default", [gallery_file(_FOUR_WALKS)])
    about: dict[str, object] = {"network": {"embedding_size": 8}}
    ready.checkpoints.install(NewCheckpoint("unseen", b"weights", about))
    for checkpoint in (CHECKPOINT, "unseen"):
        header = {"checkpoints": [{"id": checkpoint, "embedding_size": 9}]}

        with pytest.raises(ImportLineInvalid, match="values here, not 9") as refused:
            ready.exchange.import_file("default", [gallery_file([], header=header)])

        assert refused.value.facts["line"] == 1


def test_times_to_come_become_the_present(ready: Registry, clock: Clock) -> None:
    later = "2999-01-01T00:00:00Z"
    content = [
        subject_line("ada", created_at=later, updated_at=later),
        walk_line(1, created_at=later),
    ]

    ready.exchange.import_file("default", [gallery_file(content)])

    subject = ready.subjects.get("ada")
    assert {subject.created_at, subject.updated_at} == {clock.present}
    assert ready.walks.get(walk_line(1)["id"]).created_at == clock.present


def test_vectors_are_stored_as_they_came(ready: Registry) -> None:
    ready.exchange.import_file("default", [gallery_file(_FOUR_WALKS)])

    stored = ready.templates.of_subject("ada", "default", CHECKPOINT)

    assert stored.vectors_nd.tobytes() == b"".join(unit_vector(seed).tobytes() for seed in (1, 2))
