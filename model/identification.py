"""Open-set identification: strangers come too. FPIR, FNIR and TPIR, and what a checkpoint's own
thresholds achieve.

ISO/IEC 19795-1: the false positive identification rate (FPIR) is the share of searches by people
who are not enrolled that return anybody; the false negative identification rate (FNIR) the share
of searches by enrolled people that do not return them, here in first place; TPIR is 1 − FNIR. All
three depend on the number of enrolled subjects.

Probes of all cells are counted together, for one threshold serves them all. An impostor of equal
score stands in front of the right person. The bootstrap draws people as probes; the galleries stay.

Shape letters: N walks, P probes, S subjects, R resamples, M targets, F strangers' probes, K probes
of enrolled people that are found in first place, T splits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.bootstrap import (
    NOTHING,
    RESAMPLES,
    Estimate,
    SubjectMean,
    draw_people,
    interval,
    mean_of_known,
)
from model.calibration import Calibration, Likeness
from model.protocols import Cell, Mask
from model.ranking import cell_scores, subject_scores
from model.scores import ROUNDING, Scores

SPLITS = 20  # random galleries: enough that drawing others changes no second digit


@dataclass(frozen=True, slots=True)
class Searches:
    """Every probe of some cells against every subject of its cell's gallery.

    Attributes:
        best_ps: (P, S) score with each subject, -inf of those not enrolled in the probe's cell.
        mean_ps: (P, S) the mean over a subject's templates, 0 of those not enrolled.
        own_p: (P,) column of the subject who walks.
        enrolled: columns of the subjects enrolled in any cell.
    """

    best_ps: NDArray[np.float32]
    mean_ps: NDArray[np.float32]
    own_p: NDArray[np.int64]
    enrolled: NDArray[np.intp]

    def among(
        self, known_s: Mask
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        """Searches in a gallery of some subjects only.

        Args:
            known_s: (S,) who is enrolled.

        Returns:
            (P,) score with the own subject, -inf where it is not enrolled; (P,) highest score with
            another, -inf where there is none; and (P,) how many others were met.
        """
        own_rows = np.arange(len(self.own_p)), self.own_p
        others_ps = np.where(known_s[None, :], self.best_ps, np.float32(-np.inf))
        own_score_p = others_ps[own_rows]
        others_ps[own_rows] = -np.inf
        return own_score_p, others_ps.max(axis=1), np.isfinite(others_ps).sum(axis=1)

    def cohorts(
        self, known_s: Mask, *, own_is_first: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """The rest of the gallery for each probe, without the one who comes first.

        Args:
            known_s: (S,) who is enrolled.
            own_is_first: whether the own subject is enrolled and comes first; else it is not part
                of the gallery.

        Returns:
            (P,) mean score with the templates of the rest, nan without one; (P,) how many they are;
            (P,) and (P,) rise and deviation of their scores, see `ScoreSpread`.
        """
        others_ps = np.where(known_s[None, :], self.best_ps, np.float32(-np.inf))
        rows = np.arange(len(self.own_p))
        others_ps[rows, self.own_p] = -np.inf
        is_rest_ps = np.isfinite(others_ps)
        if not own_is_first and others_ps.size:
            is_rest_ps[rows, others_ps.argmax(axis=1)] = False
        count_p = is_rest_ps.sum(axis=1)
        sums_p = (self.mean_ps * is_rest_ps).sum(axis=1, dtype=np.float64)
        means_p = np.where(count_p > 0, sums_p / np.maximum(count_p, 1), np.nan)
        people_p = np.maximum(count_p, 1)
        centre_p = np.where(is_rest_ps, self.best_ps, 0.0).sum(axis=1) / people_p
        apart_ps = np.where(is_rest_ps, self.best_ps - centre_p[:, None], 0.0)
        deviation_p = np.sqrt((apart_ps**2).sum(axis=1) / people_p)
        return means_p, count_p, centre_p - means_p, deviation_p

    def likeness(self, known_s: Mask, right_p: Mask, calibration: Calibration) -> Likeness:
        """(P,) how alike everybody looks to each probe, told by its cohort.

        Args:
            known_s: (S,) who is enrolled.
            right_p: (P,) whether the own subject is enrolled and comes first. Of the other probes
                only strangers' matter, whose subject is not enrolled.
            calibration: tells it from a cohort.
        """
        found = self.cohorts(known_s, own_is_first=True)
        other = self.cohorts(known_s, own_is_first=False)
        means_p, sizes_p, *scores_2p = (
            np.where(right_p, *either) for either in zip(found, other, strict=True)
        )
        return calibration.likeness(means_p, sizes_p, (scores_2p[0], scores_2p[1]))


def searches(scores_nn: Scores, subject_n: ArrayLike, cells: Sequence[Cell]) -> Searches:
    """Searches each cell's gallery with its probes; a walk does not find itself.

    Args:
        scores_nn: (N, N).
        subject_n: (N,) who walks.
        cells: probes and gallery before anybody is left out.
    """
    names, label_n = np.unique(np.asarray(subject_n), return_inverse=True)
    best, own = [np.zeros((0, len(names)), np.float32)], [np.zeros(0, np.int64)]
    mean = [np.zeros((0, len(names)), np.float32)]
    for cell in cells:
        scores_pg, probes, gallery = cell_scores(scores_nn, cell)
        best.append(subject_scores(scores_pg, label_n[gallery], len(names)))
        mean.append(_subject_means(scores_pg, label_n[gallery], len(names)))
        own.append(label_n[probes])
    best_ps = np.concatenate(best)
    return Searches(
        best_ps,
        np.concatenate(mean),
        np.concatenate(own),
        np.flatnonzero(np.isfinite(best_ps).any(axis=0)),
    )


def _subject_means(
    scores_pg: Scores, gallery_label_g: NDArray[np.int64], subjects: int
) -> NDArray[np.float32]:
    """(P, S) mean score of each probe with each subject's walks, without itself; 0 without any."""
    is_of_gs = (gallery_label_g[:, None] == np.arange(subjects)).astype(np.float32)
    permitted_pg = np.isfinite(scores_pg)
    sums_ps = np.where(permitted_pg, scores_pg, np.float32(0.0)) @ is_of_gs
    counts_ps = permitted_pg.astype(np.float32) @ is_of_gs
    means_ps: NDArray[np.float32] = sums_ps / np.maximum(counts_ps, 1.0)
    return means_ps


@dataclass(frozen=True, slots=True)
class OpenSet:
    """Identification when strangers come too, with a threshold read off the strangers themselves.

    Attributes:
        target_fpir: share of strangers' probes that may pass.
        true_positive_rate: share of the enrolled people's probes whose best subject is the right
            one and scores above the threshold (TPIR); mean over the splits.
        false_positive_rate: share of strangers' probes that passed (FPIR), at most the target.
        gallery_size: people enrolled.
        splits: how often the people were divided into enrolled and strangers.
    """

    target_fpir: float
    true_positive_rate: Estimate
    false_positive_rate: float
    gallery_size: int
    splits: int

    @property
    def false_negative_rate(self) -> Estimate:
        """FNIR, 1 − TPIR."""
        return self.true_positive_rate.complement


def open_set(
    found: Searches,
    *,
    target_fpirs: Sequence[float] = (0.01,),
    gallery_size: int | None = None,
    calibration: Calibration | None = None,
    splits: int = SPLITS,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[OpenSet, ...]:
    """TPIR at each target FPIR, when only some of the people are enrolled.

    The enrolled are drawn anew for every split. Its threshold is the lowest at which at most the
    target share of the strangers' probes score above it with anybody: with fewer than 1 / target of
    them, that none does. In a resample the threshold is found anew.

    Args:
        found: from `searches`.
        target_fpirs: shares of strangers' probes that may pass.
        gallery_size: people enrolled; None enrols half of them.
        calibration: whose level is taken from each probe's scores before they meet the threshold,
            as a service does; None compares them as they are.
        splits: galleries drawn.
        seed: of all draws.
        resamples: draws of people for the interval.
    """
    people = found.enrolled
    size = (people.size + 1) // 2 if gallery_size is None else gallery_size
    subjects = found.best_ps.shape[1]
    walking = np.unique(found.own_p)
    drawn_rs = np.ones((resamples + 1, subjects))  # the first row is the people as they are
    if walking.size:
        drawn_rs[1:, walking] = draw_people(walking.size, resamples=resamples, seed=seed)
    drawn_rp = drawn_rs[:, found.own_p]
    rng = np.random.default_rng(seed)
    rates_t2mr = []
    for _ in range(splits if 0 < size < people.size else 0):
        known_s = np.zeros(subjects, dtype=np.bool_)
        known_s[rng.permutation(people)[:size]] = True
        is_known_p = known_s[found.own_p]
        if is_known_p.any() and not is_known_p.all():
            own_score_p, other_p, _ = found.among(known_s)
            highest_p, right_p = np.maximum(own_score_p, other_p), own_score_p > other_p
            if calibration is not None:
                likeness = found.likeness(known_s, right_p, calibration)
                highest_p = calibration.normalised(highest_p, likeness).astype(np.float32)
            rates_t2mr.append(_at_targets(drawn_rp, highest_p, right_p, is_known_p, target_fpirs))
    if not rates_t2mr:
        return tuple(OpenSet(target, NOTHING, float("nan"), size, 0) for target in target_fpirs)
    means_2mr = mean_of_known(np.array(rates_t2mr), axis=0)
    return tuple(
        OpenSet(
            target_fpir=target,
            true_positive_rate=Estimate(
                float(tpir_r[0]),
                *interval(tpir_r[1:], walking.size),
                walking.size,
                len(found.own_p),
            ),
            false_positive_rate=float(fpir_r[0]),
            gallery_size=size,
            splits=len(rates_t2mr),
        )
        for target, tpir_r, fpir_r in zip(target_fpirs, *means_2mr, strict=True)
    )


def _at_targets(
    drawn_rp: NDArray[np.float64],
    highest_p: NDArray[np.float32],
    right_p: Mask,
    is_known_p: Mask,
    target_fpirs: Sequence[float],
) -> NDArray[np.float64]:
    """(2, M, R) TPIR and FPIR of one split at M targets, each resample at its own threshold.

    nan where a resample draws no stranger or nobody enrolled.
    """
    strangers = np.flatnonzero(~is_known_p)
    strangers = strangers[np.argsort(-highest_p[strangers], kind="stable")]
    score_f = highest_p[strangers]
    passed_rf = drawn_rp[:, strangers].cumsum(axis=1)
    total_r = passed_rf[:, -1]

    found = np.flatnonzero(is_known_p & right_p)
    found = found[np.argsort(highest_p[found], kind="stable")]
    below_rk = np.zeros((len(drawn_rp), found.size + 1))
    np.cumsum(drawn_rp[:, found], axis=1, out=below_rk[:, 1:])
    known_r = drawn_rp[:, is_known_p].sum(axis=1)

    rates_2mr = np.full((2, len(target_fpirs), len(drawn_rp)), np.nan)
    rows, told_r = np.arange(len(drawn_rp)), (total_r > 0) & (known_r > 0)
    for column, target in enumerate(target_fpirs):
        threshold_r = score_f[np.argmax(passed_rf > target * total_r[:, None] + ROUNDING, axis=1)]
        kept_out_r = np.searchsorted(highest_p[found], threshold_r, side="right")
        above_r = below_rk[:, -1] - below_rk[rows, kept_out_r]
        np.divide(above_r, known_r, out=rates_2mr[0, column], where=told_r)
        ahead_r = np.searchsorted(-score_f, -threshold_r)  # ties stay outside with it
        let_in_r = np.where(ahead_r > 0, passed_rf[rows, ahead_r - 1], 0.0)
        np.divide(let_in_r, total_r, out=rates_2mr[1, column], where=told_r)
    return rates_2mr


@dataclass(frozen=True, slots=True)
class Achieved:
    """What a checkpoint's own threshold lets through.

    Attributes:
        target_fpir: what was asked for.
        gallery_size: subjects that a stranger met (the median, where galleries differ).
        threshold: the calibration's, for a gallery of that size and the usual level.
        false_positive_rate: share of strangers' probes at or above the threshold (FPIR).
        true_positive_rate: share of enrolled people's probes whose best subject is the right one,
            at or above the threshold of the gallery they are part of (TPIR).
    """

    target_fpir: float
    gallery_size: int
    threshold: float
    false_positive_rate: Estimate
    true_positive_rate: Estimate


def achieved_fpir(
    scores_nn: Scores,
    subject_n: ArrayLike,
    cells: Sequence[Cell],
    calibration: Calibration,
    target_fpir: float,
    *,
    gallery_size: int | None = None,
    splits: int = SPLITS,
    seed: int = 0,
) -> Achieved:
    """Applies `Calibration.threshold` to people it was not fitted on.

    Without a gallery size, every probe is a stranger's once: it searches a gallery from which its
    own person is left out, and one that its person is part of for TPIR. With one, that many people
    are drawn and enrolled, several times, and all others are strangers.

    Args:
        scores_nn: (N, N) cosines of the checkpoint's embeddings.
        subject_n: (N,) who walks.
        cells: probes and gallery; for one condition or view, those of it.
        calibration: of the checkpoint.
        target_fpir: what its threshold is asked for.
        gallery_size: people enrolled; None enrols all.
        splits: galleries drawn.
        seed: of the draws.
    """
    found = searches(scores_nn, subject_n, cells)
    subjects = found.best_ps.shape[1]
    galleries = [np.ones(subjects, dtype=np.bool_)]
    if gallery_size is not None:
        rng = np.random.default_rng(seed)
        drawn = [rng.permutation(found.enrolled)[:gallery_size] for _ in range(splits)]
        galleries = [np.isin(np.arange(subjects), some) for some in drawn]
    counted_4s = np.zeros((4, subjects))  # strangers passed, strangers, right ones passed, enrolled
    sizes: list[NDArray[np.int64]] = []
    for known_s in galleries:
        own_score_p, other_p, others_p = found.among(known_s)
        is_stranger_p = others_p > 0
        if gallery_size is not None:
            is_stranger_p &= ~known_s[found.own_p]
        rest = found.cohorts(known_s, own_is_first=False)
        passed_p = other_p >= calibration.thresholds(
            target_fpir=target_fpir,
            gallery_sizes=others_p,
            cohort_means=rest[0],
            cohort_sizes=rest[1],
            cohort_scores=rest[2:],
        )
        is_enrolled_p = np.isfinite(own_score_p)
        rest = found.cohorts(known_s, own_is_first=True)
        right_p = own_score_p >= calibration.thresholds(
            target_fpir=target_fpir,
            gallery_sizes=others_p + 1,
            cohort_means=rest[0],
            cohort_sizes=rest[1],
            cohort_scores=rest[2:],
        )
        right_p &= own_score_p > other_p
        for row, asked_p in enumerate(
            (is_stranger_p & passed_p, is_stranger_p, is_enrolled_p & right_p, is_enrolled_p)
        ):
            counted_4s[row] += np.bincount(found.own_p[asked_p], minlength=subjects)
        sizes.append(others_p[is_stranger_p])
    false_s1, strangers_s1, true_s1, enrolled_s1 = counted_4s[:, :, None]
    met = np.concatenate(sizes)
    usual = int(np.median(met)) if met.size else 0
    return Achieved(
        target_fpir=target_fpir,
        gallery_size=usual,
        threshold=calibration.threshold(target_fpir=target_fpir, gallery_size=usual),
        false_positive_rate=SubjectMean(false_s1, strangers_s1).estimate(),
        true_positive_rate=SubjectMean(true_s1, enrolled_s1).estimate(),
    )
