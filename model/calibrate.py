"""Fits a checkpoint's false-match curve on people its network has never seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from model.calibration import HIGHEST_SCORE, Calibration

TAIL_SHARE = 0.02  # of the comparisons: what the generalised Pareto tail is fitted to
CURVE_RATES = np.logspace(np.log10(0.5), -9, 120)  # 1 in 2 down to 1 in a billion


def impostor_scores(
    probes_nd: NDArray[np.float32],
    probe_subject_n: NDArray[np.int64],
    templates_md: NDArray[np.float32],
    template_subject_m: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Scores of every probe against every subject but its own: the best of that subject's
    templates.

    Returns:
        (N · (S − 1),) float32, in no particular order, for S subjects.
    """
    subjects, subject_of_template = np.unique(template_subject_m, return_inverse=True)
    order = np.argsort(subject_of_template, kind="stable")
    starts = np.searchsorted(subject_of_template[order], np.arange(len(subjects)))
    scores_nm = probes_nd @ templates_md[order].T
    best_ns = np.maximum.reduceat(scores_nm, starts, axis=1)
    scores: NDArray[np.float32] = best_ns[probe_subject_n[:, None] != subjects[None, :]]
    return scores


def fit(scores: NDArray[np.float32], *, subjects: int, source: str) -> Calibration:
    """Fits the curve: the measured quantiles, and beyond the top 2 % a generalised Pareto tail.

    Strangers' scores above a high threshold follow a generalised Pareto distribution (Pickands
    1975), which lets the curve reach rates that no measurement of this size could count.

    Args:
        scores: impostor scores, any order, at least 1,000.
        subjects: people they come from.
        source: what they were measured on, in words.

    Raises:
        ValueError: fewer than 1,000 scores.
    """
    if scores.size < 1000:
        msg = f"a calibration needs at least 1,000 impostor scores, not {scores.size}"
        raise ValueError(msg)
    values = np.sort(scores.astype(np.float64))
    cut = float(np.quantile(values, 1.0 - TAIL_SHARE))
    excess = values[values > cut] - cut
    shape, _, scale = stats.genpareto.fit(excess, floc=0.0)
    curve = [
        float(np.quantile(values, 1.0 - rate))
        if rate >= TAIL_SHARE
        else cut + float(stats.genpareto.isf(rate / TAIL_SHARE, shape, 0.0, scale))
        for rate in CURVE_RATES
    ]
    rising = np.minimum(np.maximum.accumulate(curve), HIGHEST_SCORE)
    return Calibration(
        false_match_rates=tuple(float(rate) for rate in CURVE_RATES),
        scores=tuple(round(float(score), 6) for score in rising),
        source=source,
        subjects=subjects,
        comparisons=int(scores.size),
    )
