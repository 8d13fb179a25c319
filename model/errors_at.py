"""FMR and FNMR at one threshold: where the errors of a system lie, group by group.

Shape letters: S subjects, R resamples.
"""

from __future__ import annotations

import numpy as np

from model.bootstrap import NOTHING, RESAMPLES, Estimate, SubjectMean, draw_people, interval
from model.verification import Comparisons


def errors_at(
    pairs: Comparisons, threshold: float, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Estimate, Estimate]:
    """FMR and FNMR of some comparisons at a threshold that others have set.

    People are drawn on both sides of an impostor pair, as in `model.verification`.

    Args:
        pairs: of one group, for example one view.
        threshold: a pair that scores as much passes.
        resamples: draws of people for the interval.
        seed: of the draws.

    Returns:
        FMR and FNMR; NOTHING for that of which the group has no pair.
    """
    return _fmr(pairs, threshold, resamples, seed), _fnmr(pairs, threshold, resamples, seed)


def _fnmr(pairs: Comparisons, threshold: float, resamples: int, seed: int) -> Estimate:
    counts_s = np.bincount(pairs.genuine_subject_g, minlength=pairs.subjects)
    missed_s = np.bincount(
        pairs.genuine_subject_g[pairs.genuine_g < threshold], minlength=pairs.subjects
    )
    mean = SubjectMean(missed_s[:, None].astype(float), counts_s[:, None].astype(float))
    return mean.estimate(resamples=resamples, seed=seed)


def _fmr(pairs: Comparisons, threshold: float, resamples: int, seed: int) -> Estimate:
    if pairs.impostor_i.size == 0:
        return NOTHING
    shape = pairs.subjects, pairs.subjects
    met_ss, passed_ss = (
        np.bincount(chosen, minlength=pairs.subjects**2).reshape(shape).astype(np.float64)
        for chosen in (
            pairs.impostor_pair_i,
            pairs.impostor_pair_i[pairs.impostor_i >= threshold],
        )
    )
    involved_s = met_ss.any(axis=0) | met_ss.any(axis=1)
    met_ss, passed_ss = (
        counts_ss[np.ix_(involved_s, involved_s)] for counts_ss in (met_ss, passed_ss)
    )
    people = len(met_ss)
    drawn_rs = draw_people(people, resamples=resamples, seed=seed).astype(np.float64)
    met_r, passed_r = (
        ((drawn_rs @ counts_ss) * drawn_rs).sum(axis=1) for counts_ss in (met_ss, passed_ss)
    )
    rates_r = np.full(resamples, np.nan)
    np.divide(passed_r, met_r, out=rates_r, where=met_r > 0)
    value = float(passed_ss.sum() / met_ss.sum())
    return Estimate(value, *interval(rates_r, people), people, pairs.impostor_i.size)
