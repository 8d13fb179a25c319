"""Vectors in a Milvus: whatever becomes of it, no answer is wrong for long, and none names the
erased."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from app.registry import Registry, utc_now
from app.registry.database import Database
from app.registry.facts import end_epoch
from app.registry.sealing import MasterKeySource
from app.search import GallerySearch
from app.search.milvus import IndexAway, IndexBehind, MilvusIndexes, MilvusNotInstalled, Server
from app.search.milvus.collections import Collections
from app.search.milvus.feeding import LEASE_SECONDS
from tests.app.search.test_gallery_search import axis, between, ranking
from tests.benchmarks.registry_filling import CHECKPOINT as BENCH
from tests.benchmarks.registry_filling import GALLERY, fill, template_blocks
from tests.enrolling import CHECKPOINT, DIMENSIONS, enroll, unit_vector
from tests.milvus import MilvusServer, milvus_server
from tests.sealing import KEY, OTHER_KEY, master_keys_of

ALSO_ENCRYPTED = True

_Answer = TypeVar("_Answer")


@pytest.fixture
def mine(milvus: MilvusServer) -> MilvusServer:
    """The Milvus, with names of the test's own."""
    return milvus.apart()


@pytest.fixture
def collections(mine: MilvusServer) -> Iterator[Collections]:
    """A look at what is in it, past the service."""
    server = mine.connect()
    yield Collections(server)
    server.close()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite: what differs between databases is in the tests of every kind of index."""
    return sqlite_url


@pytest.fixture
def start(registry: Registry, mine: MilvusServer) -> Iterator[Callable[[], MilvusIndexes]]:
    """Begins as another process would."""
    begun: list[MilvusIndexes] = []

    def begin() -> MilvusIndexes:
        begun.append(MilvusIndexes(registry, mine.connect(), wait_seconds=0.5))
        return begun[-1]

    yield begin
    for each in begun:
        each.close()


def search_with(registry: Registry, indexes: MilvusIndexes) -> GallerySearch:
    return GallerySearch(registry, indexes=indexes)


def is_away(search: GallerySearch) -> bool:
    """What the service says of itself, as of its last refresh."""
    return isinstance(search.outage, IndexAway)


def only(names: set[str]) -> str:
    (name,) = names
    return name


def vectors_in(collections: Collections, name: str) -> dict[int, NDArray[np.float32]]:
    """What a collection holds, by template id."""
    entities = collections.fetch(name, np.arange(1000))
    if entities is None:
        return {}
    return dict(zip(entities.templates_n.tolist(), entities.vectors_nd, strict=True))


def held_templates(collections: Collections) -> set[int]:
    """Ids in the one collection."""
    return set(vectors_in(collections, only(collections.names())))


def test_it_answers_as_vectors_in_memory_do_cohorts_and_all(
    registry: Registry, start: Callable[[], MilvusIndexes]
) -> None:
    """A hundred and fifty people with one to three walks, some of whom went again."""
    chance = np.random.default_rng(5)
    for number in range(150):
        walks = 1 + number % 3
        enroll(registry, f"s{number}", [unit_vector(10 * number + walk) for walk in range(walks)])
    milvus, memory = search_with(registry, start()), GallerySearch(registry)
    there = {f"s{number}" for number in range(150)}
    for round_ in range(4):
        for probe in range(6):
            vectors_kd = np.stack([unit_vector(7000 + 10 * probe + each) for each in range(2)])
            top_k = int(chance.integers(1, 40))
            ours = milvus.search("default", CHECKPOINT, vectors_kd, top_k=top_k)
            theirs = memory.search("default", CHECKPOINT, vectors_kd, top_k=top_k)
            assert [each.subject for each in ours.candidates] == [
                each.subject for each in theirs.candidates
            ]
            assert [each.walk_id for each in ours.candidates] == [
                each.walk_id for each in theirs.candidates
            ]
            assert [each.score for each in ours.candidates] == pytest.approx(
                [each.score for each in theirs.candidates], abs=1e-6
            )
            assert (ours.gallery_size, ours.revision) == (theirs.gallery_size, theirs.revision)
            assert ours.cohort is not None
            assert theirs.cohort is not None
            assert ours.cohort.mean == pytest.approx(theirs.cohort.mean, abs=1e-6)
            assert ours.cohort.subjects == theirs.cohort.subjects
        for number in range(round_, 150, 11):
            if f"s{number}" in there:
                there.remove(f"s{number}")
                registry.subjects.delete(f"s{number}")
    memory.close()


@pytest.mark.parametrize("kind", ["hnsw", "ivf_sq8"])
def test_an_index_that_misses_some_still_gives_exact_scores(
    registry: Registry, mine: MilvusServer, kind: str
) -> None:
    """Milvus's own scores are off by a byte's rounding; what is answered comes from SQL."""
    vectors = [unit_vector(number) for number in range(200)]
    enroll(registry, "many", vectors)
    for number, vector_d in enumerate(vectors[:40]):
        enroll(registry, f"s{number}", [vector_d])
    indexes = MilvusIndexes(registry, mine.connect("hnsw" if kind == "hnsw" else "ivf_sq8"))
    search = search_with(registry, indexes)
    found = 0
    for number, vector_d in enumerate(vectors[:40]):
        result = search.search("default", CHECKPOINT, vector_d[None], top_k=2)
        found += [each.subject for each in result.candidates] == ["many", f"s{number}"]
        assert result.candidates[0].score == pytest.approx(1.0, abs=1e-6)
    assert found >= 38
    indexes.close()


@pytest.mark.only_plain  # its processes have no key
def test_several_processes_feed_one_collection(
    registry: Registry,
    mine: MilvusServer,
    database_url: str,
    collections: Collections,
    start: Callable[[], MilvusIndexes],
) -> None:
    """Each finds whom it enrolled at once; in the end the collection holds what SQL does."""
    processes = [
        subprocess.Popen(  # noqa: S603 (our own program)
            [
                *(sys.executable, "-m", "tests.app.search.milvus_process"),
                *(database_url, str(mine.port), mine.prefix, name, "18"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    for process in processes:
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, said
    indexes = start()
    indexes.refresh()
    gallery_id = registry.galleries.get("default").id
    with registry.templates.changes(gallery_id, CHECKPOINT, 0) as changes:
        assert changes is not None
        in_sql = {each for block in changes.added for each in block.templates_n.tolist()}
    assert len(in_sql) == 24
    assert held_templates(collections) == in_sql
    assert indexes.sizes() == {(gallery_id, CHECKPOINT): 24}


def test_a_process_that_is_killed_while_it_feeds_is_replaced(
    tmp_path: Path, mine: MilvusServer, collections: Collections
) -> None:
    """The gallery is searched as if nothing had been; the dead one's collection is gone."""
    url, people = f"sqlite:///{tmp_path / 'large.db'}", 20_000
    fill(url, people, 32, walks_per_subject=1)
    command = (
        "import sys; from app.registry import Registry;"
        "from app.search.milvus import MilvusIndexes; from tests.milvus import MilvusServer;"
        "registry = Registry.open(sys.argv[1]);"
        "server = MilvusServer(int(sys.argv[2]), sys.argv[3]).connect();"
        "MilvusIndexes(registry, server).up_to_date(sys.argv[4], sys.argv[5])"
    )
    process = subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-c", command, url, str(mine.port), mine.prefix, GALLERY, BENCH]
    )
    until = monotonic() + 60.0
    while not any(collections.count(name) for name in collections.names()):
        assert monotonic() < until, "nothing is fed"
        assert process.poll() is None, "it fed everything before it could be killed"
    process.kill()
    assert process.wait() == -signal.SIGKILL
    killed = only(collections.names())
    later = Registry.open(url, clock=lambda: utc_now() + timedelta(seconds=LEASE_SECONDS + 1))
    indexes = MilvusIndexes(later, mine.connect())
    search = search_with(later, indexes)
    vectors_nd = np.concatenate(list(template_blocks(people, 32, 1)))
    for number in (0, 9_999, 19_999):
        found = search.search(GALLERY, BENCH, vectors_nd[number : number + 1], top_k=3)
        scores_n = vectors_nd @ vectors_nd[number]
        assert [each.subject for each in found.candidates] == [
            f"s{1 + best:07d}" for best in np.argsort(-scores_n)[:3].tolist()
        ]
        assert found.gallery_size == people
    assert collections.count(only(collections.names())) == people
    assert only(collections.names()) != killed
    indexes.close()
    later.close()


def test_who_is_merged_parted_or_moved_is_found_where_they_are(
    registry: Registry, collections: Collections, start: Callable[[], MilvusIndexes]
) -> None:
    """After each step as vectors in memory say, and the collections hold what SQL does."""
    milvus, memory = search_with(registry, start()), GallerySearch(registry)
    for number in range(4):
        enroll(registry, f"s{number}", [unit_vector(number), unit_vector(50 + number)])
    enroll(registry, "other", [axis(3)], gallery="lab")

    def agree() -> None:
        for gallery in ("default", "lab"):
            for probe in range(5):
                probe_kd = unit_vector(probe)[None]
                ours = milvus.search(gallery, CHECKPOINT, probe_kd, top_k=4)
                theirs = memory.search(gallery, CHECKPOINT, probe_kd, top_k=4)
                assert [
                    (each.subject, each.walk_id, each.templates) for each in ours.candidates
                ] == [(each.subject, each.walk_id, each.templates) for each in theirs.candidates]
                assert ours.gallery_size == theirs.gallery_size
        held = sum(len(vectors_in(collections, name)) for name in collections.names())
        assert held == sum(memory.held().values()) == 9

    agree()
    merge, _ = registry.merges.merge("s0", "s1", undo_within=timedelta(days=1))
    agree()
    registry.transfers.move("s1", "lab")
    agree()
    registry.merges.undo(merge.id)
    agree()
    memory.close()


def test_all_templates_can_be_read_for_a_measurement_of_the_gallery(
    registry: Registry, start: Callable[[], MilvusIndexes]
) -> None:
    enroll(registry, "anna", [axis(0), axis(1)])
    enroll(registry, "bert", [axis(2)])
    with search_with(registry, start()).templates("default", CHECKPOINT) as pieces:
        ((subjects_n, vectors_nd),) = pieces
    assert len(set(subjects_n.tolist())) == 2
    np.testing.assert_allclose(vectors_nd, [axis(0), axis(1), axis(2)], atol=1e-6)


def test_an_erasure_has_left_milvus_when_it_is_acknowledged(
    registry: Registry, collections: Collections, start: Callable[[], MilvusIndexes]
) -> None:
    search = search_with(registry, start())
    enroll(registry, "anna", [axis(0), axis(1)])
    enroll(registry, "bert", [axis(2)])
    assert ranking(search, axis(0)) == ["anna", "bert"]
    assert len(held_templates(collections)) == 3
    registry.subjects.delete("anna")
    assert len(held_templates(collections)) == 1
    registry.galleries.delete("default", force=True)
    assert collections.names() == set()


def test_with_a_master_key_no_vector_leaves_as_it_is(
    registry: Registry,
    master_keys: MasterKeySource | None,
    collections: Collections,
    start: Callable[[], MilvusIndexes],
) -> None:
    """Nor is one alike in two galleries; without a key they stand in Milvus as in SQL."""
    search = search_with(registry, start())
    for gallery in ("lab", "clinic"):
        enroll(registry, "anna", [axis(0)], gallery=gallery)
        enroll(registry, "bert", [between(0, 1, 0.8)], gallery=gallery)
        assert ranking(search, axis(0), gallery=gallery) == ["anna", "bert"]
    lab, clinic = (vectors_in(collections, name) for name in sorted(collections.names()))
    (lab_anna, lab_bert), (clinic_anna, _) = lab.values(), clinic.values()
    assert float(lab_anna @ lab_bert) == pytest.approx(0.8, abs=1e-5)
    is_plain = np.allclose(lab_anna, axis(0), atol=1e-6)
    are_alike = np.allclose(lab_anna, clinic_anna, atol=1e-3)
    assert (is_plain, are_alike) == ((True, True) if master_keys is None else (False, False))


@pytest.mark.only_encrypted  # protection needs a master key
def test_a_protected_gallery_is_found_before_and_after_its_secret_is_renewed(
    registry: Registry,
    start: Callable[[], MilvusIndexes],
) -> None:
    here, there = search_with(registry, start()), search_with(registry, start())
    enroll(registry, "anna", [axis(0)])
    enroll(registry, "bert", [between(0, 1, 0.6)])
    for change in (registry.protection.protect, registry.protection.renew):
        assert ranking(here, axis(0)) == ["anna", "bert"]
        change("default")
        result = there.search("default", CHECKPOINT, axis(0)[None], top_k=2)
        assert [each.score for each in result.candidates] == pytest.approx([1.0, 0.6], abs=1e-5)
        assert result.cohort is not None
        assert result.cohort.mean == pytest.approx(0.6, abs=1e-5)


def test_a_collection_that_was_dropped_is_made_anew(
    registry: Registry, collections: Collections, start: Callable[[], MilvusIndexes]
) -> None:
    search = search_with(registry, start())
    enroll(registry, "anna", [axis(0)])
    assert ranking(search, axis(0)) == ["anna"]
    lost = only(collections.names())
    collections.drop(lost)
    assert ranking(search, axis(0)) == ["anna"]
    assert only(collections.names()) != lost


def test_a_collection_that_lacks_somebody_is_noticed_and_made_anew(
    registry: Registry, collections: Collections, start: Callable[[], MilvusIndexes]
) -> None:
    indexes = start()
    search = search_with(registry, indexes)
    enroll(registry, "anna", [axis(0)])
    enroll(registry, "bert", [axis(1)])
    assert len(ranking(search, axis(0))) == 2
    template = min(held_templates(collections))
    collections.delete(only(collections.names()), np.array([template]))
    assert len(ranking(search, axis(0))) == 1
    indexes.look_round()
    assert len(ranking(search, axis(0))) == 2


def test_what_sql_does_not_hold_is_never_answered_and_thrown_out(
    registry: Registry, collections: Collections, start: Callable[[], MilvusIndexes]
) -> None:
    """As when a process that was thought dead wakes up and writes whom it remembers."""
    search = search_with(registry, start())
    for number in range(40):
        enroll(registry, f"gone{number}", [axis(0)])
    enroll(registry, "bert", [between(0, 1, 0.9)])
    assert len(ranking(search, axis(0), top_k=50)) == 41
    name = only(collections.names())
    remembered = collections.fetch(name, np.arange(1000))
    assert remembered is not None
    for number in range(40):
        registry.subjects.delete(f"gone{number}")
    collections.upsert(
        name, remembered.templates_n, remembered.subjects_n, remembered.vectors_nd, revision=2
    )
    assert len(held_templates(collections)) == 41
    result = search.search("default", CHECKPOINT, axis(0)[None], top_k=1)
    assert [each.subject for each in result.candidates] == ["bert"]
    assert result.candidates[0].score == pytest.approx(0.9, abs=1e-6)
    assert len(held_templates(collections)) == 1


class _BreaksOff(Server):
    """A real client whose process dies, as it were, at one of its calls: before or after it."""

    def __init__(self, server: MilvusServer) -> None:
        super().__init__(f"http://127.0.0.1:{server.port}", prefix=server.prefix)
        self.left = sys.maxsize
        self.is_done = False

    def call(self, what: Callable[[Any], _Answer]) -> _Answer:
        self.left -= 1
        if self.left > 0:
            return super().call(what)
        if self.is_done:
            super().call(what)
        raise IndexAway


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_wherever_one_breaks_off_the_next_finishes_and_counts_nothing_twice(
    registry: Registry,
    mine: MilvusServer,
    database_url: str,
    master_keys: MasterKeySource | None,
    collections: Collections,
    start: Callable[[], MilvusIndexes],
    is_done: bool,
) -> None:
    """At the first call of a step, at the second, and so on until it has no more calls."""
    elsewhere = Registry.open(database_url, master_keys=master_keys)  # a process without Milvus
    memory, healthy = GallerySearch(registry), search_with(registry, start())
    for number in range(6):
        enroll(elsewhere, f"s{number}", [unit_vector(number), unit_vector(100 + number)])
    assert len(ranking(healthy, axis(0), top_k=9)) == 6
    breaking = _BreaksOff(mine)
    broken = search_with(registry, MilvusIndexes(registry, breaking))
    calls, breaking.is_done = 0, is_done
    while True:
        calls += 1
        enroll(elsewhere, f"new{calls}", [unit_vector(200 + calls)])
        walks = enroll(elsewhere, "s0", [unit_vector(300 + calls)]).walks
        ranking(healthy, axis(0))
        elsewhere.walks.delete(walks[0])
        elsewhere.subjects.delete(f"new{calls}")
        enroll(elsewhere, f"s{calls % 6}", [unit_vector(400 + calls)])
        breaking.left = calls
        try:
            ranking(broken, axis(0))
        except IndexAway:
            is_finished = False
        else:
            is_finished = True
        # What the broken one had put in and never counted goes before it is counted.
        elsewhere.walks.delete(elsewhere.walks.list(f"s{calls % 6}")[-1].id)
        for probe in range(2):
            probe_kd = unit_vector(500 + probe)[None]
            ours = healthy.search("default", CHECKPOINT, probe_kd, top_k=3)
            theirs = memory.search("default", CHECKPOINT, probe_kd, top_k=3)
            assert [each.walk_id for each in ours.candidates] == [
                each.walk_id for each in theirs.candidates
            ]
            assert ours.gallery_size == theirs.gallery_size == 6
            assert ours.cohort is not None
            assert theirs.cohort is not None
            assert ours.cohort.mean == pytest.approx(theirs.cohort.mean, abs=1e-5)
        assert len(held_templates(collections)) == 12
        if is_finished:
            break
    assert calls > 3
    breaking.left = sys.maxsize
    broken.close()
    memory.close()
    elsewhere.close()


def test_a_first_feed_that_broke_off_leaves_nobody_behind_who_was_erased_since(
    registry: Registry,
    mine: MilvusServer,
    database_url: str,
    master_keys: MasterKeySource | None,
    collections: Collections,
    start: Callable[[], MilvusIndexes],
) -> None:
    elsewhere = Registry.open(database_url, master_keys=master_keys)
    enroll(elsewhere, "anna", [axis(0)])
    enroll(elsewhere, "bert", [axis(1)])
    breaking = _BreaksOff(mine)
    breaking.left, breaking.is_done = 2, True  # the collection is made, the vectors are in it
    broken = MilvusIndexes(elsewhere, breaking)
    with pytest.raises(IndexAway):
        ranking(search_with(elsewhere, broken), axis(0))
    assert len(held_templates(collections)) == 2
    broken.close()
    elsewhere.close()
    registry.subjects.delete("anna")
    assert ranking(search_with(registry, start()), axis(0)) == ["bert"]
    assert len(held_templates(collections)) == 1


def test_who_died_with_the_lease_is_waited_for_and_then_replaced(
    sqlite_url: str, mine: MilvusServer
) -> None:
    hours = [datetime(2026, 11, 26, tzinfo=UTC)]
    registry = Registry.open(sqlite_url, clock=lambda: hours[-1])
    indexes = MilvusIndexes(registry, mine.connect(), wait_seconds=0.1)
    search = search_with(registry, indexes)
    enroll(registry, "anna", [axis(0)])
    gallery_id = registry.galleries.get("default").id
    assert registry.index_feeds.take(gallery_id, CHECKPOINT, "somebody", 30.0) is not None
    with pytest.raises(IndexBehind) as caught:
        ranking(search, axis(0))
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "5"})
    hours.append(hours[-1] + timedelta(seconds=31))
    assert ranking(search, axis(0)) == ["anna"]
    indexes.close()
    registry.close()


def test_after_a_restore_nothing_of_the_other_history_is_answered(
    registry: Registry,
    database_url: str,
    collections: Collections,
    start: Callable[[], MilvusIndexes],
) -> None:
    search = search_with(registry, start())
    enroll(registry, "anna", [axis(0)])
    assert ranking(search, axis(0)) == ["anna"]
    before = only(collections.names())
    database = Database(database_url)
    with database.write() as connection:
        end_epoch(connection)
    database.close()
    assert ranking(search, axis(0)) == ["anna"]
    assert only(collections.names()) != before


@pytest.mark.only_encrypted  # without a key none can be changed
def test_another_master_key_has_another_collection(
    registry: Registry,
    database_url: str,
    mine: MilvusServer,
    collections: Collections,
    start: Callable[[], MilvusIndexes],
) -> None:
    enroll(registry, "anna", [axis(0)])
    assert ranking(search_with(registry, start()), axis(0)) == ["anna"]
    before = only(collections.names())
    rotated = Registry.open(database_url, master_keys=master_keys_of(OTHER_KEY, KEY))
    indexes = MilvusIndexes(rotated, mine.connect())
    assert ranking(search_with(rotated, indexes), axis(0)) == ["anna"]
    assert only(collections.names()) != before
    indexes.close()
    rotated.close()


def test_collections_that_nobody_needs_are_dropped(
    registry: Registry, collections: Collections, start: Callable[[], MilvusIndexes]
) -> None:
    """Of a process that died between two steps; of a checkpoint that serves no more."""
    indexes = start()
    search = search_with(registry, indexes)
    for checkpoint_id in (CHECKPOINT, "another"):
        enroll(registry, "anna", [axis(0)], checkpoint_id=checkpoint_id)
        search.search("default", checkpoint_id, axis(0)[None], top_k=1)
    name = next(iter(collections.names()))
    stray = f"{name.partition('_')[0]}_1_stray"
    collections.create(stray, DIMENSIONS)
    assert len(collections.names()) == 3
    indexes.look_round()
    assert stray not in collections.names()
    search.hold([CHECKPOINT])
    indexes.look_round()
    assert len(collections.names()) == 2
    indexes.look_round()
    assert len(collections.names()) == 1
    assert ranking(search, axis(0)) == ["anna"]


def test_a_checkpoint_that_is_about_to_serve_is_fed_before(
    registry: Registry, collections: Collections, start: Callable[[], MilvusIndexes]
) -> None:
    search = search_with(registry, start())
    enroll(registry, "anna", [axis(0)])
    enroll(registry, "anna", [axis(1)], checkpoint_id="next")
    ranking(search, axis(0))
    search.hold([CHECKPOINT, "next"])
    assert len(collections.names()) == 2
    assert sorted(search.held().values()) == [1, 1]


def test_while_milvus_is_away_people_are_erased_all_the_same(
    registry: Registry, tmp_path: Path
) -> None:
    """Searches say so. When it is back, it follows; the sum of few vectors is gone before."""
    with milvus_server(tmp_path) as server:
        indexes = MilvusIndexes(registry, server.connect())
        search = search_with(registry, indexes)
        enroll(registry, "anna", [axis(0)])
        enroll(registry, "bert", [axis(1)])
        assert ranking(search, axis(0)) == ["anna", "bert"]
        search.refresh()
        assert not is_away(search)
    enroll(registry, "cora", [axis(2)])
    with pytest.raises(IndexAway) as caught:
        ranking(search, axis(0))
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "5"})
    search.refresh()
    assert is_away(search)
    registry.subjects.delete("anna")
    gallery_id = registry.galleries.get("default").id
    now = registry.index_feeds.now(gallery_id, CHECKPOINT)
    assert now is not None
    assert now.feed is not None
    assert len(now.feed.sums_d) == 0
    with milvus_server(tmp_path, server.port) as again:
        assert again.port == server.port
        until = monotonic() + 30.0
        while is_away(search) and monotonic() < until:
            search.refresh()  # as the service does every second; gRPC itself waits between attempts
        assert not is_away(search)
        result = search.search("default", CHECKPOINT, axis(0)[None], top_k=5)
        assert sorted(each.subject for each in result.candidates) == ["bert", "cora"]
        assert len(held_templates(Collections(server.connect()))) == 2
        indexes.close()


def test_a_file_is_a_milvus_for_one_process(registry: Registry, tmp_path: Path) -> None:
    """Milvus Lite, in this process: for trying it out."""
    indexes = MilvusIndexes(registry, Server(str(tmp_path / "try.db")))
    search = search_with(registry, indexes)
    enroll(registry, "anna", [axis(0)])
    assert ranking(search, axis(0)) == ["anna"]
    indexes.close()


def test_without_the_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(MilvusNotInstalled, match="walkprint\\[milvus\\]"):
        Server("http://127.0.0.1:19530")


def test_who_has_no_milvus_loads_no_client_for_it() -> None:
    script = "import sys, app.worker.recognition; print('pymilvus' in sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.split()[-1] == "False"
