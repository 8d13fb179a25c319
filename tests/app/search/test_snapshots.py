"""A snapshot speeds up a start and changes no answer; none outlives an erasure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from app.registry import Registry
from app.search import GallerySearch, Snapshots
from app.search.index import TemplateIndex
from app.search.snapshot_file import read_snapshot
from tests.enrolling import CHECKPOINT, enroll, unit_vector

EVERYBODY = [f"s{number}" for number in range(20)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where snapshots go; made by who writes the first."""
    return tmp_path / "data" / "snapshots"


@pytest.fixture
def start(registry: Registry, folder: Path) -> Iterator[Callable[[], GallerySearch]]:
    """Starts the search of one more process; all share the folder."""
    started = []

    def search() -> GallerySearch:
        snapshots = Snapshots(folder, registry, least_templates=1)
        started.append(GallerySearch(registry, snapshots=snapshots))
        return started[-1]

    yield search
    for each in started:
        each.close()


@pytest.fixture
def saved(registry: Registry, start: Callable[[], GallerySearch], folder: Path) -> Path:
    """The snapshot that a process left when it ended."""
    for number, subject in enumerate(EVERYBODY):
        enroll(registry, subject, [unit_vector(number)])
    search = start()
    assert best(search, 3) == "s3"
    search.close()
    (path,) = folder.glob("*.index")
    return path


def best(search: GallerySearch, seed: int) -> str:
    """Who is closest to a vector."""
    result = search.search("default", CHECKPOINT, unit_vector(seed)[None], top_k=1)
    return result.candidates[0].subject


def sources(logged: pytest.CaptureFixture[str]) -> list[str]:
    """What the indexes were loaded from, as the log says."""
    return [
        source
        for line in logged.readouterr().out.splitlines()
        for source in ("snapshot", "SQL")
        if f"source={source}" in line
    ]


def test_a_start_reads_the_snapshot_and_then_only_what_came_since(
    registry: Registry,
    start: Callable[[], GallerySearch],
    saved: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    capsys.readouterr()
    enroll(registry, "late", [unit_vector(100)])
    search = start()
    assert [best(search, seed) for seed in (3, 19, 100)] == ["s3", "s19", "late"]
    assert sources(capsys) == ["snapshot"]
    assert saved.exists()


def test_a_snapshot_answers_exactly_as_sql_does(
    registry: Registry, start: Callable[[], GallerySearch], saved: Path
) -> None:
    from_disk, from_sql = start(), GallerySearch(registry)
    for seed in range(50, 60):
        results = [
            each.search("default", CHECKPOINT, unit_vector(seed)[None], top_k=20)
            for each in (from_disk, from_sql)
        ]
        assert results[0].candidates == results[1].candidates
        assert results[0].gallery_size == results[1].gallery_size == len(EVERYBODY)
        assert results[0].cohort is not None
        assert results[1].cohort is not None
        assert results[0].cohort.mean == pytest.approx(results[1].cohort.mean, abs=1e-12)


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda whole: whole[:-1], "shorter or longer"),
        (lambda whole: whole[: len(whole) // 2], "shorter or longer"),
        (lambda whole: b"", "does not begin"),
        (lambda whole: b"another file" + whole, "does not begin"),
        (lambda whole: whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:], "checksum"),
        (lambda whole: whole.replace(b'"format": 1', b'"format": 9'), "format"),
        (lambda whole: whole.replace(b'"little"', b'"bigger"'), "another kind of machine"),
        (lambda whole: whole.replace(b'"subjects": 20', b'"subjects": 21'), "checksum"),
        (lambda whole: whole.replace(b'"gallery_id"', b'"gallery_no"'), "cannot be read"),
    ],
)
def test_a_torn_or_damaged_snapshot_is_logged_deleted_and_replaced_by_sql(
    start: Callable[[], GallerySearch],
    saved: Path,
    capsys: pytest.CaptureFixture[str],
    harm: Callable[[bytes], bytes],
    why: str,
) -> None:
    search = start()  # before the harm: what it finds broken at its start it deletes silently
    saved.write_bytes(harm(saved.read_bytes()))
    capsys.readouterr()
    assert best(search, 3) == "s3"
    printed = capsys.readouterr().out
    assert "a snapshot is not used" in printed
    assert why in printed
    assert "source=SQL" in printed
    search.close()
    assert read_snapshot(saved)[1].templates == len(EVERYBODY)


def test_a_snapshot_of_a_database_before_a_restore_is_void(
    registry: Registry,
    start: Callable[[], GallerySearch],
    saved: Path,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    search = start()
    begin_another_epoch(database_url)
    capsys.readouterr()
    assert best(search, 3) == "s3"
    assert sources(capsys) == ["SQL"]
    search.close()
    assert read_snapshot(saved)[0].epoch == registry.epoch()


def search_of_two(registry: Registry, start: Callable[[], GallerySearch]) -> GallerySearch:
    """An index of anna and bert, in memory."""
    enroll(registry, "anna", [unit_vector(1)])
    enroll(registry, "bert", [unit_vector(2)])
    search = start()
    assert best(search, 2) == "bert"
    return search


def test_an_index_in_memory_is_void_after_a_restore(
    registry: Registry, start: Callable[[], GallerySearch], database_url: str
) -> None:
    search = search_of_two(registry, start)
    # A restore to a moment before bert, and then cora under the same revision and template id.
    registry.subjects.delete("bert")
    change(database_url, "DELETE FROM template_removals")
    enroll(registry, "cora", [unit_vector(3)])
    change(database_url, "UPDATE templates SET id = 2, revision = 2 WHERE id = 3")
    change(database_url, "UPDATE galleries SET revision = 2")
    begin_another_epoch(database_url)
    assert best(search, 2) != "bert"
    assert best(search, 3) == "cora"


def test_an_index_that_is_ahead_of_a_restored_database_is_not_behind_it(
    registry: Registry, start: Callable[[], GallerySearch], database_url: str
) -> None:
    search = search_of_two(registry, start)
    change(database_url, "DELETE FROM templates WHERE revision = 2")
    change(database_url, "UPDATE galleries SET revision = 1")
    begin_another_epoch(database_url)
    search.refresh()
    assert search.lag == 0


def test_a_snapshot_from_after_what_sql_knows_is_void(
    start: Callable[[], GallerySearch],
    saved: Path,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A database that lost its last commits, without anybody telling it so."""
    change(database_url, "DELETE FROM templates WHERE revision > 18")
    change(database_url, "UPDATE galleries SET revision = 18")
    capsys.readouterr()
    search = start()
    assert best(search, 3) == "s3"
    assert best(search, 19) != "s19"
    assert sources(capsys) == ["SQL"]


def test_a_snapshot_of_other_templates_than_sql_holds_is_void(
    start: Callable[[], GallerySearch],
    saved: Path,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    change(database_url, "DELETE FROM templates WHERE id = 5")  # by hand, past the registry
    capsys.readouterr()
    search = start()
    assert best(search, 3) == "s3"
    assert sources(capsys) == ["SQL"]
    search.close()
    assert read_snapshot(saved)[1].templates == len(EVERYBODY) - 1


@pytest.mark.parametrize("what", ["subject", "walk", "gallery"])
def test_no_snapshot_is_left_when_an_erasure_is_acknowledged(
    registry: Registry, start: Callable[[], GallerySearch], saved: Path, what: str
) -> None:
    start()
    assert saved.exists()
    if what == "subject":
        registry.subjects.delete("s3")
    elif what == "walk":
        registry.walks.delete(registry.walks.list("s3", gallery="default")[0].id)
    else:
        registry.galleries.delete("default", force=True)
    assert not saved.exists()


def test_what_another_process_erased_leaves_the_disk_at_the_next_look(
    registry: Registry, start: Callable[[], GallerySearch], saved: Path, database_url: str
) -> None:
    search = start()
    elsewhere = Registry.open(database_url)  # shares the database, and no folder
    elsewhere.subjects.delete("s3")
    elsewhere.close()
    assert saved.exists()
    search.refresh()
    assert not saved.exists()


def test_an_erasure_beside_the_writing_of_a_snapshot_leaves_none(
    registry: Registry, folder: Path, database_url: str
) -> None:
    """The index that is written has not heard of it: who writes asks SQL afterwards."""
    enroll(registry, "anna", [unit_vector(1)])
    enroll(registry, "bert", [unit_vector(2)])
    gallery_id = registry.galleries.get("default").id
    index = TemplateIndex()
    with registry.templates.changes(gallery_id, CHECKPOINT, 0) as changes:
        assert changes is not None
        index.apply(changes)
    snapshots = Snapshots(folder, registry, least_templates=1)
    epoch = registry.epoch()
    assert snapshots.save(gallery_id, CHECKPOINT, index, epoch=epoch) is not None
    registry.subjects.delete("bert")

    assert snapshots.save(gallery_id, CHECKPOINT, index, epoch=epoch) is None
    assert list(folder.glob("*.index")) == []


def test_what_a_killed_process_left_goes_with_the_next_start(
    start: Callable[[], GallerySearch], saved: Path
) -> None:
    unfinished = saved.with_name("5d0c.part")
    unfinished.write_bytes(saved.read_bytes()[:500])
    start()
    assert not unfinished.exists()
    assert saved.exists()


def test_files_of_biometrics_are_for_the_service_alone(saved: Path) -> None:
    assert saved.stat().st_mode & 0o777 == 0o600
    assert saved.parent.stat().st_mode & 0o777 == 0o700


def test_a_snapshot_holds_no_erased_vector(
    registry: Registry, start: Callable[[], GallerySearch], saved: Path
) -> None:
    search = start()
    assert best(search, 3) == "s3"
    registry.subjects.delete("s3")
    assert best(search, 3) != "s3"
    search.close()
    (path,) = saved.parent.glob("*.index")
    assert unit_vector(3).tobytes() not in path.read_bytes()
    _, view = read_snapshot(path)
    assert view.templates == len(EVERYBODY) - 1
    assert all(np.isfinite(held.chunk.vectors_nd).all() for held in view.chunks)


def test_a_small_gallery_has_no_snapshot(registry: Registry, folder: Path) -> None:
    enroll(registry, "anna", [unit_vector(1)])
    search = GallerySearch(registry, snapshots=Snapshots(folder, registry))
    assert best(search, 1) == "anna"
    search.close()
    assert not folder.exists()


def begin_another_epoch(database_url: str) -> None:
    """What a restore does beside going back."""
    change(database_url, "DELETE FROM facts WHERE key = 'epoch'")


def change(database_url: str, statement: str) -> None:
    """Changes the database past the registry."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
