"""FMR, FNMR, EER, TAR and DET: by hand, against scikit-learn, and how sure they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import det_curve, roc_curve

from model.bootstrap import draw_people
from model.scores import Scores, cosine_scores
from model.verification import (
    Comparisons,
    comparisons,
    equal_error_rate,
    error_rates,
    true_accept_rate,
    verification_eer,
    verify,
)

ANNA, BERT = 0, 1


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


def test_error_rates_by_hand() -> None:
    """A score equal to the threshold passes, for better and for worse."""
    fmr, fnmr = error_rates(
        np.array([0.4, 0.6, 0.8]), np.array([0.1, 0.2, 0.4, 0.5]), [0.4, 0.55, 0.9]
    )
    np.testing.assert_allclose(fmr, [0.5, 0.0, 0.0])
    np.testing.assert_allclose(fnmr, [0.0, 1 / 3, 1.0])


@pytest.mark.parametrize(
    ("far", "expected"),
    [
        (0.2, 2 / 3),  # 0.9 and 1.0 may pass: genuine 0.85 and 0.95 are above 0.8
        (0.1, 1 / 3),  # only 1.0 may: 0.95 is above 0.9
        (0.01, 0.0),  # of ten impostors none may
        (1.0, 1.0),
    ],
)
def test_the_true_accept_rate_by_hand(far: float, expected: float) -> None:
    impostor = np.arange(1, 11) / 10
    assert true_accept_rate([0.75, 0.85, 0.95], impostor, far) == pytest.approx(expected)


def test_a_genuine_score_that_ties_with_an_impostor_who_must_stay_out_stays_out() -> None:
    assert true_accept_rate([0.5], [0.5, 0.1], far=0.01) == 0.0


def test_rates_of_nothing_are_not_numbers() -> None:
    for genuine, impostor in (([], [0.5]), ([0.5], [])):
        assert np.isnan(equal_error_rate(genuine, impostor))
        assert np.isnan(true_accept_rate(genuine, impostor, far=0.1))
    alone = verify(comparisons(np.ones((1, 1), np.float32), [ANNA], np.ones((1, 1), np.bool_)))
    assert np.isnan(alone.eer.value)
    assert alone.det == ()


def test_each_permitted_pair_counts_once_and_no_walk_with_itself() -> None:
    # Permitted: 0-1 (Anna and Anna, 0.9) and 0-2 (Anna and Bert, 0.4). 1-2 (0.95) is not asked.
    scores_nn = np.array([[1, 0.9, 0.4], [0.9, 1, 0.95], [0.4, 0.95, 1]], dtype=np.float32)
    permitted_nn = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 1]], dtype=np.bool_)
    pairs = comparisons(scores_nn, [ANNA, ANNA, BERT], permitted_nn)
    np.testing.assert_allclose(pairs.genuine_g, [0.9])
    np.testing.assert_allclose(pairs.impostor_i, [0.4])
    assert verification_eer(scores_nn, [ANNA, ANNA, BERT], permitted_nn) == 0.0
    assert verification_eer(scores_nn, [ANNA, ANNA, BERT], np.ones((3, 3), dtype=np.bool_)) > 0.0


def _walks(people: int, walks: int, *, noise: float, seed: int = 0) -> tuple[Scores, np.ndarray]:
    """(N, N) scores of people who are told apart the better the less noise there is."""
    rng = np.random.default_rng(seed)
    subject_n = np.repeat(np.arange(people), walks)
    vectors_nd = rng.normal(size=(people, 8))[subject_n]
    vectors_nd += noise * rng.normal(size=vectors_nd.shape)
    return cosine_scores(vectors_nd.astype(np.float32)), subject_n


def _pairs(people: int, walks: int, *, noise: float, seed: int = 0) -> Comparisons:
    scores_nn, subject_n = _walks(people, walks, noise=noise, seed=seed)
    return comparisons(scores_nn, subject_n, np.ones_like(scores_nn, dtype=np.bool_))


def _labelled(pairs: Comparisons) -> tuple[np.ndarray, np.ndarray]:
    is_genuine = np.repeat([1, 0], [pairs.genuine_g.size, pairs.impostor_i.size])
    return is_genuine, np.concatenate((pairs.genuine_g, pairs.impostor_i))


def test_error_rates_agree_with_scikit_learn() -> None:
    pairs = _pairs(15, 4, noise=0.8)
    fmr, fnmr, thresholds = det_curve(*_labelled(pairs))
    ours = error_rates(np.sort(pairs.genuine_g), np.sort(pairs.impostor_i), thresholds)
    np.testing.assert_allclose(ours, (fmr, fnmr), atol=1e-12)


def test_eer_and_tar_agree_with_scikit_learn() -> None:
    pairs = _pairs(15, 4, noise=0.8)
    found = verify(pairs, fars=(0.1, 0.01), resamples=2)
    fmr, tar, _ = roc_curve(*_labelled(pairs), drop_intermediate=False)
    assert found.eer.value == pytest.approx(np.interp(0.0, fmr - (1.0 - tar), fmr))
    for far, accepted in found.true_accept.items():
        assert accepted.value == pytest.approx(tar[fmr <= far].max())


def test_the_det_curve_trades_one_error_for_the_other() -> None:
    pairs = _pairs(15, 4, noise=0.8)
    curve = verify(pairs, det_points=20).det
    fmr = np.array([point.fmr.value for point in curve])
    fnmr = np.array([point.fnmr.value for point in curve])
    assert 15 <= len(curve) <= 20
    assert np.all(np.diff(fmr) < 0)
    assert np.all(np.diff(fnmr) >= 0)
    assert fmr[-1] == pytest.approx(1 / pairs.impostor_i.size)  # up to the highest impostor
    at_score = error_rates(
        np.sort(pairs.genuine_g), np.sort(pairs.impostor_i), [point.threshold for point in curve]
    )
    np.testing.assert_array_equal(at_score, (fmr, fnmr))
    for rate in (rate for point in curve for rate in (point.fmr, point.fnmr)):
        assert rate.low <= rate.value <= rate.high


@pytest.mark.parametrize(
    ("people", "walks", "tolerance"),
    [(6, 4, 1e-6), (12, 6, 0.003)],  # few scores, every one a threshold; many, on a grid
)
def test_the_interval_agrees_with_a_bootstrap_written_out_pair_by_pair(
    people: int, walks: int, tolerance: float
) -> None:
    pairs = _pairs(people, walks, noise=1.0)
    lower_i, higher_i = np.divmod(pairs.impostor_pair_i, pairs.subjects)
    eers, tars = [], []
    for drawn_s in draw_people(people, resamples=100):
        genuine = np.repeat(pairs.genuine_g, drawn_s[pairs.genuine_subject_g])
        impostor = np.repeat(pairs.impostor_i, drawn_s[lower_i] * drawn_s[higher_i])
        eers.append(equal_error_rate(genuine, impostor))
        tars.append(true_accept_rate(genuine, impostor, 0.1))
    found = verify(pairs, fars=(0.1,), resamples=100)
    expected = [*np.quantile(eers, [0.025, 0.975]), *np.quantile(tars, [0.025, 0.975])]
    ours = [found.eer.low, found.eer.high, found.true_accept[0.1].low, found.true_accept[0.1].high]
    np.testing.assert_allclose(ours, expected, atol=tolerance)
    assert verify(pairs, fars=(0.1,), resamples=100) == found


def test_a_person_drawn_twice_is_nobodys_impostor_and_not_its_own() -> None:
    """Of two people, a resample either draws both, which is the figure itself, or has no
    impostors."""
    pairs = _pairs(2, 8, noise=1.0)
    found = verify(pairs, fars=(0.2,), resamples=200)
    for rate in (found.eer, found.true_accept[0.2]):
        assert 0.0 < rate.value < 1.0
        np.testing.assert_allclose([rate.low, rate.high], rate.value, rtol=1e-6)


def test_the_interval_covers_the_truth_although_people_differ() -> None:
    """Genuine scores N(1.5 + own, 1), own N(0, 0.7²); impostors N(0, 1): the EER is known."""
    people, spread = 30, 0.7
    truth = norm.sf(1.5 / (1.0 + np.hypot(1.0, spread)))
    rng = np.random.default_rng(0)
    lower, higher = np.triu_indices(people, k=1)
    covered = 0
    for trial in range(100):
        own_s = rng.normal(0.0, spread, people)
        subject_g = np.repeat(np.arange(people), 6)
        pair_i = np.repeat(lower * people + higher, 4)
        pairs = Comparisons(
            rng.normal(1.5 + own_s[subject_g]).astype(np.float32),
            subject_g.astype(np.int32),
            rng.normal(size=pair_i.size).astype(np.float32),
            pair_i.astype(np.int32),
            people,
        )
        eer = verify(pairs, resamples=200, seed=trial).eer
        covered += eer.low <= truth <= eer.high
    assert 0.87 <= covered / 100 <= 1.0


def test_a_figure_says_how_many_pairs_it_rests_on() -> None:
    scores_nn, subject_n = _walks(40, 40, noise=1.0)
    found = verify(comparisons(scores_nn, subject_n, np.ones_like(scores_nn, dtype=np.bool_)))
    assert (found.genuine, found.impostor) == (40 * 780, 780 * 1600)
    assert found.eer.comparisons == 40 * 780 + 780 * 1600
    assert found.eer.low < found.eer.value < found.eer.high
