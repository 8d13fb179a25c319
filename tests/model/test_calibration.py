"""Thresholds come from a measured curve and do what they say on people not used to fit it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from model.calibrate import ImpostorScores, fit, fit_normalised, impostor_scores
from model.calibration import Calibration, Cohort, ScoreSpread

CURVE = Calibration(
    false_match_rates=(0.5, 0.01, 1e-6),
    scores=(0.2, 0.6, 0.9),
    source="a test",
    subjects=9,
    comparisons=99,
)

ENROLLED = 50


def test_a_larger_gallery_needs_a_higher_threshold() -> None:
    """The same share of strangers may pass, but each meets more people."""
    small = CURVE.threshold(target_fpir=0.01, gallery_size=1)
    large = CURVE.threshold(target_fpir=0.01, gallery_size=1000)
    assert small == pytest.approx(0.6)
    assert 0.6 < large < 0.9
    assert CURVE.threshold(target_fpir=0.01, gallery_size=0) == small


def test_a_stricter_target_never_lowers_the_threshold() -> None:
    """Over six orders of magnitude, and beyond the end of the curve."""
    thresholds = [
        CURVE.threshold(target_fpir=10.0**-power, gallery_size=50) for power in range(1, 12)
    ]
    assert thresholds == sorted(thresholds)
    assert thresholds[-1] == pytest.approx(0.9)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_a_rate_outside_zero_to_one_is_refused(rate: float) -> None:
    """Zero false matches cannot be promised."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        CURVE.threshold(target_fpir=rate, gallery_size=10)
    with pytest.raises(ValueError, match="between 0 and 1"):
        CURVE.verification_threshold(target_fmr=rate)


def test_reading_the_curve_backwards_gives_the_rate() -> None:
    """The false-match rate at a threshold is the rate the threshold was asked for."""
    threshold = CURVE.verification_threshold(target_fmr=0.003)
    assert CURVE.false_match_rate(threshold) == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("rates", "scores"),
    [
        ((0.5, 0.6), (0.1, 0.2)),
        ((0.5, 0.1), (0.2, 0.1)),
        ((0.5,), (0.1,)),
        ((0.5, 0.0), (0.1, 0.2)),
    ],
)
def test_a_curve_that_is_none_is_refused(
    rates: tuple[float, ...], scores: tuple[float, ...]
) -> None:
    """Rates fall, scores rise, none is zero."""
    with pytest.raises(ValueError, match=r"calibration|rates"):
        Calibration(rates, scores, "a test", 1, 1)


@pytest.mark.parametrize("rate", [0.1, 0.01, 0.001])
def test_the_fitted_curve_holds_on_scores_it_has_not_seen(rate: float) -> None:
    """Within a factor of two, also where the tail is extrapolated tenfold."""
    rng = np.random.default_rng(1)
    seen = np.tanh(rng.normal(0.1, 0.25, 4000)).astype(np.float32)
    unseen = np.tanh(rng.normal(0.1, 0.25, 400_000))
    curve = fit(seen, subjects=50, source="a test")
    achieved = float((unseen >= curve.verification_threshold(target_fmr=rate)).mean())
    assert rate / 2 <= achieved <= rate * 2


def test_a_handful_of_scores_is_no_calibration() -> None:
    """A tail needs a body."""
    with pytest.raises(ValueError, match="1,000"):
        fit(np.zeros(999, np.float32), subjects=1, source="a test")


def test_an_impostor_score_is_the_best_of_a_stranger_s_templates() -> None:
    """Own templates do not count, nor does a subject without any."""
    templates = np.eye(3, dtype=np.float32)
    probes = np.array([[0.9, 0.1, 0.4], [0.0, 1.0, 0.0]], np.float32)
    scores = impostor_scores(
        probes, np.array([0, 2]), templates, np.array([0, 2, 2], dtype=np.int64), subjects=3
    )
    np.testing.assert_allclose(scores.best_ns, [[np.nan, np.nan, 0.4], [0.0, np.nan, np.nan]])
    np.testing.assert_allclose(scores.mean_ns, [[np.nan, np.nan, 0.25], [0.0, np.nan, np.nan]])


@pytest.mark.parametrize("alike", [0.0, 0.7])
def test_the_target_holds_for_galleries_of_any_size_however_alike_people_are(alike: float) -> None:
    """Where strangers resemble many subjects at once, as if the gallery were smaller."""

    def impostors(seed: int, probes: int, subjects: int) -> NDArray[np.float32]:
        rng = np.random.default_rng(seed)
        usual_n1 = rng.normal(size=(probes, 1))  # some strangers resemble everybody
        own_ns = rng.normal(size=(probes, subjects))
        mixed_ns = np.sqrt(alike) * usual_n1 + np.sqrt(1.0 - alike) * own_ns
        scores_ns: NDArray[np.float32] = np.tanh(0.1 + 0.2 * mixed_ns).astype(np.float32)
        return scores_ns

    curve = fit(impostors(1, 3000, 200), subjects=200, source="a test")
    strangers_ns = impostors(2, 20_000, 150)
    for size in (1, 12, 150):
        for target in (0.1, 0.01):
            threshold = curve.threshold(target_fpir=target, gallery_size=size)
            achieved = float((strangers_ns[:, :size].max(axis=1) >= threshold).mean())
            assert target / 2 <= achieved <= target * 2, (size, target)
    assert (curve.gallery_exponent > 0.97) == (alike == 0.0)


def test_an_exponent_outside_zero_to_one_is_refused() -> None:
    """More people in the gallery never mean less chance of a false match."""
    with pytest.raises(ValueError, match="exponent"):
        replace(CURVE, gallery_exponent=1.2)


def _people(
    seed: int, people: int, walks: int, common: float, size: int = 32
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit vectors of people's walks; `common` is the cosine that all of them share. In fewer
    dimensions people lie further apart, and some of them close together."""
    rng = np.random.default_rng(seed)
    own_nd = rng.normal(size=(people, 1, size)) + 0.6 * rng.normal(size=(people, walks, size))
    own_nd = own_nd.reshape(-1, size)
    own_nd /= np.linalg.norm(own_nd, axis=1, keepdims=True)
    shared_n1 = np.full((len(own_nd), 1), np.sqrt(common))
    vectors_nd = np.hstack((np.sqrt(1.0 - common) * own_nd, shared_n1))
    return vectors_nd.astype(np.float32), np.repeat(np.arange(people), walks)


def _impostors(seed: int, people: int, common: float, size: int = 32) -> ImpostorScores:
    vectors_nd, subject_n = _people(seed, people, 5, common, size)
    is_probe_n = np.arange(len(subject_n)) % 5 == 4
    return impostor_scores(
        vectors_nd[is_probe_n],
        subject_n[is_probe_n],
        vectors_nd[~is_probe_n],
        subject_n[~is_probe_n],
        subjects=people,
    )


def _passed(curve: Calibration, strangers: ImpostorScores, *, spread_is_told: bool) -> float:
    """Share of strangers who pass where 10 % are asked for, in a gallery of `ENROLLED`."""
    best_ns, mean_ns = (
        part_ns[ENROLLED:, :ENROLLED] for part_ns in (strangers.best_ns, strangers.mean_ns)
    )
    passed = []
    for best_s, mean_s in zip(best_ns, mean_ns, strict=True):
        rest_s = np.arange(ENROLLED) != best_s.argmax()
        mean = float(mean_s[rest_s].mean())
        spread = ScoreSpread(float(best_s[rest_s].mean()) - mean, float(best_s[rest_s].std()))
        cohort = Cohort(mean, ENROLLED - 1, spread if spread_is_told else None)
        threshold = curve.threshold(target_fpir=0.1, gallery_size=ENROLLED, cohort=cohort)
        passed.append(bool(best_s.max() >= threshold))
    return float(np.mean(passed))


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    """To people who have nothing in common."""
    return fit_normalised(
        _impostors(1, 150, 0.0), usual_level=0.0, level_exponent=1.0, subjects=150, source="a test"
    )


@pytest.mark.parametrize("common", [0.0, 0.4])
def test_the_target_holds_where_all_walks_look_somewhat_alike(
    fitted: Calibration, common: float
) -> None:
    """Fitted where they do not: the rest of the gallery tells how much."""
    strangers = _impostors(2, 400, common)
    assert 0.05 <= _passed(fitted, strangers, spread_is_told=True) <= 0.2
    without = fitted.threshold(target_fpir=0.1, gallery_size=ENROLLED)
    best_ns = strangers.best_ns[ENROLLED:, :ENROLLED]
    alone = float((best_ns.max(axis=1) >= without).mean())
    assert (alone > 0.5) == (common > 0.0)


@pytest.mark.parametrize(("size", "without"), [(24, "too many"), (44, "too few")])
def test_the_target_holds_where_a_camera_tells_people_apart_better_or_worse(
    fitted: Calibration, size: int, without: str
) -> None:
    """Fitted to another camera: how far the rest of the gallery lies apart tells."""
    strangers = _impostors(2, 400, 0.0, size)
    assert 0.05 <= _passed(fitted, strangers, spread_is_told=True) <= 0.2
    untold = _passed(fitted, strangers, spread_is_told=False)
    assert untold > 0.2 if without == "too many" else untold < 0.05


def test_the_spread_of_a_few_counts_beside_the_usual_one() -> None:
    curve = replace(CURVE, usual_spread=ScoreSpread(0.1, 0.2))

    def threshold(subjects: int, spread: ScoreSpread | None) -> float:
        cohort = Cohort(0.0, subjects, spread)
        return curve.threshold(target_fpir=0.01, gallery_size=1, cohort=cohort)

    usual, wide, high = (ScoreSpread(*each) for each in ((0.1, 0.2), (0.1, 0.25), (0.2, 0.2)))
    unknown = threshold(5, None)
    assert unknown == pytest.approx(0.1 + 0.6)
    assert threshold(10_000, usual) == pytest.approx(unknown, abs=1e-3)
    assert unknown < threshold(5, wide) < threshold(50, wide) < threshold(10_000, wide)
    assert threshold(10_000, wide) == pytest.approx(0.1 + 0.6 * 1.25**0.5, abs=1e-3)
    assert threshold(10_000, ScoreSpread(0.1, 0.01)) == pytest.approx(
        0.1 + 0.6 * 0.8**0.5, abs=1e-3
    )
    assert unknown < threshold(5, high) < threshold(50, high) < threshold(10_000, high)
    assert threshold(10_000, high) == pytest.approx(0.2 + 0.6, abs=1e-3)
    # One person's scores have no deviation to tell.
    assert threshold(1, ScoreSpread(0.1, 0.0)) == pytest.approx(unknown)
    unaware = CURVE.threshold(target_fpir=0.01, gallery_size=1, cohort=Cohort(0.0, 5, wide))
    assert unaware == pytest.approx(0.6)
    with pytest.raises(ValueError, match="usual deviation"):
        replace(CURVE, usual_spread=ScoreSpread(0.1, 0.0))


def test_without_a_spread_thresholds_are_those_of_a_cohort_that_tells_none() -> None:
    curve = replace(CURVE, usual_spread=ScoreSpread(0.1, 0.2), usual_level=0.3, level_exponent=0.7)
    plain = curve.without_spread()
    for cohort in (None, Cohort(0.2, 7)):
        threshold = curve.threshold(target_fpir=0.01, gallery_size=8, cohort=cohort)
        assert plain.threshold(target_fpir=0.01, gallery_size=8, cohort=cohort) == pytest.approx(
            threshold
        )
    told = Cohort(0.2, 7, ScoreSpread(0.4, 0.4))
    assert plain.threshold(target_fpir=0.01, gallery_size=8, cohort=told) == pytest.approx(
        threshold
    )
    assert plain.without_spread() == plain


def test_one_neighbour_moves_a_threshold_less_than_many() -> None:
    """A cohort of one may be the only relative."""
    alone, one, many = (
        CURVE.verification_threshold(target_fmr=0.01, cohort=cohort)
        for cohort in (None, Cohort(0.5, 1), Cohort(0.5, 100))
    )
    assert alone == pytest.approx(0.6)
    assert alone < one < many < 1.0


def test_without_a_cohort_the_usual_level_holds() -> None:
    """A gallery of one person on real masks must not be trusted with walkers' thresholds."""
    careful = replace(CURVE, usual_level=0.4)
    assert careful.verification_threshold(target_fmr=0.01) == pytest.approx(0.4 + 0.6 * 0.6)
    crowd = Cohort(0.0, 200)
    assert careful.verification_threshold(target_fmr=0.01, cohort=crowd) == pytest.approx(
        0.6, abs=0.01
    )


def test_a_level_beyond_all_measure_still_gives_a_threshold_that_can_be_reached() -> None:
    assert CURVE.verification_threshold(target_fmr=1e-6, cohort=Cohort(1.0, 50)) <= 1.0
