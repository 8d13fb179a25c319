"""Open-set identification by hand: thresholds read off strangers, and a checkpoint's own."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model import calibrate
from model.calibration import Calibration
from model.identification import Achieved, OpenSet, achieved_fpir, open_set, searches
from model.protocols import Cell
from model.scores import Scores, cosine_scores

# One subject is reached at 0.75 by 1 in 10 strangers, at 0.875 by 1 in 100.
CALIBRATION = Calibration((0.5, 0.1, 0.01), (0.5, 0.75, 0.875), "by hand", 10, 100)


def _two_walks_each(people: int) -> tuple[list[int], Cell]:
    subject = [person for person in range(people) for _ in range(2)]
    first_n = np.arange(2 * people) % 2 == 0
    return subject, Cell(probe_n=~first_n, gallery_n=first_n)


def _open(
    scores_nn: Scores,
    subject: list[int],
    cell: Cell,
    *,
    target_fpir: float = 0.01,
    gallery_size: int | None = None,
    splits: int = 20,
) -> OpenSet:
    (only,) = open_set(
        searches(scores_nn, subject, [cell]),
        target_fpirs=[target_fpir],
        gallery_size=gallery_size,
        splits=splits,
        resamples=200,
    )
    return only


def _between(probe_scores: list[list[float]]) -> tuple[Scores, list[int], Cell]:
    """Scores of each person's one probe with each person's one enrolled walk."""
    people = len(probe_scores)
    subject, cell = _two_walks_each(people)
    scores_nn = np.zeros((2 * people, 2 * people), dtype=np.float32)
    scores_nn[1::2, 0::2] = probe_scores
    return scores_nn, subject, cell


def test_all_are_found_when_strangers_score_lower() -> None:
    subject, cell = _two_walks_each(8)
    scores_nn = (np.array(subject)[:, None] == np.array(subject)[None, :]).astype(np.float32)
    result = _open(scores_nn, subject, cell)
    assert (result.true_positive_rate.value, result.false_positive_rate) == (1.0, 0.0)
    assert (result.splits, result.gallery_size) == (20, 4)
    assert result.false_negative_rate.value == 0.0


def test_nobody_is_found_when_a_stranger_scores_as_high() -> None:
    subject, cell = _two_walks_each(8)
    result = _open(np.ones((16, 16), dtype=np.float32), subject, cell)
    assert (result.true_positive_rate.value, result.false_positive_rate) == (0.0, 0.0)


def test_as_many_strangers_pass_as_the_target_allows() -> None:
    subject, cell = _two_walks_each(40)
    scores_nn = np.random.default_rng(0).random((80, 80)).astype(np.float32)
    result = _open(scores_nn, subject, cell, target_fpir=0.25, splits=5)
    assert result.false_positive_rate == 0.25  # 5 of the 20 strangers' probes


def test_the_right_person_is_asked_for_and_not_only_a_high_score() -> None:
    scores_nn, subject, cell = _between([[0.9, 0.0], [0.0, 0.9]])  # one enrolled, one a stranger
    assert _open(scores_nn, subject, cell).true_positive_rate.value == 1.0
    swapped = [0, 1, 1, 0]  # the high score now points to the other person
    assert _open(scores_nn, swapped, cell).true_positive_rate.value == 0.0


def test_an_impostor_of_equal_score_stands_in_front_of_the_right_person() -> None:
    """Two of three are enrolled; the first two people look exactly alike."""
    scores_nn, subject, cell = _between([[0.9, 0.9, 0.9], [0.9, 0.9, 0.9], [0.1, 0.1, 0.9]])
    result = _open(scores_nn, subject, cell, gallery_size=2, splits=50)
    assert result.true_positive_rate.value == 0.0


def test_a_larger_gallery_finds_less_at_the_same_fpir() -> None:
    """By hand, three people. Alone in the gallery, each scores 0.8 and a stranger at most 0.7.

    With two enrolled, one of them is taken for the other: the first for the second.
    """
    scores_nn, subject, cell = _between([[0.8, 0.85, 0.1], [0.1, 0.95, 0.1], [0.1, 0.1, 0.95]])
    alone = _open(scores_nn, subject, cell, gallery_size=1, splits=200)
    # Enrolled 1st: strangers score 0.1, found at 0.8. Enrolled 2nd: a stranger scores 0.85, found
    # at 0.95. Enrolled 3rd: found.
    assert alone.true_positive_rate.value == 1.0
    two = _open(scores_nn, subject, cell, gallery_size=2, splits=300)
    # {1, 2}: the 1st is taken for the 2nd: 1/2. {1, 3} and {2, 3}: both found (0.8 and 0.95 over
    # 0.1; 0.95 twice over the 1st's 0.85).
    assert two.true_positive_rate.value == pytest.approx(5 / 6, abs=0.03)


def test_a_gallery_of_everybody_or_of_one_person_leaves_nothing_to_measure() -> None:
    subject, cell = _two_walks_each(1)
    result = _open(np.ones((2, 2), dtype=np.float32), subject, cell)
    assert np.isnan(result.true_positive_rate.value)
    subject, cell = _two_walks_each(3)
    result = _open(np.ones((6, 6), dtype=np.float32), subject, cell, gallery_size=3)
    assert np.isnan(result.true_positive_rate.value)


def test_probes_of_several_views_share_one_threshold() -> None:
    """A stranger who scores high in one view keeps out what scores lower in another."""
    subject, cell = _two_walks_each(2)
    scores_nn = np.zeros((8, 8), dtype=np.float32)
    for first, own, other in ((0, 0.9, 0.8), (4, 0.5, 0.1)):  # two views
        scores_nn[first + 1, first : first + 4 : 2] = own, other
        scores_nn[first + 3, first : first + 4 : 2] = other, own
    cells = [
        Cell(np.tile(cell.probe_n, 2) & view_n, np.tile(cell.gallery_n, 2) & view_n)
        for view_n in (np.arange(8) < 4, np.arange(8) >= 4)
    ]
    (both,) = open_set(searches(scores_nn, subject * 2, cells))
    assert both.true_positive_rate.value == 0.5
    (second,) = open_set(searches(scores_nn, subject * 2, cells[1:]))
    assert second.true_positive_rate.value == 1.0


def test_the_interval_is_reproducible_and_covers_the_value() -> None:
    scores_nn, subject_n = _random_walks(20, 4, noise=0.8)
    first_n = np.arange(80) % 4 < 2
    found = searches(scores_nn, subject_n, [Cell(~first_n, first_n)])
    one, again = (open_set(found, target_fpirs=(0.05, 0.2)) for _ in range(2))
    assert one == again
    for point in one:
        rate = point.true_positive_rate
        assert rate.low < rate.value < rate.high
        assert (rate.people, rate.comparisons) == (20, 40)
    assert one[1].true_positive_rate.value > one[0].true_positive_rate.value


def _random_walks(
    people: int, walks: int, *, noise: float, seed: int = 0
) -> tuple[Scores, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    subject_n = np.repeat(np.arange(people), walks)
    vectors_nd = rng.normal(size=(people, 32))[subject_n]
    vectors_nd += noise * rng.normal(size=vectors_nd.shape)
    return cosine_scores(vectors_nd.astype(np.float32)), subject_n


def _achieved(
    probe_scores: list[list[float]], target: float, *, gallery_size: int | None = None
) -> Achieved:
    scores_nn, subject, cell = _between(probe_scores)
    return achieved_fpir(
        scores_nn, subject, [cell], CALIBRATION, target, gallery_size=gallery_size, splits=50
    )


def test_achieved_rates_by_hand() -> None:
    """Three people. A target of 0.19 among two others is an FMR of 0.1: the threshold is 0.75."""
    found = _achieved([[0.95, 0.75, 0.0], [0.9, 0.85, 0.0], [0.1, 0.1, 0.7]], target=0.19)
    assert found.gallery_size == 2
    assert found.threshold == pytest.approx(0.75, abs=1e-12)
    # As strangers: the 1st reaches 0.75 exactly (a match), the 2nd 0.9, the 3rd 0.1.
    assert found.false_positive_rate.value == pytest.approx(2 / 3)
    # As one of three enrolled: the 1st is found; the 2nd taken for the 1st; the 3rd too low.
    assert found.true_positive_rate.value == pytest.approx(1 / 3)
    assert (found.false_positive_rate.people, found.false_positive_rate.comparisons) == (3, 3)


def test_who_is_somewhat_like_the_rest_of_the_gallery_must_be_more_like_the_best() -> None:
    """The 1st, as a stranger, has a cohort of one at 0.1, so a level of 0.05: 0.7625 is asked."""
    for best, passes in ((0.762, False), (0.763, True)):
        found = _achieved([[0.95, best, 0.1], [0.1, 0.85, 0.1], [0.1, 0.1, 0.7]], target=0.19)
        assert (found.false_positive_rate.value > 0.0) == passes


def test_the_threshold_rises_with_the_gallery_that_a_probe_meets() -> None:
    """The enrolled person's gallery is larger by one than the stranger's, and so is its threshold:
    0.75 does for a target of 0.1 among one, not among two."""
    found = _achieved([[0.76, 0.75], [0.74, 0.76]], target=0.1)
    assert found.false_positive_rate.value == 0.5
    assert found.true_positive_rate.value == 0.0


def test_with_a_gallery_size_only_those_who_were_not_drawn_are_strangers() -> None:
    found = _achieved([[0.95, 0.1, 0.1], [0.1, 0.95, 0.1], [0.1, 0.1, 0.7]], 0.1, gallery_size=1)
    assert found.gallery_size == 1
    assert found.false_positive_rate.value == 0.0
    assert found.false_positive_rate.comparisons == 100  # two strangers in each of 50 draws
    assert found.true_positive_rate.comparisons == 50
    assert found.true_positive_rate.value == pytest.approx(2 / 3, abs=0.1)  # the 3rd is too low


def test_somebody_who_is_enrolled_nowhere_is_always_a_stranger() -> None:
    scores_nn, subject, cell = _between([[0.95, 0.1, 0.1], [0.1, 0.95, 0.1], [0.9, 0.1, 0.1]])
    without_third = Cell(cell.probe_n, cell.gallery_n & (np.array(subject) != 2))
    found = achieved_fpir(scores_nn, subject, [without_third], CALIBRATION, 0.1)
    assert found.true_positive_rate.comparisons == 2
    assert found.false_positive_rate.comparisons == 3
    assert found.false_positive_rate.value == pytest.approx(1 / 3)


def test_a_single_person_meets_nobody() -> None:
    found = _achieved([[0.9]], target=0.1)
    assert np.isnan(found.false_positive_rate.value)
    assert found.false_positive_rate.comparisons == 0


@pytest.mark.parametrize("gallery_size", [None, 10])
def test_a_curve_fitted_on_people_of_the_same_kind_keeps_its_promise(
    gallery_size: int | None,
) -> None:
    """Fitted on 60 people, asked of 60 others."""
    first_n = np.arange(240) % 4 < 2
    fitted_nn, fitted_n = _random_walks(60, 4, noise=0.6, seed=1)
    best_ps = searches(fitted_nn, fitted_n, [Cell(~first_n, first_n)]).best_ps
    others_ps = fitted_n[~first_n][:, None] != np.arange(60)[None, :]
    curve = calibrate.fit(best_ps[others_ps], subjects=60, source="test")
    scores_nn, subject_n = _random_walks(60, 4, noise=0.6, seed=2)
    found = achieved_fpir(
        scores_nn, subject_n, [Cell(~first_n, first_n)], curve, 0.1, gallery_size=gallery_size
    )
    assert 0.05 <= found.false_positive_rate.value <= 0.2
