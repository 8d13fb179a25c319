"""A gallery's own thresholds: the checkpoint's curve, corrected by what its own people show.

The checkpoint says how often a stranger reaches a score against one subject. In a gallery of S
others that makes a predicted FPIR u of every score; its evidence is e = −ln u. If the checkpoint is
right, the best scores of strangers have evidence that is exponentially distributed with mean 1, and
how they are distributed instead is the correction:

- Above a high quantile, a generalised Pareto distribution is fitted to the evidence (Pickands 1975;
  Coles 2001, chapter 4). The fit is the maximum of the posterior: the checkpoint counts as
  `PRIOR_EXCEEDANCES` of mean 1, and the shape is normal around 0 (exponential) with
  `SHAPE_DEVIATION`. Few people leave the checkpoint's tail as it is, many replace it.
- Below it the rate is counted, the checkpoint counting as `PRIOR_SUBJECTS` people: of the maxima
  down to their median, of single comparisons from there on.

A probe's best score is one observation, however many comparisons it came of: what they have in
common does not count as evidence many times. The exponent by which the gallery's size enters
follows at the median, where both rates are known.

Shape letters: P probes, G groups, K curve points, R resamples, E exceedances, B bins, Q probes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from model.bootstrap import percentiles
from model.calibration import HIGHEST_ON_SCALE, Calibration
from model.gallery_curve import GalleryCalibration, GalleryCurve, threshold_table
from model.impostor_maxima import BIN_EDGES, ImpostorMaxima, impostor_maxima

FEWEST_SUBJECTS = 10
# What the checkpoint counts for beside the gallery: chosen on galleries of 10 to 1,000 walkers, of
# whom none is in the table of docs/thresholds.md. With three times as much, galleries of ten keep
# the checkpoint's error; with half of it, some let several times too many strangers through.
PRIOR_SUBJECTS = 4.0
PRIOR_EXCEEDANCES = 6.0
SHAPE_DEVIATION = 0.03
RESAMPLES = 200
_ALMOST_ZERO = (
    1e-6  # shape below which a generalised Pareto distribution is computed as exponential
)
LOWEST_EXPONENT = 0.5
TAIL_SHARES = np.logspace(-12, 0, 200)[:-1]  # of the exceedances, at which the tail is written down
_ALMOST_ONE = 1.0 - 1e-12  # whose complement has a logarithm
_FAR = 30.0  # evidence, of one stranger in 10^13
# 1 in 2 down to 1 in a billion, as coarse as straight lines between them allow.
CURVE_RATES = np.logspace(np.log10(0.5), -9, 60)


class TooFewSubjects(ValueError):
    """So few people say nothing of strangers.

    Attributes:
        subjects: how many they are.
    """

    def __init__(self, subjects: int) -> None:
        super().__init__(f"{FEWEST_SUBJECTS} subjects at least, not {subjects}")
        self.subjects = subjects


def calibrate_gallery(
    vectors_md: NDArray[np.floating], subject_m: NDArray[np.int64], calibration: Calibration
) -> GalleryCalibration:
    """Measures a gallery: a second for hundreds of subjects, some seconds for a million templates.

    Args:
        vectors_md: (M, D) unit vectors of the whole gallery, by one checkpoint.
        subject_m: (M,) whose they are, any numbers.
        calibration: of that checkpoint.

    Raises:
        TooFewSubjects: fewer than `FEWEST_SUBJECTS`.
    """
    subjects = len(np.unique(subject_m))
    if subjects < FEWEST_SUBJECTS:
        raise TooFewSubjects(subjects)
    maxima = impostor_maxima(vectors_md, subject_m, calibration)
    own = fit_gallery_curve(maxima, calibration)
    return GalleryCalibration(own, threshold_table(own, maxima))


def fit_gallery_curve(
    maxima: ImpostorMaxima,
    calibration: Calibration,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> GalleryCurve:
    """Corrects a checkpoint's curve by a gallery's own impostor scores.

    The intervals come of drawing people with replacement. Two who are each other's nearest are
    drawn together, for their two best scores are one coincidence.

    Args:
        maxima: of the gallery.
        calibration: of the checkpoint.
        resamples: draws of people.
        seed: of the draws.

    Raises:
        TooFewSubjects: fewer than `FEWEST_SUBJECTS`.
    """
    if maxima.subjects < FEWEST_SUBJECTS:
        raise TooFewSubjects(maxima.subjects)
    fit = _Fit(maxima, calibration)
    scores_k, exponent = fit.scores(maxima.weight_p)
    group_p = _groups(maxima)
    groups = int(group_p.max()) + 1
    rng = np.random.default_rng(seed)
    resampled_rk = np.array(
        [
            fit.scores(
                maxima.weight_p * rng.multinomial(groups, np.full(groups, 1.0 / groups))[group_p]
            )[0]
            for _ in range(resamples)
        ]
    )
    ends_2k = np.array([percentiles(scores_r) for scores_r in resampled_rk.T]).T
    curve = replace(
        calibration,
        false_match_rates=tuple(float(rate) for rate in CURVE_RATES),
        scores=_rising(scores_k),
        source="the gallery's own templates",
        subjects=maxima.subjects,
        comparisons=maxima.comparisons,
        gallery_exponent=round(exponent, 4),
    )
    return GalleryCurve(
        curve,
        lowest_scores=_rising(np.minimum(ends_2k[0], scores_k)),
        highest_scores=_rising(np.maximum(ends_2k[1], scores_k)),
    )


def _rising(scores_k: NDArray[np.float64]) -> tuple[float, ...]:
    rising_k = np.minimum(np.maximum.accumulate(scores_k), HIGHEST_ON_SCALE)
    return tuple(round(float(score), 6) for score in rising_k)


def _groups(maxima: ImpostorMaxima) -> NDArray[np.int64]:
    """(P,) numbers from 0: probes of one person, or of two who are each other's nearest."""
    rival_s = np.full(maxima.subjects, -1)
    order = np.argsort(maxima.best_p)  # of several walks the best score is written last
    rival_s[maxima.subject_p[order]] = maxima.best_subject_p[order]
    own_s = np.arange(maxima.subjects)
    mutual_s = (rival_s >= 0) & (rival_s[rival_s] == own_s)
    group_s = np.where(mutual_s, np.minimum(own_s, rival_s), own_s)
    numbers: NDArray[np.int64] = np.unique(group_s[maxima.subject_p], return_inverse=True)[1]
    return numbers


class _Fit:
    """What all resamples of one gallery share."""

    def __init__(self, maxima: ImpostorMaxima, calibration: Calibration) -> None:
        self._prior = _Curve(calibration, maxima.subjects - 1)
        self._others = maxima.subjects - 1
        self._order = np.argsort(-maxima.best_p)
        self._best_p = maxima.best_p[self._order]  # falling
        self._evidence_p = self._prior.evidence(self._best_p)
        counts_qb = maxima.pair_counts_qb
        self._pair_shares_qb = counts_qb / counts_qb.sum(axis=1, keepdims=True)
        # The more people, the more exceedances, and yet the smaller their share: a tail is told by
        # many scores and only where it is one.
        people = len(np.unique(maxima.subject_p))
        self._tail = max(2, round(len(self._best_p) * people ** (-1.0 / 3.0)))

    def scores(self, weight_p: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """(K,) the score at each of `CURVE_RATES`, and the exponent of the gallery's size."""
        pair_scores_b, pair_rates_b = self._pairs(weight_p)
        weight_p = weight_p[self._order]
        people = weight_p.sum()
        above_p = weight_p.cumsum() - 0.5 * weight_p  # half of a walk is above its own score
        predicted_p = np.exp(-self._evidence_p)
        fpir_p = (above_p + PRIOR_SUBJECTS * predicted_p) / (people + PRIOR_SUBJECTS)
        middle = int(np.clip(np.searchsorted(fpir_p, 0.5), self._tail + 1, len(fpir_p) - 1))

        middle_rate = np.interp(self._best_p[middle], pair_scores_b, pair_rates_b)
        independent = max(1.0, np.log1p(-fpir_p[middle]) / np.log1p(-middle_rate))
        exponent = float(np.clip(np.log(independent) / np.log(self._others), LOWEST_EXPONENT, 1.0))

        tail = self._tail
        shape, scale = _pareto_of(self._evidence_p[:tail] - self._evidence_p[tail], weight_p[:tail])
        share_k = TAIL_SHARES
        tail_evidence_k = self._evidence_p[tail] + scale * _excess(share_k, shape)
        fpirs = np.concatenate((fpir_p[tail] * share_k, fpir_p[tail : middle + 1]))
        below_b = pair_scores_b < self._best_p[middle]
        rates = np.concatenate(
            (-np.expm1(np.log1p(-fpirs) / self._others**exponent), pair_rates_b[below_b][::-1])
        )
        scores = np.concatenate(
            (
                self._prior.scores(tail_evidence_k),
                self._best_p[tail : middle + 1],
                pair_scores_b[below_b][::-1],
            )
        )
        log_rates = np.log(np.maximum.accumulate(rates))
        return np.interp(np.log(CURVE_RATES), log_rates, scores), exponent

    def _pairs(
        self, weight_p: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(B,) scores, rising, and the share of single comparisons above each."""
        weight_q = weight_p[: len(self._pair_shares_qb)]
        above_b = (weight_q @ self._pair_shares_qb)[::-1].cumsum()[::-1]
        scores_b = BIN_EDGES[:-1]
        predicted_b = np.exp(self._prior.log_rates(scores_b))
        rates_b = (above_b + PRIOR_SUBJECTS * predicted_b) / (weight_q.sum() + PRIOR_SUBJECTS)
        return scores_b, np.minimum(rates_b, _ALMOST_ONE)


class _Curve:
    """A checkpoint's curve, straight on beyond its ends, as the evidence of a best score."""

    def __init__(self, calibration: Calibration, others: int) -> None:
        scores = np.asarray(calibration.scores)
        log_rates = np.log(calibration.false_match_rates)
        rising = np.append(True, np.diff(scores) > 0.0)
        self._scores, self._log_rates = scores[rising], log_rates[rising]
        self._independent = others**calibration.gallery_exponent

    def log_rates(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Natural logarithms of the false match rate, at most 0."""
        return np.minimum(_straight(scores, self._scores, self._log_rates), 0.0)

    def evidence(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """−ln of the FPIR that the checkpoint predicts of thresholds at these scores."""
        rates = np.minimum(np.exp(self.log_rates(scores)), _ALMOST_ONE)
        evidence: NDArray[np.float64] = -np.log(-np.expm1(self._independent * np.log1p(-rates)))
        return evidence

    def scores(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """The other way."""
        # From there on the rate falls as the FPIR does, which is soon too small to be a number.
        near = np.minimum(evidence, _FAR)
        predicted = np.minimum(np.exp(-near), _ALMOST_ONE)
        rates = -np.expm1(np.log1p(-predicted) / self._independent)
        log_rates = np.log(rates) - (evidence - near)
        return _straight(log_rates, self._log_rates[::-1], self._scores[::-1])


def _straight(
    x: NDArray[np.float64], known_x: NDArray[np.float64], known_y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`np.interp` that goes on straight beyond both ends; `known_x` rises."""
    y = np.interp(x, known_x, known_y)
    for end, inner, beyond in ((0, 1, x < known_x[0]), (-1, -2, x > known_x[-1])):
        slope = (known_y[end] - known_y[inner]) / (known_x[end] - known_x[inner])
        y = np.where(beyond, known_y[end] + slope * (x - known_x[end]), y)
    return y


def _excess(shares: NDArray[np.float64], shape: float) -> NDArray[np.float64]:
    """Quantiles of the generalised Pareto distribution of scale 1, by the share above."""
    if abs(shape) < _ALMOST_ZERO:
        return -np.log(shares)
    excess: NDArray[np.float64] = np.expm1(-shape * np.log(shares)) / shape
    return excess


def _pareto_of(excess_e: NDArray[np.float64], weight_e: NDArray[np.float64]) -> tuple[float, float]:
    """Shape and scale of the most probable generalised Pareto distribution."""

    def improbability(values: NDArray[np.float64]) -> float:
        shape, log_scale = float(values[0]), float(values[1])
        scale = np.exp(log_scale)
        stretched_e = 1.0 + shape * excess_e / scale
        if stretched_e.min() <= 0.0:
            return 1e12
        logs_e = (
            np.log(stretched_e) * (1.0 + 1.0 / shape)
            if abs(shape) > _ALMOST_ZERO
            else excess_e / scale
        )
        own = float(weight_e @ (log_scale + logs_e))
        # What as many exceedances of mean 1 would add on average, were the tail exponential.
        prior = PRIOR_EXCEEDANCES * (log_scale + 1.0 / scale)
        return own + float(prior) + 0.5 * (shape / SHAPE_DEVIATION) ** 2

    mean = (weight_e @ excess_e + PRIOR_EXCEEDANCES) / (weight_e.sum() + PRIOR_EXCEEDANCES)
    found = optimize.minimize(
        improbability,
        np.array([0.0, np.log(mean)]),
        method="Nelder-Mead",
        options={"xatol": 1e-3, "fatol": 1e-3},
    )
    return float(found.x[0]), float(np.exp(found.x[1]))
