"""Fits a checkpoint's false-match curve on people its network has never seen.

Shape letters: N probes, M templates, S subjects, D embedding size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from model.calibration import HIGHEST_ON_SCALE, Calibration, ScoreSpread

TAIL_SHARE = 0.02  # of the comparisons: what the generalised Pareto tail is fitted to
GALLERY_SIZES = (5, 10, 20, 40, 80, 160, 320)
GALLERIES = 20  # drawn of each size
EXPONENT_TARGETS = (0.01, 0.03, 0.1)  # FPIR
CURVE_RATES = np.logspace(np.log10(0.5), -9, 120)  # 1 in 2 down to 1 in a billion


@dataclass(frozen=True, slots=True)
class ImpostorScores:
    """Every probe against every subject but its own.

    Attributes:
        best_ns: (N, S) cosine with the best of a subject's templates; nan where a probe meets its
            own subject or one without templates.
        mean_ns: (N, S) the mean over that subject's templates.
    """

    best_ns: NDArray[np.float32]
    mean_ns: NDArray[np.float32]

    def __add__(self, other: ImpostorScores) -> ImpostorScores:
        """The probes of both."""
        return ImpostorScores(
            np.concatenate((self.best_ns, other.best_ns)),
            np.concatenate((self.mean_ns, other.mean_ns)),
        )


def impostor_scores(
    probes_nd: NDArray[np.float32],
    probe_subject_n: NDArray[np.int64],
    templates_md: NDArray[np.float32],
    template_subject_m: NDArray[np.int64],
    *,
    subjects: int,
) -> ImpostorScores:
    """Scores every probe against every subject but its own.

    Args:
        probes_nd: (N, D) unit vectors.
        probe_subject_n: (N,) who walks, 0 … S − 1.
        templates_md: (M, D) unit vectors.
        template_subject_m: (M,) whose they are, 0 … S − 1.
        subjects: S.
    """
    order = np.argsort(template_subject_m, kind="stable")
    enrolled, starts = np.unique(template_subject_m[order], return_index=True)
    scores_nm = probes_nd @ templates_md[order].T
    counts = np.diff(np.append(starts, len(order)))
    best_ns = np.full((len(probes_nd), subjects), np.nan, dtype=np.float32)
    mean_ns = best_ns.copy()
    best_ns[:, enrolled] = np.maximum.reduceat(scores_nm, starts, axis=1)
    mean_ns[:, enrolled] = np.add.reduceat(scores_nm, starts, axis=1) / counts
    own = np.arange(len(probes_nd)), probe_subject_n
    best_ns[own] = mean_ns[own] = np.nan
    return ImpostorScores(best_ns, mean_ns)


def fit_normalised(
    impostors: ImpostorScores,
    *,
    usual_level: float,
    level_exponent: float,
    subjects: int,
    source: str,
) -> Calibration:
    """Fits the curve to scores on the scale of each probe's cohort, as thresholds will be.

    Args:
        impostors: scores of strangers.
        usual_level: see `Calibration`.
        level_exponent: see `Calibration`.
        subjects: people they come from.
        source: what they were measured on, in words.

    Raises:
        ValueError: fewer than 1,000 scores.
    """
    best_ns = impostors.best_ns
    rest_ns, mean_ns = best_ns.astype(np.float64), impostors.mean_ns.astype(np.float64)
    # Whoever comes first may be the right one: a search leaves them out of the cohort.
    first = np.arange(len(best_ns)), np.nan_to_num(best_ns, nan=-np.inf).argmax(axis=1)
    rest_ns[first] = mean_ns[first] = np.nan
    mean_n = np.nanmean(mean_ns, axis=1)
    rise_n, deviation_n = np.nanmean(rest_ns, axis=1) - mean_n, np.nanstd(rest_ns, axis=1)
    usual = ScoreSpread(float(rise_n.mean()), float(np.sqrt(np.mean(deviation_n**2))))
    settings: dict[str, Any] = {
        "usual_level": usual_level,
        "level_exponent": level_exponent,
        # A network that was hardly trained may make all walks the same.
        "usual_spread": usual if usual.deviation > 0.0 else None,
    }
    unfitted = Calibration((0.5, 0.1), (0.0, 1.0), source, subjects, best_ns.size, **settings)
    rest_n = np.count_nonzero(~np.isnan(rest_ns), axis=1)
    likeness = unfitted.likeness(mean_n, rest_n, (rise_n, deviation_n))
    scores_ns = unfitted.normalised(best_ns, likeness[:, None]).astype(np.float32)
    return replace(fit(scores_ns, subjects=subjects, source=source), **settings)


def fit(scores: NDArray[np.float32], *, subjects: int, source: str) -> Calibration:
    """Fits the curve: the measured quantiles, and beyond the top 2 % a generalised Pareto tail.

    Strangers' scores above a high threshold follow a generalised Pareto distribution (Pickands
    1975), which lets the curve reach rates that no measurement of this size could count.

    Args:
        scores: impostor scores, at least 1,000: any order, or (N, S) with nan for missing ones;
            then it is also measured how the rate grows with the gallery.
        subjects: people they come from.
        source: what they were measured on, in words.

    Raises:
        ValueError: fewer than 1,000 scores.
    """
    values = np.sort(scores[~np.isnan(scores)].astype(np.float64))
    if values.size < 1000:
        msg = f"a calibration needs at least 1,000 impostor scores, not {values.size}"
        raise ValueError(msg)
    cut = float(np.quantile(values, 1.0 - TAIL_SHARE))
    excess = values[values > cut] - cut
    shape, _, scale = stats.genpareto.fit(excess, floc=0.0)
    levels = [
        float(np.quantile(values, 1.0 - rate))
        if rate >= TAIL_SHARE
        else cut + float(stats.genpareto.isf(rate / TAIL_SHARE, shape, 0.0, scale))
        for rate in CURVE_RATES
    ]
    rising = np.minimum(np.maximum.accumulate(levels), HIGHEST_ON_SCALE)
    curve = Calibration(
        false_match_rates=tuple(float(rate) for rate in CURVE_RATES),
        scores=tuple(round(float(score), 6) for score in rising),
        source=source,
        subjects=subjects,
        comparisons=int(values.size),
    )
    if scores.ndim == 1:
        return curve
    return replace(curve, gallery_exponent=round(gallery_exponent(scores, curve), 4))


def gallery_exponent(scores_ns: NDArray[np.float32], curve: Calibration) -> float:
    """The exponent g with which a gallery of S subjects counts as S^g independent ones.

    Random galleries of several sizes are searched by all probes; a size's threshold for an FPIR is
    the quantile of the best scores. What rate the curve gives that threshold says how many
    independent subjects would cause that FPIR; g is the least-squares slope through the origin of
    its logarithm over that of S, at most 1.

    Args:
        scores_ns: (N, S) impostor scores, nan where a probe meets itself.
        curve: fitted to the same scores.
    """
    rng = np.random.default_rng(0)
    products, squares = 0.0, 0.0
    for size in GALLERY_SIZES:
        if size >= scores_ns.shape[1]:
            break
        best: list[NDArray[np.float32]] = []
        for _ in range(GALLERIES):
            gallery = rng.choice(scores_ns.shape[1], size, replace=False)
            strangers_ns = scores_ns[:, gallery]
            strangers_ns = strangers_ns[~np.isnan(strangers_ns).any(axis=1)]
            best.append(strangers_ns.max(axis=1))
        for target in EXPONENT_TARGETS:
            threshold = float(np.quantile(np.concatenate(best), 1.0 - target))
            rate = curve.false_match_rate(threshold)
            independent = max(1.0, np.log1p(-target) / np.log1p(-rate))
            products += np.log(independent) * np.log(size)
            squares += np.log(size) ** 2
    return min(1.0, products / squares) if squares > 0.0 else 1.0
