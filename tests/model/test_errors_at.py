"""FMR and FNMR of a group at somebody else's threshold, by hand and with their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from model.bootstrap import NOTHING, draw_people
from model.errors_at import errors_at
from model.score_spread import spread
from model.scores import cosine_scores
from model.verification import Comparisons, comparisons, verify


def _pairs() -> Comparisons:
    rng = np.random.default_rng(3)
    subject_n = np.repeat(np.arange(8), 4)
    centres = rng.normal(size=(8, 6))
    vectors = centres[subject_n] + rng.normal(size=(32, 6))
    return comparisons(
        cosine_scores(vectors.astype(np.float32)), subject_n, np.ones((32, 32), dtype=np.bool_)
    )


def test_both_rates_by_hand_and_a_score_equal_to_the_threshold_passes() -> None:
    pairs = Comparisons(
        genuine_g=np.array([0.4, 0.5, 0.9], np.float32),
        genuine_subject_g=np.array([0, 0, 1], np.int32),
        impostor_i=np.array([0.5, 0.1, 0.2, 0.3], np.float32),
        impostor_pair_i=np.array([1, 1, 1, 1], np.int32),
        subjects=2,
    )
    fmr, fnmr = errors_at(pairs, 0.5)
    assert (fmr.value, fmr.comparisons, fmr.people) == (0.25, 4, 2)
    assert fnmr.value == pytest.approx(1 / 3)
    assert (fnmr.comparisons, fnmr.people) == (3, 2)


def test_at_the_threshold_of_equal_error_both_are_the_equal_error_rate() -> None:
    pairs = _pairs()
    found = verify(pairs)
    fmr, fnmr = errors_at(pairs, found.eer_threshold)
    assert fmr.value <= found.eer.value <= fnmr.value
    assert fnmr.value - fmr.value < 0.05
    assert fmr.low <= fmr.value <= fmr.high


def test_the_interval_of_the_fmr_is_that_of_people_drawn_on_both_sides() -> None:
    """Against every drawn pair of people written out."""
    pairs = _pairs()
    fmr, _ = errors_at(pairs, 0.4, resamples=200)
    rates = []
    for drawn_s in draw_people(8, resamples=200, seed=0):
        passed = total = 0.0
        for score, pair in zip(pairs.impostor_i, pairs.impostor_pair_i, strict=True):
            weight = drawn_s[pair // 8] * drawn_s[pair % 8]
            total += weight
            passed += weight * (score >= 0.4)
        rates.append(passed / total)
    assert (fmr.low, fmr.high) == pytest.approx(tuple(np.quantile(rates, (0.025, 0.975))))


def test_a_group_without_pairs_has_no_rates() -> None:
    nothing = Comparisons(
        np.zeros(0, np.float32),
        np.zeros(0, np.int32),
        np.zeros(0, np.float32),
        np.zeros(0, np.int32),
        2,
    )
    assert errors_at(nothing, 0.5) == (NOTHING, NOTHING)


def test_every_score_falls_into_one_bin_of_its_kind() -> None:
    pairs = _pairs()
    rows = spread(pairs.genuine_g, pairs.impostor_i, bins=10)
    assert len(rows) == 10
    assert sum(row[2] for row in rows) == len(pairs.genuine_g)
    assert sum(row[3] for row in rows) == len(pairs.impostor_i)
    for low, high, genuine, _ in rows[:-1]:
        inside = (pairs.genuine_g >= np.float32(low)) & (pairs.genuine_g < np.float32(high))
        assert abs(inside.sum() - genuine) <= 1  # a score on the edge of two bins
    assert spread(np.zeros(0, np.float32), np.zeros(0, np.float32)) == ()
