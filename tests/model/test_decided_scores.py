"""The score a service decides with: a cosine without the level at which everybody looks alike."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.calibration import Calibration, Cohort, ScoreSpread
from model.datasets.labelled import LabelledGeis
from model.decided_scores import decided_scores
from model.evaluate import score
from model.identification import open_set, searches
from model.protocols import Cell
from model.scores import Scores, cosine_scores
from model.verification import comparisons, equal_error_rate

CURVE = Calibration(
    (0.5, 0.1, 0.01),
    (0.1, 0.4, 0.6),
    "by hand",
    10,
    100,
    usual_level=0.4,
    level_exponent=0.75,
    usual_spread=ScoreSpread(0.1, 0.2),
)


def _people(seed: int = 0) -> tuple[Scores, NDArray[np.int64], NDArray[np.float64]]:
    """Five people, two cameras, three walks each, that all look somewhat alike."""
    rng = np.random.default_rng(seed)
    subject_n, view_n = np.repeat(np.arange(5), 6), np.tile([0.0, 0.0, 0.0, 90.0, 90.0, 90.0], 5)
    vectors_nd = (
        1.0
        + 1.5 * rng.normal(size=(5, 16))[subject_n]
        + 2.0 * rng.normal(size=(len(subject_n), 16))
    )
    return cosine_scores(vectors_nd.astype(np.float32)), subject_n, view_n


def _cohort(scores_m: Scores, subject_m: NDArray[np.int64]) -> Cohort:
    mean = float(scores_m.mean())
    best = [float(scores_m[subject_m == subject].max()) for subject in np.unique(subject_m)]
    return Cohort(mean, len(best), ScoreSpread(float(np.mean(best)) - mean, float(np.std(best))))


@pytest.mark.parametrize("target_fmr", [0.4, 0.1, 0.03])
def test_a_decided_score_passes_a_fixed_threshold_when_its_cosine_passes_the_services(
    target_fmr: float,
) -> None:
    """The service moves the threshold, this moves the score; who is let in is the same."""
    scores_nn, subject_n, view_n = _people()
    cohort_n = np.arange(len(subject_n)) % 3 < 2
    decided_nn = decided_scores(scores_nn, subject_n, view_n, CURVE, cohort_n=cohort_n)
    fixed = np.interp(
        -np.log(target_fmr), -np.log(CURVE.false_match_rates), np.asarray(CURVE.scores)
    )
    passed = 0
    for probe in range(len(subject_n)):
        for template in range(len(subject_n)):
            if probe == template:
                continue
            rest_n = cohort_n & (view_n == view_n[template])
            rest_n &= ~np.isin(subject_n, (subject_n[probe], subject_n[template]))
            cohort = _cohort(scores_nn[probe, rest_n], subject_n[rest_n])
            threshold = CURVE.verification_threshold(target_fmr=target_fmr, cohort=cohort)
            let_in = scores_nn[probe, template] >= threshold
            assert (decided_nn[probe, template] >= fixed) == let_in
            passed += int(let_in)
    assert 0 < passed < len(subject_n) * (len(subject_n) - 1)


def test_an_impostor_who_is_enrolled_is_not_kept_out_by_his_own_templates() -> None:
    scores_nn, subject_n, view_n = _people()
    decided_nn = decided_scores(scores_nn, subject_n, view_n, CURVE)
    own_nn = subject_n[:, None] == subject_n[None, :]
    nearer_nn = np.where(own_nn, 1.0, scores_nn).astype(np.float32)
    again_nn = decided_scores(nearer_nn, subject_n, view_n, CURVE)
    np.testing.assert_array_equal(again_nn[~own_nn], decided_nn[~own_nn])


def test_without_anybody_else_the_usual_level_is_taken() -> None:
    scores_nn = np.array([[1.0, 0.7], [0.7, 1.0]], dtype=np.float32)
    decided_nn = decided_scores(scores_nn, [0, 1], [np.nan, np.nan], CURVE)
    # 0.1 is the usual rise, above a level of nothing.
    assert decided_nn[0, 1] == pytest.approx((0.7 - 0.4) / 0.6**0.75 - 0.1)


def test_probes_whose_masks_make_everybody_look_alike_are_told_apart_better_than_by_cosine() -> (
    None
):
    rng = np.random.default_rng(1)
    subject_n = np.repeat(np.arange(12), 6)
    vectors_nd = rng.normal(size=(12, 32))[subject_n] + 1.2 * rng.normal(size=(72, 32))
    vectors_nd += 12.0 * rng.uniform(size=(72, 1)) * np.eye(32)[0]  # a part that all may have
    scores_nn = cosine_scores(vectors_nd.astype(np.float32))
    decided_nn = decided_scores(scores_nn, subject_n, np.zeros(72), CURVE)
    permitted_nn = np.ones((72, 72), dtype=np.bool_)
    raw = comparisons(scores_nn, subject_n, permitted_nn)
    decided = comparisons(decided_nn, subject_n, permitted_nn, both_ways=True)
    assert equal_error_rate(decided.genuine_g, decided.impostor_i) < equal_error_rate(
        raw.genuine_g, raw.impostor_i
    )


def test_pairs_both_ways_are_each_walk_as_the_probe_once_and_never_a_walk_with_itself() -> None:
    subject = ["a", "a", "b", "b"]
    scores_nn = np.arange(16, dtype=np.float32).reshape(4, 4)
    permitted_nn = np.ones((4, 4), dtype=np.bool_)
    permitted_nn[0, 2] = permitted_nn[2, 0] = False
    found = comparisons(scores_nn, subject, permitted_nn, both_ways=True)
    assert sorted(found.genuine_g) == [1, 4, 11, 14]
    assert sorted(found.impostor_i) == [3, 6, 7, 9, 12, 13]
    assert set(found.impostor_pair_i) == {1}
    assert sorted(found.genuine_subject_g) == [0, 0, 1, 1]


def test_an_open_set_by_decided_scores_takes_each_galleries_own_level() -> None:
    """With the half of the people that is drawn, worked out search by search."""
    scores_nn, subject_n, _ = _people(seed=3)
    first_n = np.arange(len(subject_n)) % 3 == 0
    found = searches(scores_nn, subject_n, [Cell(~first_n, first_n)])
    (result,) = open_set(
        found, target_fpirs=[0.2], calibration=CURVE, splits=1, seed=0, resamples=20
    )
    known_s = np.isin(np.arange(5), np.random.default_rng(0).permutation(5)[:3])
    strangers, right = [], []
    for probe in np.flatnonzero(~first_n):
        gallery = np.flatnonzero(first_n & known_s[subject_n])
        best = gallery[scores_nn[probe, gallery].argmax()]
        rest = gallery[subject_n[gallery] != subject_n[best]]
        cohort = _cohort(scores_nn[probe, rest], subject_n[rest])
        assert cohort.scores is not None
        likeness = CURVE.likeness(
            cohort.mean, cohort.subjects, (cohort.scores.rise, cohort.scores.deviation)
        )
        decided = float(CURVE.normalised(scores_nn[probe, best], likeness))
        if not known_s[subject_n[probe]]:
            strangers.append(decided)
        else:
            right.append(decided if subject_n[best] == subject_n[probe] else -np.inf)
    may_pass = int(0.2 * len(strangers))
    threshold = np.sort(strangers)[::-1][may_pass]
    expected = np.mean(np.array(right) > threshold)
    assert result.true_positive_rate.value == pytest.approx(expected)
    (plain,) = open_set(found, target_fpirs=[0.2], splits=1, seed=0, resamples=20)
    assert plain.true_positive_rate.value != pytest.approx(expected)


def test_only_a_network_with_thresholds_of_its_own_is_judged_by_the_score_it_decides_with() -> None:
    rng = np.random.default_rng(0)
    geis_nhw = rng.integers(0, 256, (24, 8, 6), dtype=np.uint8)
    walks = LabelledGeis(
        geis_nhw=geis_nhw,
        subject_n=np.repeat([f"s{person}" for person in range(6)], 4),
        condition_n=np.full(24, "nm"),
        walk_n=np.tile(np.arange(1, 5), 6),
        view_n=np.full(24, np.nan),
        drift_n2=np.full((24, 2), np.nan),
    )

    def encode(batch_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        return batch_nhw.reshape(len(batch_nhw), -1).astype(np.float32)

    report = score(encode, walks, "tree", calibration=CURVE)
    network, raw = report.method("network"), report.method("raw GEI")
    assert network.metric("EER as decided").comparisons == 2 * network.metric("EER").comparisons
    assert "TPIR at FPIR 1 % as decided" in {metric.name for metric in network.metrics}
    assert any(series.name == "DET as decided" for series in network.series)
    assert not any("as decided" in metric.name for metric in raw.metrics)
    uncalibrated = score(encode, walks, "tree").method("network")
    assert not any("as decided" in metric.name for metric in uncalibrated.metrics)
