"""A gallery's own thresholds keep their promise where the checkpoint's do not.

Shape letters: N walks, D embedding size.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from model.calibration import Calibration
from model.checkpoint import default_checkpoint_path, load_checkpoint
from model.gallery_calibration import (
    TooFewSubjects,
    _Curve,
    calibrate_gallery,
    fit_gallery_curve,
)
from model.gallery_curve import GalleryCalibration, GalleryCurve, threshold_table
from model.impostor_maxima import impostor_maxima
from model.ranking import subject_scores

SIZE = 24  # D: fewer dimensions spread strangers' scores more widely


@pytest.fixture(scope="module")
def checkpoints() -> Calibration:
    """The calibration of the shipped weights, which knows nothing of the people below."""
    return load_checkpoint(default_checkpoint_path()).calibration


def people(
    number: int, walks: int, *, seed: int, size: int = SIZE, alike: float = 0.0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit vectors around a direction of each person, all with something in common.

    `alike`: how strongly each resembles one of fifty families, the same whatever the seed.
    """
    rng = np.random.default_rng(seed)
    families_fd = alike * np.random.default_rng(0).standard_normal((50, size))
    own_nd = rng.standard_normal((number, size)) + families_fd[rng.integers(50, size=number)]
    own_nd = np.repeat(own_nd, walks, axis=0)
    own_nd += 0.5 * rng.standard_normal(own_nd.shape)
    own_nd /= np.linalg.norm(own_nd, axis=1, keepdims=True)
    vectors_nd = own_nd + 0.3 * np.eye(size)[0]
    vectors_nd /= np.linalg.norm(vectors_nd, axis=1, keepdims=True)
    return vectors_nd.astype(np.float32), np.repeat(np.arange(number), walks)


def own_curve(
    vectors_nd: NDArray[np.float32], subject_n: NDArray[np.int64], checkpoints: Calibration
) -> GalleryCurve:
    """With few resamples, for speed."""
    return fit_gallery_curve(
        impostor_maxima(vectors_nd, subject_n, checkpoints), checkpoints, resamples=20
    )


def achieved_fpir(
    curve: Calibration,
    vectors_nd: NDArray[np.float32],
    subject_n: NDArray[np.int64],
    target_fpir: float,
    alike: float,
) -> float:
    """Share of 4,000 strangers whom a search would have called somebody."""
    strangers_nd, _ = people(4000, 1, seed=99, size=vectors_nd.shape[1], alike=alike)
    scores_nn = strangers_nd @ vectors_nd.T
    first_n = subject_n[scores_nn.argmax(axis=1)]
    rest_nn = subject_n[None, :] != first_n[:, None]
    subjects = len(np.unique(subject_n))
    mean_n = (scores_nn * rest_nn).sum(axis=1) / rest_nn.sum(axis=1)
    best_ns = subject_scores(scores_nn, subject_n, subjects)
    best_ns[np.arange(len(first_n)), first_n] = np.nan
    thresholds_n = curve.thresholds(
        target_fpir=target_fpir,
        gallery_sizes=np.full(len(strangers_nd), subjects),
        cohort_means=mean_n,
        cohort_sizes=np.full(len(strangers_nd), subjects - 1),
        cohort_scores=(np.nanmean(best_ns, axis=1) - mean_n, np.nanstd(best_ns, axis=1)),
    )
    return float((scores_nn.max(axis=1) >= thresholds_n).mean())


@pytest.mark.parametrize(
    ("size", "alike", "checkpoint_lets_through"), [(64, 1.5, "too many"), (32, 0.0, "too few")]
)
def test_strangers_pass_as_often_as_promised_where_the_checkpoint_is_wrong(
    checkpoints: Calibration, size: int, alike: float, checkpoint_lets_through: str
) -> None:
    gallery = people(400, 2, seed=1, size=size, alike=alike)
    own = own_curve(*gallery, checkpoints)
    promised = achieved_fpir(checkpoints, *gallery, 0.01, alike)
    assert (promised > 0.02) if checkpoint_lets_through == "too many" else (promised < 0.005)
    for target in (0.1, 0.01):
        assert target / 2 <= achieved_fpir(own.curve, *gallery, target, alike) <= target * 2


def test_few_people_change_little_and_many_replace_the_checkpoint(
    checkpoints: Calibration,
) -> None:
    def threshold(number: int, seed: int) -> float:
        own = own_curve(*people(number, 2, seed=seed), checkpoints)
        return own.curve.verification_threshold(target_fmr=1e-3)

    before = checkpoints.verification_threshold(target_fmr=1e-3)
    few = np.mean([threshold(10, seed) for seed in range(20)])
    many = threshold(400, 2)
    assert many < before
    assert abs(few - before) < abs(few - many)


def test_an_interval_surrounds_every_threshold_and_shrinks_with_more_people(
    checkpoints: Calibration,
) -> None:
    widths = []
    for number in (40, 400):
        own = own_curve(*people(number, 1, seed=3), checkpoints)
        assert all(
            low <= score <= high
            for low, score, high in zip(
                own.lowest_scores, own.curve.scores, own.highest_scores, strict=True
            )
        )
        low, high = (
            curve.threshold(target_fpir=0.1, gallery_size=number)
            for curve in (own.lowest, own.highest)
        )
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_two_equal_people_count_as_one_coincidence(checkpoints: Calibration) -> None:
    vectors_nd, subject_n = people(60, 1, seed=4)
    vectors_nd[1] = vectors_nd[0]  # twins: two best scores of one, from one pair
    own = own_curve(vectors_nd, subject_n, checkpoints)
    assert own.curve.threshold(target_fpir=0.1, gallery_size=60) < 0.99


def test_other_peoples_walks_are_impostors_and_own_ones_are_not(checkpoints: Calibration) -> None:
    vectors_nd, subject_n = people(30, 3, seed=5)
    found = impostor_maxima(vectors_nd, subject_n + 1000, checkpoints)
    assert found.subjects == 30
    assert found.comparisons == 90 * 29
    assert (found.best_subject_p != found.subject_p).all()
    assert found.weight_p.sum() == pytest.approx(30)
    for place in range(5):
        own_nd = vectors_nd[subject_n == found.subject_p[place]]
        others = (own_nd @ own_nd.T)[~np.eye(3, dtype=np.bool_)].reshape(3, 2).max(axis=1)
        assert np.isclose(others, found.genuine_p[place], atol=1e-6).any()


def test_the_level_is_that_of_everybody_but_the_own_and_the_best_subject(
    checkpoints: Calibration,
) -> None:
    vectors_nd, subject_n = people(12, 2, seed=6)
    found = impostor_maxima(vectors_nd, subject_n, checkpoints)
    for place in range(5):
        own, best = found.subject_p[place], found.best_subject_p[place]
        probes_nd = vectors_nd[subject_n == own]
        rest_nd = vectors_nd[(subject_n != own) & (subject_n != best)]
        means = (probes_nd @ rest_nd.T).mean(axis=1)
        assert np.isclose(means, found.cohort_mean_p[place], atol=1e-6).any()


def test_right_walks_that_would_be_refused_are_told_only_where_people_have_several(
    checkpoints: Calibration,
) -> None:
    for walks in (1, 3):
        maxima = impostor_maxima(*people(80, walks, seed=7), checkpoints)
        own = fit_gallery_curve(maxima, checkpoints, resamples=10)
        refused = [row.false_non_match_rate for row in threshold_table(own, maxima)]
        if walks == 1:
            assert refused == [None] * 3
        else:
            assert [rate.people for rate in refused if rate is not None] == [80] * 3
            values = [rate.value for rate in refused if rate is not None]
            assert values[0] < values[-1]


def test_too_few_people_are_refused(checkpoints: Calibration) -> None:
    vectors_nd, subject_n = people(9, 2, seed=8)
    with pytest.raises(TooFewSubjects):
        calibrate_gallery(vectors_nd, subject_n, checkpoints)


@pytest.mark.parametrize("walks", [1, 2])
def test_a_calibration_survives_storage(checkpoints: Calibration, walks: int) -> None:
    found = calibrate_gallery(*people(30, walks, seed=9), checkpoints)
    assert GalleryCalibration.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_curve_serves_until_the_gallery_has_doubled_or_halved(checkpoints: Calibration) -> None:
    own = GalleryCurve(replace(checkpoints, subjects=100), (), ())
    assert [size for size in (49, 50, 200, 201) if own.serves(size)] == [50, 200]


@pytest.mark.filterwarnings("error")
def test_the_end_of_a_long_tail_is_still_a_number(checkpoints: Calibration) -> None:
    """Far out the score rises by as much as the evidence does, also where no FPIR is left."""
    evidence = np.array([25.0, 35.0, 45.0, 1045.0])
    scores = _Curve(checkpoints, 99).scores(evidence)
    slopes = np.diff(scores) / np.diff(evidence)
    assert np.all(slopes > 0.0)
    np.testing.assert_allclose(slopes, slopes[0], rtol=0.05)
