"""The index answers as a dictionary would, at every moment of any history of changes."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.draft import OutOfStep
from app.search.index import TemplateIndex
from app.search.view import Layout, View
from tests.app.search.index_world import DIMENSIONS, World, changes, unit_vectors

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "remove", "move", "tidy", "search"]),
        st.integers(0, 10**6),
        st.integers(1, 12),
    ),
    min_size=10,
    max_size=60,
)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, half_from=st.sampled_from([1, 40, 10**9]))
def test_after_any_changes_it_answers_as_a_dictionary_would(
    steps: list[tuple[str, int, int]], half_from: int
) -> None:
    world = World(Layout(chunk_rows=8, half_from=half_from))
    for action, seed, number in steps:
        rng = np.random.default_rng(seed)
        some = sorted(rng.permutation(sorted(world.held))[:number].tolist())
        if action == "add":
            world.add(rng.integers(1, 15, number).tolist(), seed=seed)
        elif action == "remove":
            world.remove(some)
        elif action == "move":  # to another subject, in one revision: new ids for the same walks
            world.add(rng.integers(1, 15, len(some)).tolist(), seed=seed, removed=some)
        elif action == "tidy":
            world.index.tidy()
        probe_d = unit_vectors(1, seed + 1)[0]
        # Both roundings and the order of a sum stay below 2^-10 for vectors of length 1.
        assert world.differences(probe_d, 1 + seed % 4, within=2**-10) == []
        assert len(world.index) == len(world.held)


def test_gaps_are_closed_until_no_more_than_a_quarter_is_left() -> None:
    world = World()
    world.add(list(range(1, 101)), seed=1)
    world.remove([template for template in world.held if template % 3])

    while world.index.tidy():
        pass

    with world.index.reading() as view:
        rows = sum(held.size for held in view.chunks)
        assert rows <= len(world.held) / 0.75
        # Any two neighbours fill more than half of a chunk.
        assert len(view.chunks) <= 4 * len(world.held) / view.layout.chunk_rows + 1
    assert world.differences(unit_vectors(1, 2)[0], 5, within=1e-6) == []


def test_what_is_removed_is_overwritten_at_once() -> None:
    world = World()
    world.add([1, 2, 3], seed=1)
    with world.index.reading() as view:
        stored_nd = view.chunks[0].chunk.vectors_nd

    world.remove([2])

    assert np.isnan(stored_nd[1]).all()
    assert np.isfinite(stored_nd[[0, 2]]).all()


def test_chunks_that_are_written_anew_leave_nothing_behind() -> None:
    world = World()
    world.add([1, 2, 3, 4], seed=1)
    with world.index.reading() as view:
        stored_nd = view.chunks[0].chunk.vectors_nd
    world.remove([1, 2])

    assert world.index.tidy()

    assert np.isnan(stored_nd[:4]).all()


def test_a_search_that_began_before_a_change_sees_nothing_of_it() -> None:
    """And what it reads is overwritten only when it has ended, in the thread that ends it."""
    world = World()
    world.add([1, 2], seed=1)
    with world.index.reading() as view:
        before_d = view.chunks[0].chunk.read(np.array([0]))[0]
        world.add([1], seed=2, removed=[1])  # moved to a new id in one revision

        assert (view.revision, view.templates) == (1, 2)
        assert view.chunks[0].living_rows().tolist() == [0, 1]
        assert (view.chunks[0].chunk.read(np.array([0]))[0] == before_d).all()
        assert world.differences(unit_vectors(1, 3)[0], 2, within=1e-6) == []
        stored_nd = view.chunks[0].chunk.vectors_nd
    assert np.isnan(stored_nd[0]).all()


def test_searches_beside_changes_see_whole_revisions_only() -> None:
    """A subject that is moved to a new id again and again is found by every single search."""
    world = World(Layout(chunk_rows=64, half_from=10**9))
    world.add([*range(2, 400), 1], seed=1)
    vector_d = world.held[399][1]
    done = threading.Event()
    missed: list[int] = []

    def look() -> None:
        while not done.is_set():
            found = world.index.search(vector_d[None], 1)
            if [hit.subject_id for hit in found.hits] != [1] or found.subjects != 399:
                missed.append(found.revision)

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    last = 399
    for number in range(300):
        move = changes(
            world.index.revision,
            removed=[last],
            templates=[last + 1],
            subjects=[1],
            vectors_nd=vector_d[None],
        )
        world.index.apply(move)
        last += 1
        if number % 10 == 0:
            world.index.tidy()
    done.set()
    for looker in lookers:
        looker.join()
    assert missed == []


def test_sixteen_bits_change_a_score_by_less_than_a_two_thousandth() -> None:
    """Each value keeps 11 bits: the error of a cosine is at most 2^-11, and mostly far less."""
    exact = World(Layout(chunk_rows=512, half_from=10**9))
    half = World(Layout(chunk_rows=512, half_from=1))
    for world in (exact, half):
        world.add(list(range(1, 1001)), seed=1)
    probe_d = unit_vectors(1, 2)[0]
    scores = [
        {hit.subject_id: hit.score for hit in world.index.search(probe_d[None], 1000).hits}
        for world in (exact, half)
    ]
    errors_n = np.array([scores[0][subject] - scores[1][subject] for subject in scores[0]])
    assert len(errors_n) == 1000
    assert 0 < np.abs(errors_n).max() < 2**-11
    assert np.abs(errors_n).mean() < 2**-13


def test_a_growing_index_is_rounded_as_a_whole_when_it_is_large() -> None:
    world = World(Layout(chunk_rows=8, half_from=20))
    world.add(list(range(1, 20)), seed=1)
    with world.index.reading() as view:
        assert not any(held.chunk.half for held in view.chunks)
    world.add([20], seed=2)
    with world.index.reading() as view:
        assert all(held.chunk.half for held in view.chunks)
    assert world.differences(unit_vectors(1, 3)[0], 20, within=2**-10) == []


def test_what_will_be_large_is_rounded_from_the_first() -> None:
    """A start never holds the vectors in twice their size."""
    index = TemplateIndex(view=View.empty(Layout(chunk_rows=8, half_from=20)))
    first = changes(0, templates=[1, 2], subjects=[1, 2], vectors_nd=unit_vectors(2, 1))
    index.apply(replace(first, held=20))
    with index.reading() as view:
        assert view.chunks[0].chunk.half


def test_the_mean_of_the_cohort_does_not_drift() -> None:
    world = World(Layout(chunk_rows=64, half_from=10**9))
    world.add(list(range(1, 51)), seed=1)
    for number in range(400):
        world.add([100], seed=number)
        world.remove([max(world.held)])
    probe_d = unit_vectors(1, 3)[0]
    found = world.index.search(probe_d[None], 1)
    assert found.cohort is not None
    mean, _ = world.expected_cohort(probe_d, found.hits[0].subject_id)
    assert found.cohort.mean == pytest.approx(mean, abs=1e-7)


def test_the_sample_of_a_large_index_is_of_every_so_many_th_template() -> None:
    """Over all chunks, without the gaps, and each subject once."""
    at_once, in_steps = World(Layout(chunk_rows=64)), World(Layout(chunk_rows=8))
    at_once.add(list(range(1, 101)), seed=1)
    in_steps.add(list(range(1, 51)), seed=1)
    in_steps.add([200, 201], seed=2)
    in_steps.remove(sorted(in_steps.held)[-2:])
    in_steps.add(list(range(1, 51)), seed=3)
    with at_once.index.reading() as view:
        assert view.sample(100).tolist() == list(range(1, 101))
        assert view.sample(30).tolist() == list(range(1, 101, 4))
    with in_steps.index.reading() as view:
        assert view.sample(50).tolist() == list(range(1, 51, 2))


def test_a_spread_told_by_some_is_near_that_of_all() -> None:
    world = World(Layout(chunk_rows=1024))
    world.add([1 + number // 2 for number in range(4000)], seed=1)
    probe_d = unit_vectors(1, 3)[0]
    found = world.index.search(probe_d[None], 1)
    assert found.cohort is not None
    assert found.cohort.scores is not None
    _, spread = world.expected_cohort(probe_d, found.hits[0].subject_id)
    assert found.cohort.scores.deviation == pytest.approx(spread, rel=0.1)
    assert found.cohort.scores.deviation != pytest.approx(spread, rel=1e-6)


@pytest.mark.parametrize("since", [0, 2])
def test_changes_that_start_elsewhere_are_refused(since: int) -> None:
    world = World()
    world.add([1], seed=1)
    with pytest.raises(OutOfStep):
        world.index.apply(
            changes(since, templates=[9], subjects=[9], vectors_nd=unit_vectors(1, 2))
        )
    assert len(world.index) == 1


@pytest.mark.parametrize("templates", [[1, 7], [8, 7], [7, 7]])
def test_template_ids_that_do_not_ascend_are_refused_as_a_whole(templates: list[int]) -> None:
    world = World()
    world.add([1, 2], seed=1)
    with pytest.raises(OutOfStep):
        world.index.apply(
            changes(
                1, removed=[1], templates=templates, subjects=[3, 4], vectors_nd=unit_vectors(2, 2)
            )
        )
    assert world.differences(unit_vectors(1, 3)[0], 2, within=1e-6) == []


def test_an_approximate_index_names_the_same_first_and_scores_it_exactly() -> None:
    """People with several walks, whom a probe resembles: the first of the two indexes agree."""
    rng = np.random.default_rng(1)
    centres_nd = np.repeat(unit_vectors(8_000, 1), 5, axis=0)
    walks_nd = centres_nd + 0.1 * rng.standard_normal(centres_nd.shape).astype(np.float32)
    walks_nd /= np.linalg.norm(walks_nd, axis=1, keepdims=True)
    numbers = range(1, len(walks_nd) + 1)
    both = []
    for approximate in (False, True):
        view = View.empty(Layout(chunk_rows=16_384, half_from=10**9))
        index = TemplateIndex(approximate=approximate, view=view)
        subjects = [1 + (number - 1) // 5 for number in numbers]
        index.apply(changes(0, templates=numbers, subjects=subjects, vectors_nd=walks_nd))
        while index.tidy():
            pass
        both.append(index)
    exact, approximate_index = both
    with approximate_index.reading() as view:
        assert [held.chunk.finder is not None for held in view.chunks] == [True, True, False]

    agree = 0
    for number in rng.integers(0, len(walks_nd), 50).tolist():
        probe_kd = walks_nd[number : number + 1] + 0.1 * unit_vectors(1, number)
        probe_kd /= np.linalg.norm(probe_kd)
        (wanted, *_), (found, *_) = (each.search(probe_kd, 1).hits for each in both)
        agree += found.template_id == wanted.template_id
        assert found.score == pytest.approx(
            float(probe_kd[0] @ walks_nd[found.template_id - 1]), abs=1e-6
        )
    assert agree >= 49

    first = exact.search(walks_nd[:1], 1).hits[0]
    for index in both:
        index.apply(changes(1, removed=[first.template_id]))
        assert first.template_id not in [
            hit.template_id for hit in index.search(walks_nd[:1], 5).hits
        ]


def test_a_probe_without_vectors_and_an_empty_index_find_nobody() -> None:
    world = World()
    assert world.index.search(unit_vectors(1, 1), 3).hits == ()
    world.add([1, 2], seed=1)
    found = world.index.search(np.zeros((0, DIMENSIONS), dtype=np.float32), 3)
    assert (found.hits, found.subjects, found.cohort) == ((), 2, None)
