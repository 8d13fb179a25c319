"""Every protocol and metric on cases small enough to be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.protocols import (
    Cell,
    RecognitionRate,
    casia_b_cells,
    cosine_scores,
    cross_view_cells,
    cumulative_matches,
    equal_error_rate,
    euclidean_scores,
    leave_one_out_cells,
    open_set,
    ranks_of,
    recognition_rate,
    verification_eer,
)

ANNA, BERT, CARL = 0, 1, 2


def test_scores_are_cosines_and_negative_distances() -> None:
    vectors_nd = np.array([[3.0, 0.0], [0.0, 4.0], [1.0, 1.0]], dtype=np.float32)
    np.testing.assert_allclose(cosine_scores(vectors_nd)[0], [1.0, 0.0, np.sqrt(0.5)], atol=1e-6)
    np.testing.assert_allclose(
        euclidean_scores(vectors_nd)[0], [0.0, -5.0, -np.sqrt(5.0)], atol=1e-6
    )


def test_a_zero_vector_scores_zero_and_not_nan() -> None:
    scores_nn = cosine_scores(np.array([[0.0, 0.0], [1.0, 0.0]], dtype=np.float32))
    np.testing.assert_array_equal(scores_nn, [[0.0, 0.0], [0.0, 1.0]])


def test_a_rank_counts_people_and_not_their_walks() -> None:
    # Bert's two walks both beat Anna's best: she is second, not third.
    scores_pg = np.array([[0.5, 0.2, 0.9, 0.8, 0.1]], dtype=np.float32)
    assert ranks_of(scores_pg, [ANNA], [ANNA, ANNA, BERT, BERT, CARL]).tolist() == [2.0]


def test_a_tie_counts_against_the_system() -> None:
    scores_pg = np.array([[0.5, 0.5]], dtype=np.float32)
    assert ranks_of(scores_pg, [ANNA], [ANNA, BERT]).tolist() == [2.0]


def test_an_excluded_comparison_is_as_if_the_walk_were_not_enrolled() -> None:
    scores_pg = np.array([[0.9, 0.3, 0.5], [0.9, 0.3, 0.5]], dtype=np.float32)
    excluded_pg = np.array([[True, False, False], [True, True, False]])
    ranks_p = ranks_of(scores_pg, [ANNA, ANNA], [ANNA, ANNA, BERT], excluded_pg)
    assert ranks_p.tolist() == [2.0, np.inf]


def test_a_person_without_any_gallery_walk_is_never_found() -> None:
    ranks_p = ranks_of(np.array([[0.9]], dtype=np.float32), [CARL], [ANNA])
    assert ranks_p.tolist() == [np.inf]
    assert cumulative_matches(ranks_p, depth=2).tolist() == [0.0, 0.0]


def test_the_cmc_rises_with_the_rank() -> None:
    ranks_p = np.array([1.0, 1.0, 2.0, 4.0])
    assert cumulative_matches(ranks_p, depth=4).tolist() == [0.5, 0.75, 0.75, 1.0]


def test_a_walk_is_not_compared_with_itself() -> None:
    scores_nn = np.array(
        [[1.0, 0.2, 0.8], [0.2, 1.0, 0.1], [0.8, 0.1, 1.0]], dtype=np.float32
    )  # each is most like itself; without that, 0 is nearest to 2
    everything = Cell(np.ones(3, dtype=np.bool_), np.ones(3, dtype=np.bool_))
    rate = recognition_rate(scores_nn, [ANNA, ANNA, BERT], [everything])
    assert rate.hits_sc.tolist() == [[1], [0]]  # walk 1 finds walk 0; Bert has no other walk
    assert rate.value == pytest.approx(1 / 3)


def test_leave_one_out_stays_within_its_view() -> None:
    # Walks 0, 1 of view 0 and 2, 3 of view 90; the other view would be nearer and is not asked.
    scores_nn = np.array(
        [[1, 0.1, 0.9, 0.9], [0.1, 1, 0.9, 0.9], [0.9, 0.9, 1, 0.1], [0.9, 0.9, 0.1, 1]],
        dtype=np.float32,
    )
    rate = recognition_rate(
        scores_nn, [ANNA, ANNA, BERT, BERT], leave_one_out_cells([0, 0, 90, 90])
    )
    assert rate.by_cell_c.tolist() == [1.0, 1.0]


def test_across_views_takes_every_ordered_pair_of_different_views() -> None:
    cells = cross_view_cells([0, 45, 90, 90])
    pairs = [(cell.probe_n.tolist(), cell.gallery_n.tolist()) for cell in cells]
    at_0, at_45, at_90 = (
        [True, False, False, False],
        [False, True, False, False],
        [False, False, True, True],
    )
    assert pairs == [
        (at_0, at_45),
        (at_0, at_90),
        (at_45, at_0),
        (at_45, at_90),
        (at_90, at_0),
        (at_90, at_45),
    ]


def _casia_b_walks() -> tuple[list[str], list[int], list[int], list[int]]:
    """Two people, two views, nm-01, nm-04, nm-05, nm-06, bg-01 and cl-02 of each."""
    subject, condition, walk, view = [], [], [], []
    for person in (ANNA, BERT):
        for degrees in (0, 90):
            for name, number in (("nm", 1), ("nm", 4), ("nm", 5), ("nm", 6), ("bg", 1), ("cl", 2)):
                subject.append(person)
                view.append(degrees)
                condition.append(name)
                walk.append(number)
    return condition, walk, view, subject


def test_casia_b_enrols_the_first_four_normal_walks_of_one_other_view() -> None:
    condition, walk, view, _ = _casia_b_walks()
    cells, pairs = casia_b_cells(condition, walk, view, "nm")
    assert pairs == [(0.0, 90.0), (90.0, 0.0)]
    first = cells[0]
    assert {(condition[i], walk[i], view[i]) for i in np.flatnonzero(first.gallery_n)} == {
        ("nm", 1, 90),
        ("nm", 4, 90),
    }
    assert {(condition[i], walk[i], view[i]) for i in np.flatnonzero(first.probe_n)} == {
        ("nm", 5, 0),
        ("nm", 6, 0),
    }


@pytest.mark.parametrize(("probe_condition", "number"), [("bg", 1), ("cl", 2)])
def test_casia_b_probes_all_walks_with_a_bag_or_in_a_coat(
    probe_condition: str, number: int
) -> None:
    condition, walk, view, _ = _casia_b_walks()
    cells, _ = casia_b_cells(condition, walk, view, probe_condition)
    probes = {(condition[i], walk[i]) for i in np.flatnonzero(cells[0].probe_n)}
    assert probes == {(probe_condition, number)}


def test_casia_b_is_the_mean_over_views_by_hand() -> None:
    """Probes of view 0 all find their person in view 90; of view 90 only Anna's do in view 0."""
    condition, walk, view, subject = _casia_b_walks()
    count = len(subject)
    scores_nn = np.zeros((count, count), dtype=np.float32)
    for i in range(count):
        for j in range(count):
            wrong = view[i] == 90 and subject[i] == BERT  # takes everybody for Anna
            scores_nn[i, j] = subject[j] == (ANNA if wrong else subject[i])
    cells, pairs = casia_b_cells(condition, walk, view, "nm")
    rate = recognition_rate(scores_nn, subject, cells)
    assert dict(zip(pairs, rate.by_cell_c.tolist(), strict=True)) == {
        (0.0, 90.0): 1.0,
        (90.0, 0.0): 0.5,
    }
    assert rate.value == 0.75


def test_a_missing_gallery_walk_is_a_miss_and_a_missing_probe_is_no_probe() -> None:
    """CASIA-B has empty view folders: the gaps must neither crash nor flatter."""
    condition, walk, view, subject = _casia_b_walks()
    kept = [
        i
        for i in range(len(subject))
        if not (subject[i] == BERT and condition[i] == "nm" and walk[i] <= 4 and view[i] == 90)
        and not (subject[i] == ANNA and condition[i] == "bg" and view[i] == 0)
    ]
    condition, subject = [condition[i] for i in kept], [subject[i] for i in kept]
    walk, view = [walk[i] for i in kept], [view[i] for i in kept]
    scores_nn = (np.array(subject)[:, None] == np.array(subject)[None, :]).astype(np.float32)
    cells, pairs = casia_b_cells(condition, walk, view, "bg")
    rate = recognition_rate(scores_nn, subject, cells)
    from_0 = pairs.index((0.0, 90.0))
    assert rate.probes_sc[:, from_0].tolist() == [0, 1]  # Anna's bag walk is not there
    assert rate.by_cell_c[from_0] == 0.0  # Bert is not enrolled in view 90
    assert rate.value == 0.5


def test_a_cell_without_probes_is_left_out_of_the_mean() -> None:
    nothing, first, second = (np.array(m, dtype=np.bool_) for m in ([0, 0], [1, 0], [0, 1]))
    scores_nn = np.ones((2, 2), dtype=np.float32)
    rate = recognition_rate(scores_nn, [ANNA, ANNA], [Cell(nothing, second), Cell(first, second)])
    assert np.isnan(rate.by_cell_c[0])
    assert rate.value == 1.0


def test_the_interval_of_a_perfect_result_is_a_point_and_of_a_mixed_one_is_not() -> None:
    scores_nn = np.eye(4, dtype=np.float32)
    scores_nn[0, 1] = scores_nn[1, 0] = 0.5
    everything = Cell(np.ones(4, dtype=np.bool_), np.ones(4, dtype=np.bool_))
    mixed = recognition_rate(scores_nn, [ANNA, ANNA, BERT, CARL], [everything])
    low, high = mixed.interval()
    assert low < mixed.value < high
    assert mixed.interval() == (low, high)  # the same draws every time
    perfect = recognition_rate(
        np.kron(np.eye(2), np.ones((2, 2))).astype(np.float32),
        [ANNA, ANNA, BERT, BERT],
        [everything],
    )
    assert perfect.interval() == (1.0, 1.0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(200):
        hits_s1 = rng.binomial(4, 0.7, size=(40, 1))
        rate = RecognitionRate(hits_s1, np.full((40, 1), 4))
        low, high = rate.interval(resamples=200, seed=trial)
        covered += low <= 0.7 <= high
    assert 0.88 <= covered / 200 <= 0.99


@pytest.mark.parametrize(
    ("genuine", "impostor", "expected"),
    [
        ([0.8, 0.9], [0.1, 0.2], 0.0),  # apart
        ([0.1, 0.2], [0.8, 0.9], 1.0),  # the wrong way round
        ([0.5], [0.5], 0.5),  # a coin
        ([0.3, 0.7, 0.8, 0.9], [0.1, 0.2, 0.4, 0.6], 0.25),  # at 0.5: one of four each
    ],
)
def test_the_equal_error_rate_by_hand(
    genuine: list[float], impostor: list[float], expected: float
) -> None:
    assert equal_error_rate(genuine, impostor) == pytest.approx(expected)


def test_the_equal_error_rate_of_nothing_is_not_a_number() -> None:
    assert np.isnan(equal_error_rate([], [0.5]))
    assert np.isnan(equal_error_rate([0.5], []))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=30),
    st.lists(st.integers(0, 20), min_size=1, max_size=30),
)
def test_the_equal_error_rate_ignores_the_scale_of_the_scores(
    genuine: list[int], impostor: list[int]
) -> None:
    rate = equal_error_rate(genuine, impostor)
    assert 0.0 <= rate <= 1.0
    stretched = equal_error_rate(
        [3.0 * g - 7.0 for g in genuine], [3.0 * i - 7.0 for i in impostor]
    )
    assert stretched == pytest.approx(rate)


def test_verification_counts_each_permitted_pair_once_and_no_walk_with_itself() -> None:
    # Permitted: 0-1 (Anna and Anna, 0.9) and 0-2 (Anna and Bert, 0.4). 1-2 (0.95) is not asked.
    scores_nn = np.array([[1, 0.9, 0.4], [0.9, 1, 0.95], [0.4, 0.95, 1]], dtype=np.float32)
    permitted_nn = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 1]], dtype=np.bool_)
    assert verification_eer(scores_nn, [ANNA, ANNA, BERT], permitted_nn) == 0.0
    assert verification_eer(scores_nn, [ANNA, ANNA, BERT], np.ones((3, 3), dtype=np.bool_)) > 0.0


def _two_walks_each(people: int) -> tuple[list[int], Cell]:
    subject = [person for person in range(people) for _ in range(2)]
    first_n = np.arange(2 * people) % 2 == 0
    return subject, Cell(probe_n=~first_n, gallery_n=first_n)


def test_open_set_finds_all_when_strangers_score_lower() -> None:
    subject, cell = _two_walks_each(8)
    scores_nn = (np.array(subject)[:, None] == np.array(subject)[None, :]).astype(np.float32)
    result = open_set(scores_nn, subject, cell)
    assert (result.true_positive_rate, result.false_positive_rate) == (1.0, 0.0)
    assert result.splits == 20


def test_open_set_finds_nobody_when_a_stranger_scores_as_high() -> None:
    subject, cell = _two_walks_each(8)
    result = open_set(np.ones((16, 16), dtype=np.float32), subject, cell)
    assert (result.true_positive_rate, result.false_positive_rate) == (0.0, 0.0)


def test_open_set_lets_pass_as_many_strangers_as_the_target_allows() -> None:
    subject, cell = _two_walks_each(40)
    rng = np.random.default_rng(0)
    scores_nn = rng.random((80, 80)).astype(np.float32)
    result = open_set(scores_nn, subject, cell, target_fpir=0.25, splits=5)
    assert result.false_positive_rate == 0.25  # 5 of the 20 strangers' probes


def test_open_set_asks_for_the_right_person_and_not_only_for_a_high_score() -> None:
    subject, cell = _two_walks_each(2)  # one is enrolled, the other a stranger
    scores_nn = np.zeros((4, 4), dtype=np.float32)
    scores_nn[1, 0], scores_nn[3, 2] = 0.9, 0.9
    assert open_set(scores_nn, subject, cell).true_positive_rate == 1.0
    swapped = [0, 1, 1, 0]  # the high score now points to the other person
    assert open_set(scores_nn, swapped, cell).true_positive_rate == 0.0


def test_open_set_of_one_person_is_not_a_number() -> None:
    subject, cell = _two_walks_each(1)
    assert np.isnan(open_set(np.ones((2, 2), dtype=np.float32), subject, cell).true_positive_rate)
