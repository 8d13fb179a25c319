"""A search finds exactly what SQL holds when it starts: no less, no more, in the right order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.errors import UnknownGallery, UnknownSubject
from app.registry import Registry
from app.search import GallerySearch
from tests.app.search.conftest import OpenSearch
from tests.enrolling import CHECKPOINT, DIMENSIONS, enroll, unit_vector


def ranking(
    search: GallerySearch, probe_d: NDArray[np.float32], *, gallery: str = "default", top_k: int = 5
) -> list[str]:
    result = search.search(gallery, CHECKPOINT, probe_d[None], top_k=top_k)
    return [candidate.subject for candidate in result.candidates]


def axis(number: int) -> NDArray[np.float32]:
    """(D,) unit vector along one axis."""
    vector_d = np.zeros(DIMENSIONS, dtype=np.float32)
    vector_d[number] = 1.0
    return vector_d


def between(first: int, second: int, share: float) -> NDArray[np.float32]:
    """(D,) unit vector in a plane of two axes, at cosine `share` to the first."""
    vector_d = np.zeros(DIMENSIONS, dtype=np.float32)
    vector_d[first], vector_d[second] = share, np.sqrt(1 - share**2)
    return vector_d


def test_the_closest_subject_comes_first_with_its_best_walk(
    registry: Registry, open_search: OpenSearch
) -> None:
    enroll(registry, "bert", [between(0, 1, 0.6)])
    walks = enroll(registry, "anna", [between(0, 1, 0.2), between(0, 1, 0.9)], name="Anna").walks
    result = open_search().search("default", CHECKPOINT, axis(0)[None], top_k=5)
    first, second = result.candidates
    assert (first.subject, first.name, first.templates) == ("anna", "Anna", 2)
    assert first.walk_id == walks[1]
    assert first.score == pytest.approx(0.9, abs=1e-6)
    assert (second.subject, second.templates) == ("bert", 1)
    assert (result.gallery_size, result.revision) == (2, 2)


def test_a_probe_of_several_vectors_scores_its_best_pair(
    registry: Registry, open_search: OpenSearch
) -> None:
    enroll(registry, "anna", [axis(0)])
    enroll(registry, "bert", [between(1, 2, 0.8)])
    probe_kd = np.stack([between(0, 3, 0.5), axis(1)])
    result = open_search().search("default", CHECKPOINT, probe_kd, top_k=2)
    assert [each.subject for each in result.candidates] == ["bert", "anna"]
    assert [each.score for each in result.candidates] == pytest.approx([0.8, 0.5], abs=1e-6)


def test_equal_scores_are_ordered_by_subject_id_also_at_the_cut(
    registry: Registry, open_search: OpenSearch
) -> None:
    for subject in ("d", "b", "e", "a", "c"):
        enroll(registry, subject, [axis(0)])
    search = open_search()
    assert ranking(search, axis(0), top_k=2) == ["a", "b"]
    assert ranking(search, axis(0), top_k=9) == ["a", "b", "c", "d", "e"]


def test_a_subject_with_very_many_close_walks_does_not_hide_the_others(
    registry: Registry, open_search: OpenSearch
) -> None:
    for _ in range(4):
        enroll(registry, "anna", [between(0, 1, 0.99)] * 100)
    enroll(registry, "bert", [between(0, 1, 0.5)])
    enroll(registry, "cora", [between(0, 1, 0.4)])
    assert ranking(open_search(), axis(0), top_k=3) == ["anna", "bert", "cora"]


def test_an_empty_gallery_gives_no_candidate(registry: Registry, open_search: OpenSearch) -> None:
    registry.galleries.create("lab")
    result = open_search().search("lab", CHECKPOINT, axis(0)[None], top_k=5)
    assert (result.candidates, result.gallery_size, result.revision) == ((), 0, 0)


def test_an_unknown_gallery_is_a_404_also_after_it_was_searched(
    registry: Registry, open_search: OpenSearch
) -> None:
    search = open_search()
    with pytest.raises(UnknownGallery):
        ranking(search, axis(0), gallery="lab")
    enroll(registry, "anna", [axis(0)], gallery="lab")
    assert ranking(search, axis(0), gallery="lab") == ["anna"]
    registry.galleries.delete("lab", force=True)
    with pytest.raises(UnknownGallery):
        ranking(search, axis(0), gallery="lab")
    enroll(registry, "bert", [axis(0)], gallery="lab")
    assert ranking(search, axis(0), gallery="lab") == ["bert"]


def test_a_renamed_gallery_is_searched_under_its_new_name(
    registry: Registry, open_search: OpenSearch
) -> None:
    enroll(registry, "anna", [axis(0)], gallery="lab")
    search = open_search()
    ranking(search, axis(0), gallery="lab")
    registry.galleries.change("lab", new_name="clinic")
    assert ranking(search, axis(0), gallery="clinic") == ["anna"]


def test_galleries_and_checkpoints_are_searched_apart(
    registry: Registry, open_search: OpenSearch
) -> None:
    enroll(registry, "anna", [axis(0)], gallery="lab")
    enroll(registry, "bert", [axis(0)], gallery="clinic")
    enroll(registry, "cora", [axis(0)], gallery="lab", checkpoint_id="another")
    search = open_search()
    assert ranking(search, axis(0), gallery="lab") == ["anna"]
    result = search.search("lab", "another", axis(0)[None], top_k=5)
    assert [each.subject for each in result.candidates] == ["cora"]
    assert result.gallery_size == 1


def test_what_one_instance_enrols_the_next_search_of_another_finds(
    registry: Registry, open_search: OpenSearch
) -> None:
    searches = [open_search() for _ in range(3)]
    for number in range(12):
        enroll(registry, f"s{number}", [axis(number)])
        for search in searches[: 1 + number % 3]:
            assert ranking(search, axis(number), top_k=1) == [f"s{number}"]


def test_an_erased_subject_and_a_deleted_walk_are_never_found_again(
    registry: Registry, open_search: OpenSearch
) -> None:
    here, there = open_search(), open_search()
    walks = enroll(registry, "anna", [axis(0), axis(1)]).walks
    enroll(registry, "bert", [axis(2)])
    assert ranking(there, axis(0)) == ranking(here, axis(0))
    registry.walks.delete(walks[0])
    (best, _) = there.search("default", CHECKPOINT, axis(0)[None], top_k=2).candidates
    assert best.walk_id != walks[0]
    registry.subjects.delete("anna")
    for search in (here, there):
        result = search.search("default", CHECKPOINT, axis(0)[None], top_k=5)
        assert [each.subject for each in result.candidates] == ["bert"]
        assert result.gallery_size == 1


def test_a_name_is_always_the_present_one(registry: Registry, open_search: OpenSearch) -> None:
    enroll(registry, "anna", [axis(0)], name="Anna")
    search = open_search()
    ranking(search, axis(0))
    registry.subjects.patch("anna", name="Anna W.")
    result = search.search("default", CHECKPOINT, axis(0)[None], top_k=1)
    assert result.candidates[0].name == "Anna W."


def test_erased_vectors_leave_an_index_that_is_not_searched(
    registry: Registry, open_search: OpenSearch
) -> None:
    search = open_search()
    enroll(registry, "anna", [axis(0)])
    enroll(registry, "bert", [axis(1)], gallery="lab")
    ranking(search, axis(0))
    ranking(search, axis(0), gallery="lab")
    assert sorted(search.held().values()) == [1, 1]
    registry.subjects.delete("anna")
    registry.galleries.delete("lab", force=True)
    search.refresh()
    default = registry.galleries.get("default").id
    assert search.held() == {(default, CHECKPOINT): 0}


def test_a_claim_is_compared_with_the_claimed_subject_alone(
    registry: Registry, open_search: OpenSearch
) -> None:
    walks = enroll(registry, "anna", [between(0, 1, 0.3), between(0, 1, 0.7)], name="Anna").walks
    enroll(registry, "bert", [axis(0)])
    search = open_search()
    compared = search.compare("default", CHECKPOINT, axis(0)[None], "anna")
    assert compared.score == pytest.approx(0.7, abs=1e-6)
    assert (compared.subject, compared.name, compared.templates) == ("anna", "Anna", 2)
    assert compared.walk_id == walks[1]
    assert search.compare("default", "another", axis(0)[None], "anna").score is None
    with pytest.raises(UnknownSubject):
        search.compare("default", CHECKPOINT, axis(0)[None], "nobody")
    with pytest.raises(UnknownGallery):
        search.compare("nowhere", CHECKPOINT, axis(0)[None], "anna")


def test_a_cohort_is_everybody_but_the_best_also_after_changes(
    registry: Registry, open_search: OpenSearch
) -> None:
    """The mean over their templates, when the vectors in memory have moved about."""
    walks = enroll(registry, "anna", [between(0, 1, 0.9), between(0, 1, 0.8)]).walks
    enroll(registry, "gone", [between(0, 2, 0.7)])
    enroll(registry, "bert", [between(0, 1, 0.6), between(0, 2, 0.1)])
    enroll(registry, "cora", [between(0, 3, 0.2)])
    search = open_search()
    before = search.search("default", CHECKPOINT, axis(0)[None], top_k=1)
    assert before.cohort is not None
    assert before.cohort.subjects == 3
    assert before.cohort.mean == pytest.approx((0.7 + 0.6 + 0.1 + 0.2) / 4, abs=1e-6)
    registry.subjects.delete("gone")
    registry.walks.delete(walks[0])
    after = search.search("default", CHECKPOINT, axis(0)[None], top_k=1)
    assert after.cohort is not None
    assert after.cohort.subjects == 2
    assert after.cohort.mean == pytest.approx((0.6 + 0.1 + 0.2) / 3, abs=1e-6)
    claimed = search.compare("default", CHECKPOINT, axis(0)[None], "cora")
    assert claimed.cohort is not None
    assert claimed.cohort.mean == pytest.approx((0.8 + 0.6 + 0.1) / 3, abs=1e-6)


def test_nobody_else_is_no_cohort(registry: Registry, open_search: OpenSearch) -> None:
    enroll(registry, "anna", [axis(0)])
    search = open_search()
    assert search.search("default", CHECKPOINT, axis(0)[None], top_k=1).cohort is None
    assert search.compare("default", CHECKPOINT, axis(0)[None], "anna").cohort is None


def test_searches_beside_writers_find_whoever_is_there_for_certain(
    registry: Registry, open_search: OpenSearch
) -> None:
    """Every thread finds its own last enrolment at once, and nobody finds the erased."""
    search = open_search()
    enroll(registry, "steady", [axis(15)])
    failures: list[str] = []
    done = threading.Event()

    def come_and_go(thread: int) -> None:
        for number in range(12):
            subject = f"{thread}-{number}"
            vector_d = unit_vector(1000 * thread + number)
            enroll(registry, subject, [vector_d])
            if ranking(search, vector_d, top_k=1) != [subject]:
                failures.append(f"{subject} not found")
            registry.subjects.delete(subject)
            if subject in ranking(search, vector_d, top_k=50):
                failures.append(f"{subject} found after its erasure")

    def look() -> int:
        looks = 0
        while not done.is_set():
            if "steady" not in ranking(search, axis(15), top_k=50):
                failures.append("steady not found")
            looks += 1
        return looks

    with ThreadPoolExecutor(6) as pool:
        lookers = [pool.submit(look) for _ in range(2)]
        for writer in [pool.submit(come_and_go, thread) for thread in range(4)]:
            writer.result()
        done.set()
        assert all(looker.result() > 0 for looker in lookers)
    assert failures == []


class Model:
    """What the index should answer, computed from a dictionary."""

    def __init__(self) -> None:
        self.vectors: dict[str, dict[str, NDArray[np.float32]]] = {}

    def ranking(self, probe_d: NDArray[np.float32], top_k: int) -> list[tuple[str, float]]:
        scores = [
            (subject, max(float(vector_d @ probe_d) for vector_d in walks.values()))
            for subject, walks in self.vectors.items()
            if walks
        ]
        return sorted(scores, key=lambda each: (-each[1], each[0]))[:top_k]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["enroll", "enroll", "enroll", "erase", "drop walk", "search"]),
            st.integers(0, 7),
            st.integers(0, 10**6),
        ),
        min_size=5,
        max_size=25,
    )
)
def test_after_any_operations_the_index_answers_as_sql_would(
    registry: Registry, open_search: OpenSearch, steps: list[tuple[str, int, int]]
) -> None:
    gallery = f"g{np.random.default_rng().integers(10**12)}"
    registry.galleries.create(gallery)
    model = Model()
    always, seldom = open_search(), open_search()
    for action, who, seed in steps:
        subject = f"s{who}"
        walks = model.vectors.get(subject, {})
        if action == "enroll":
            vectors = [unit_vector(seed + extra) for extra in range(1 + seed % 3)]
            enrolled = enroll(registry, subject, vectors, gallery=gallery)
            model.vectors[subject] = walks | dict(zip(enrolled.walks, vectors, strict=True))
        elif action == "erase" and subject in model.vectors:
            registry.subjects.delete(subject, gallery=gallery)
            del model.vectors[subject]
        elif action == "drop walk" and walks:
            walk_id = sorted(walks)[seed % len(walks)]
            registry.walks.delete(walk_id)
            del walks[walk_id]
        for search in (always, seldom) if action == "search" else (always,):
            probe_d = unit_vector(seed + 7)
            result = search.search(gallery, CHECKPOINT, probe_d[None], top_k=4)
            expected = model.ranking(probe_d, 4)
            assert [each.subject for each in result.candidates] == [who for who, _ in expected]
            assert [each.score for each in result.candidates] == pytest.approx(
                [score for _, score in expected], abs=1e-5
            )
            assert result.gallery_size == sum(bool(each) for each in model.vectors.values())


def test_a_search_says_how_far_it_was_behind(registry: Registry, open_search: OpenSearch) -> None:
    enroll(registry, "anna", [axis(0)])
    search = open_search()
    assert ranking(search, axis(0)) == ["anna"]
    for number in range(3):
        enroll(registry, f"later-{number}", [axis(number)])

    search.refresh()
    behind = search.lag
    search.refresh()

    assert (behind, search.lag) == (3, 0)
