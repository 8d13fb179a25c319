"""Rank-k, CMC and mAP on cases worked out by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, top_k_accuracy_score

from model.protocols import Cell, leave_one_out_cells
from model.ranking import (
    average_precisions,
    classify,
    identify,
    ranks_among,
    subject_scores,
)
from model.scores import Scores

ANNA, BERT, CARL = 0, 1, 2


def _ranks(scores_pg: list[list[float]], probes: list[int], gallery: list[int]) -> list[float]:
    best_ps = subject_scores(np.array(scores_pg, np.float32), np.array(gallery), subjects=3)
    ranks: list[float] = ranks_among(best_ps, np.array(probes)).tolist()
    return ranks


def _precisions(scores_pg: list[list[float]], same_pg: list[list[bool]]) -> list[float]:
    precisions_p = average_precisions(np.array(scores_pg, np.float32), np.array(same_pg))
    precisions: list[float] = precisions_p.tolist()
    return precisions


def test_a_rank_counts_people_and_not_their_walks() -> None:
    # Bert's two walks both beat Anna's best: she is second, not third.
    ranks = _ranks([[0.5, 0.2, 0.9, 0.8, 0.1]], [ANNA], [ANNA, ANNA, BERT, BERT, CARL])
    assert ranks == [2.0]


def test_a_tie_counts_against_the_system() -> None:
    assert _ranks([[0.5, 0.5]], [ANNA], [ANNA, BERT]) == [2.0]


def test_a_person_without_any_gallery_walk_is_never_found() -> None:
    assert _ranks([[0.9]], [CARL], [ANNA]) == [np.inf]


def test_a_comparison_that_is_not_permitted_is_as_if_the_walk_were_not_enrolled() -> None:
    forbidden = -np.inf
    scores = [[forbidden, 0.3, 0.5], [forbidden, forbidden, 0.5]]
    assert _ranks(scores, [ANNA, ANNA], [ANNA, ANNA, BERT]) == [2.0, np.inf]


def test_average_precision_by_hand() -> None:
    # Order: own, other, own: (1/1 + 2/3) / 2.
    assert _precisions([[0.9, 0.8, 0.7]], [[True, False, True]]) == [pytest.approx(5 / 6)]
    # Order: other, other, own: 1/3.
    assert _precisions([[0.9, 0.8, 0.7]], [[False, False, True]]) == [pytest.approx(1 / 3)]


def test_average_precision_places_an_impostor_of_equal_score_in_front() -> None:
    assert _precisions([[0.5, 0.5]], [[True, False]]) == [0.5]


def test_average_precision_of_a_person_who_is_not_enrolled_is_zero() -> None:
    assert _precisions([[0.5]], [[False]]) == [0.0]
    assert _precisions([[-np.inf, 0.1]], [[True, False]]) == [0.0]  # only the probe itself


def test_average_precision_counts_no_walk_that_is_not_permitted() -> None:
    scores, same = [[-np.inf, 0.9, 0.8, 0.7]], [[True, True, False, True]]
    assert _precisions(scores, same) == [pytest.approx(5 / 6)]


def test_a_walk_is_not_compared_with_itself() -> None:
    scores_nn = np.array(
        [[1.0, 0.2, 0.8], [0.2, 1.0, 0.1], [0.8, 0.1, 1.0]], dtype=np.float32
    )  # each is most like itself; without that, 0 is nearest to 2
    everything = Cell(np.ones(3, dtype=np.bool_), np.ones(3, dtype=np.bool_))
    found = identify(scores_nn, [ANNA, ANNA, BERT], [everything])
    rank_1 = found.rank(1)
    assert rank_1.sums_sc.tolist() == [[1.0], [0.0]]  # 1 finds 0; Bert has no other walk
    assert rank_1.value == pytest.approx(1 / 3)
    # Walk 0: Bert first, then Anna: 1/2. Walk 1: Anna first: 1. Walk 2: nobody: 0.
    assert found.average_precision.value == pytest.approx(0.5)
    assert scores_nn[0, 0] == 1.0  # the caller's matrix is as it was


def test_leave_one_out_stays_within_its_view() -> None:
    # Walks 0, 1 of view 0 and 2, 3 of view 90; the other view would be nearer and is not asked.
    scores_nn = np.array(
        [[1, 0.1, 0.9, 0.9], [0.1, 1, 0.9, 0.9], [0.9, 0.9, 1, 0.1], [0.9, 0.9, 0.1, 1]],
        dtype=np.float32,
    )
    found = identify(scores_nn, [ANNA, ANNA, BERT, BERT], leave_one_out_cells([0, 0, 90, 90]))
    assert found.rank(1).by_cell_c.tolist() == [1.0, 1.0]


def test_the_cmc_rises_with_the_rank_to_one() -> None:
    """Four people with one enrolled walk each; their probes stand at places 1, 1, 2 and 4."""
    scores_pg = np.array([[9, 1, 1, 1], [1, 9, 1, 1], [9, 1, 8, 1], [9, 8, 7, 6]], dtype=np.float32)
    scores_nn = np.zeros((8, 8), dtype=np.float32)
    scores_nn[:4, 4:] = scores_pg
    probe_n = np.arange(8) < 4
    found = identify(scores_nn, [0, 1, 2, 3, 0, 1, 2, 3], [Cell(probe_n, ~probe_n)], depth=4)
    curve = found.cumulative_matches()
    assert [point.value for point in curve] == [0.5, 0.75, 0.75, 1.0]
    assert {(point.people, point.comparisons) for point in curve} == {(4, 4)}


def test_a_classifier_is_scored_on_its_own_identities() -> None:
    logits_nk = np.array([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0], [0.0, 1.0, 2.0], [1.0, 1.0, 0.0]])
    class_n, normal_n = np.array([0, 1, 2, 0]), np.array([True, True, False, False])
    found = classify(logits_nk, class_n, [normal_n, ~normal_n], depth=2)
    assert found.rank(1).by_cell_c.tolist() == [0.5, 0.5]  # the last is a tie, a miss
    assert found.rank(2).by_cell_c.tolist() == [1.0, 1.0]
    assert found.average_precision.by_cell_c.tolist() == [0.75, 0.75]


def _random_search(people: int, walks: int) -> tuple[Scores, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    gallery_g, own_p = np.repeat(np.arange(people), walks), np.arange(people)
    scores_pg = rng.normal(size=(people, people * walks)) + (own_p[:, None] == gallery_g[None, :])
    return scores_pg.astype(np.float32), own_p, gallery_g


def test_average_precision_agrees_with_scikit_learn() -> None:
    scores_pg, own_p, gallery_g = _random_search(people=20, walks=5)
    same_pg = own_p[:, None] == gallery_g[None, :]
    expected = [
        average_precision_score(same_g, scores_g)
        for same_g, scores_g in zip(same_pg, scores_pg, strict=True)
    ]
    np.testing.assert_allclose(average_precisions(scores_pg, same_pg), expected, atol=1e-9)


@pytest.mark.parametrize("place", [1, 3, 10])
def test_rank_k_agrees_with_scikit_learn(place: int) -> None:
    scores_pg, own_p, gallery_g = _random_search(people=20, walks=5)
    best_ps = subject_scores(scores_pg, gallery_g, subjects=20)
    share = float(np.mean(ranks_among(best_ps, own_p) <= place))
    assert share == pytest.approx(top_k_accuracy_score(own_p, best_ps, k=place))
