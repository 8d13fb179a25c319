"""Intervals over people: what is resampled, and whether they hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from model.bootstrap import Estimate, SubjectMean, draw_people, interval


def test_the_mean_is_over_the_cells_that_have_trials() -> None:
    # First cell 3 of 4, second cell 1 of 2, third cell never tried.
    sums_sc = np.array([[2.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    counts_sc = np.array([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]])
    mean = SubjectMean(sums_sc, counts_sc)
    np.testing.assert_array_equal(mean.by_cell_c, [0.75, 0.5, np.nan])
    assert mean.value == 0.625
    estimate = mean.estimate()
    assert (estimate.value, estimate.people, estimate.comparisons) == (0.625, 2, 6)


def test_every_draw_has_as_many_people_as_there_are() -> None:
    drawn_rs = draw_people(7, resamples=50)
    assert drawn_rs.shape == (50, 7)
    assert set(drawn_rs.sum(axis=1).tolist()) == {7}


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    rng = np.random.default_rng(0)
    mean = SubjectMean(rng.random((30, 1)), np.ones((30, 1)))
    assert mean.estimate(seed=1) == mean.estimate(seed=1)
    assert mean.estimate(seed=1) != mean.estimate(seed=2)


def test_more_walks_of_the_same_kind_by_the_same_people_make_nothing_surer() -> None:
    hits_s1 = np.random.default_rng(0).binomial(1, 0.6, size=(30, 1)).astype(np.float64)
    few = SubjectMean(hits_s1, np.ones((30, 1))).estimate()
    many = SubjectMean(hits_s1 * 20, np.full((30, 1), 20.0)).estimate()
    assert (many.low, many.high) == (few.low, few.high)
    assert many.comparisons == 600


def test_a_perfect_result_of_few_people_leaves_room_for_the_errors_they_cannot_show() -> None:
    perfect = SubjectMean(np.full((8, 1), 2.0), np.full((8, 1), 2.0)).estimate()
    assert perfect.high == 1.0
    assert perfect.low == pytest.approx(0.05 ** (1 / 8))  # 8 of 8 has this chance at that rate
    low, high = interval(np.zeros(100), 300)
    assert low == 0.0
    assert high == pytest.approx(3 / 300, rel=0.01)  # the rule of three


def test_a_figure_that_could_not_be_measured_has_no_interval() -> None:
    nothing = SubjectMean(np.zeros((3, 1)), np.zeros((3, 1))).estimate()
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()
    assert (nothing.people, nothing.comparisons) == (0, 0)
    assert np.isnan(interval(np.full(5, np.nan), 5)).all()


def test_the_complement_turns_the_interval_round() -> None:
    assert Estimate(0.75, 0.5, 1.0, 8, 16).complement == Estimate(0.25, 0.0, 0.5, 8, 16)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """People differ: each has a rate of its own, the mean of which is 0.7."""
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(200):
        rates_s1 = rng.beta(3.5, 1.5, size=(40, 1))
        hits_s1 = rng.binomial(10, rates_s1).astype(np.float64)
        estimate = SubjectMean(hits_s1, np.full((40, 1), 10.0)).estimate(resamples=200, seed=trial)
        covered += estimate.low <= 0.7 <= estimate.high
    assert 0.88 <= covered / 200 <= 0.99
