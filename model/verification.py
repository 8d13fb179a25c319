"""Verification, one walk against one claimed person: FMR and FNMR, EER, TAR at FAR, DET.

ISO/IEC 19795-1: the false match rate (FMR, here also FAR) is the share of impostor comparisons that
reach the threshold, the false non-match rate (FNMR) the share of genuine ones that do not; TAR is
1 − FNMR. A comparison is a pair of two different walks, counted once; where the score depends on
which of the two is the probe, once each way.

The bootstrap draws people. A person drawn w times counts w times with its genuine comparisons; two
people drawn w and v times count w · v times with theirs (the resampling of both sides of a pair,
Owen 2007, "The pigeonhole bootstrap"). Copies of one person are never each other's impostors.

Shape letters: N walks, G genuine and I impostor comparisons, S subjects, Q pairs of two subjects, R
resamples, B thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.bootstrap import NOTHING, RESAMPLES, Estimate, draw_people, interval
from model.protocols import Mask
from model.scores import ROUNDING, Scores

THRESHOLDS = 1024  # of the resampled curves; the figures themselves use every score
CELLS = 2**24  # pairs of people × thresholds held at once
PAIRS_AT_ONCE = 4096  # of people
SCORES_AT_ONCE = 2**21


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Pairs of two different walks, with the people they are of.

    Attributes:
        genuine_g: scores of one person's walks with each other, (G,).
        genuine_subject_g: whose, (G,), from 0.
        impostor_i: scores of two people's walks, (I,).
        impostor_pair_i: (I,), lower person · subjects + higher person.
        subjects: S.
    """

    genuine_g: Scores
    genuine_subject_g: NDArray[np.int32]
    impostor_i: Scores
    impostor_pair_i: NDArray[np.int32]
    subjects: int


def comparisons(
    scores_nn: Scores, subject_n: ArrayLike, permitted_nn: Mask, *, both_ways: bool = False
) -> Comparisons:
    """Collects the permitted pairs, each once, or once each way.

    Args:
        scores_nn: (N, N), symmetric unless pairs are taken both ways.
        subject_n: (N,) who walks; pairs of one subject are genuine, all others impostors.
        permitted_nn: (N, N), which pairs count in either order, for example those of one view.
        both_ways: whether a pair is two comparisons, with each of the two walks as the probe.
    """
    names, label_n = np.unique(np.asarray(subject_n), return_inverse=True)
    either_nn = permitted_nn | permitted_nn.T
    genuine, impostor = [], []
    for subject in range(len(names)):  # blocks, for all pairs at once would not fit in memory
        own, later = np.flatnonzero(label_n == subject), np.flatnonzero(label_n > subject)
        block = np.ix_(own, own)
        once = np.triu(either_nn[block], k=1)
        allowed = either_nn[np.ix_(own, later)]
        pair = np.broadcast_to(subject * len(names) + label_n[later], allowed.shape)[allowed]
        for directed_nn in (scores_nn, scores_nn.T) if both_ways else (scores_nn,):
            genuine.append((directed_nn[block][once], np.full(np.count_nonzero(once), subject)))
            impostor.append((directed_nn[np.ix_(own, later)][allowed], pair))
    return Comparisons(
        np.concatenate([scores for scores, _ in genuine]),
        np.concatenate([who for _, who in genuine]).astype(np.int32),
        np.concatenate([scores for scores, _ in impostor]),
        np.concatenate([who for _, who in impostor]).astype(np.int32),
        len(names),
    )


def equal_error_rate(genuine: ArrayLike, impostor: ArrayLike) -> float:
    """The error rate at the threshold where as many impostors pass as genuine pairs fail.

    Between two neighbouring thresholds FMR and FNMR are taken as straight lines. nan without
    genuine or without impostor scores.
    """
    genuine_g, impostor_i = np.sort(np.asarray(genuine)), np.sort(np.asarray(impostor))
    if genuine_g.size == 0 or impostor_i.size == 0:
        return float("nan")
    after = _equal_error_threshold(genuine_g, impostor_i)
    return _equal_error_rate(genuine_g, impostor_i, after)


def _equal_error_rate(
    genuine_g: NDArray[np.floating], impostor_i: NDArray[np.floating], after: float
) -> float:
    """Between the equal-error threshold and the score before it."""
    before = max(
        scores[place - 1]
        for scores in (genuine_g, impostor_i)
        if (place := np.searchsorted(scores, after)) > 0
    )
    fmr_2, fnmr_2 = error_rates(genuine_g, impostor_i, np.array([before, after]))
    return float(_crossing(fmr_2[None], fnmr_2[None])[0])


def _equal_error_threshold(
    genuine_g: NDArray[np.floating], impostor_i: NDArray[np.floating]
) -> float:
    # Both rates are steps that move at scores only; bisection in each list finds the first of its
    # scores at which FNMR has reached FMR, and the earlier of the two is the crossing.
    after = np.inf
    for scores in (genuine_g, impostor_i):
        low, high = 0, scores.size
        while low < high:
            middle = (low + high) // 2
            fmr, fnmr = error_rates(genuine_g, impostor_i, scores[middle])
            low, high = (low, middle) if fnmr >= fmr else (middle + 1, high)
        after = min(after, scores[low]) if low < scores.size else after
    return float(after)


def verification_eer(scores_nn: Scores, subject_n: ArrayLike, permitted_nn: Mask) -> float:
    """Equal error rate over the permitted pairs; see `comparisons`."""
    pairs = comparisons(scores_nn, subject_n, permitted_nn)
    return equal_error_rate(pairs.genuine_g, pairs.impostor_i)


def error_rates(
    genuine_g: NDArray[np.floating], impostor_i: NDArray[np.floating], thresholds: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """FMR and FNMR at each threshold; a score equal to it passes. Both lists of scores rise."""
    fnmr = np.asarray(np.searchsorted(genuine_g, thresholds) / genuine_g.size)
    fmr = np.asarray(1.0 - np.searchsorted(impostor_i, thresholds) / impostor_i.size)
    return fmr, fnmr


def true_accept_rate(genuine: ArrayLike, impostor: ArrayLike, far: float) -> float:
    """TAR at the lowest threshold that at most the share `far` of impostor comparisons reaches.

    With fewer than 1 / far impostor comparisons, none may. A genuine score equal to the highest
    impostor score that is kept out is kept out with it. nan without scores of either kind.
    """
    genuine_g, impostor_i = np.sort(np.asarray(genuine)), np.sort(np.asarray(impostor))
    if genuine_g.size == 0 or impostor_i.size == 0:
        return float("nan")
    return _true_accept_rate(genuine_g, impostor_i, far)


def _true_accept_rate(
    genuine_g: NDArray[np.floating], impostor_i: NDArray[np.floating], far: float
) -> float:
    let_in = int(far * impostor_i.size + ROUNDING)
    if let_in >= impostor_i.size:
        return 1.0
    kept_out = impostor_i[impostor_i.size - 1 - let_in]
    return 1.0 - float(np.searchsorted(genuine_g, kept_out, side="right")) / genuine_g.size


@dataclass(frozen=True, slots=True)
class DetPoint:
    """One point of the detection error trade-off curve: a threshold and both error rates at it."""

    threshold: float
    fmr: Estimate
    fnmr: Estimate


@dataclass(frozen=True, slots=True)
class Verification:
    """What verification found.

    Attributes:
        eer: equal error rate.
        eer_threshold: the lowest score at which FMR is no higher than FNMR; a pair that scores as
            much passes.
        true_accept: TAR at each asked FAR.
        det: points of the detection error trade-off curve, thresholds rising.
        genuine: genuine comparisons.
        impostor: impostor comparisons.
    """

    eer: Estimate
    eer_threshold: float
    true_accept: dict[float, Estimate]
    det: tuple[DetPoint, ...]
    genuine: int
    impostor: int


def verify(
    pairs: Comparisons,
    *,
    fars: Sequence[float] = (0.01, 0.001),
    det_points: int = 100,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Verification:
    """EER, TAR at each FAR, and the DET curve, with intervals over people.

    Args:
        pairs: from `comparisons`.
        fars: false accept rates at which TAR is told.
        det_points: at most so many points of the curve, evenly spaced in log FMR.
        resamples: draws of people.
        seed: of the draws.
    """
    genuine_g, impostor_i = np.sort(pairs.genuine_g), np.sort(pairs.impostor_i)
    if genuine_g.size == 0 or impostor_i.size == 0:
        return Verification(
            eer=NOTHING,
            eer_threshold=float("nan"),
            true_accept=dict.fromkeys(fars, NOTHING),
            det=(),
            genuine=genuine_g.size,
            impostor=impostor_i.size,
        )
    thresholds_b, fmr_rb, fnmr_rb, people = _resampled_curves(
        pairs, genuine_g, impostor_i, resamples, seed
    )
    total = genuine_g.size + impostor_i.size

    def estimate(value: float, resampled_r: NDArray[np.float64]) -> Estimate:
        moved_r = resampled_r[1:] + (value - resampled_r[0])  # what the grid of thresholds costs
        return Estimate(value, *interval(np.clip(moved_r, 0.0, 1.0), people), people, total)

    accepted = {}
    for far in fars:
        place_r1 = np.argmax(fmr_rb <= far + ROUNDING, axis=1)[:, None]
        tar_r = 1.0 - np.take_along_axis(fnmr_rb, place_r1, axis=1)[:, 0]
        tar_r[np.isnan(fmr_rb[:, 0])] = np.nan
        accepted[far] = estimate(_true_accept_rate(genuine_g, impostor_i, far), tar_r)
    fmr_b, fnmr_b = error_rates(genuine_g, impostor_i, thresholds_b)
    wanted_b = np.logspace(0.0, -np.log10(impostor_i.size), det_points + 1)[1:]
    places = np.unique(np.searchsorted(-fmr_b, -wanted_b * (1.0 + ROUNDING)))
    eer_threshold = _equal_error_threshold(genuine_g, impostor_i)
    eer = _equal_error_rate(genuine_g, impostor_i, eer_threshold)
    return Verification(
        eer=estimate(eer, _crossing(fmr_rb, fnmr_rb)),
        eer_threshold=eer_threshold,
        true_accept=accepted,
        det=tuple(
            DetPoint(
                float(thresholds_b[place]),
                estimate(float(fmr_b[place]), fmr_rb[:, place]),
                estimate(float(fnmr_b[place]), fnmr_rb[:, place]),
            )
            for place in places
        ),
        genuine=genuine_g.size,
        impostor=impostor_i.size,
    )


def _crossing(fmr_rb: NDArray[np.float64], fnmr_rb: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R,) where FMR, which falls from 1, and FNMR, which rises from 0, meet; straight between."""
    after_r1 = np.argmax(fnmr_rb >= fmr_rb, axis=1)[:, None]
    steps = [
        np.take_along_axis(rates_rb, places_r1, axis=1)[:, 0]
        for places_r1 in (np.maximum(after_r1 - 1, 0), after_r1)
        for rates_rb in (fmr_rb, fnmr_rb)
    ]
    fmr_before, fnmr_before, fmr_after, fnmr_after = steps
    gap_before, gap_after = fmr_before - fnmr_before, fnmr_after - fmr_after
    share_r = gap_before / (gap_before + gap_after)
    met_r: NDArray[np.float64] = fnmr_before + share_r * (fnmr_after - fnmr_before)
    return met_r


def _thresholds(genuine_g: Scores, impostor_i: Scores, most: int) -> NDArray[np.float32]:
    """(B,) rising: all scores if they are few, else those that tell most; lists of scores rise.

    Of many genuine scores evenly many, of impostors evenly in the logarithm of their share above,
    for that is how error rates are read.
    """
    ends = np.array([impostor_i[0], np.inf], dtype=np.float32)
    half = most // 2
    if genuine_g.size > half:
        genuine_g = genuine_g[np.linspace(0, genuine_g.size - 1, half).astype(np.int64)]
    if impostor_i.size > half:
        above = np.logspace(0.0, np.log10(impostor_i.size), half).astype(np.int64)
        impostor_i = impostor_i[impostor_i.size - above]
    return np.unique(np.concatenate((ends, genuine_g, impostor_i)))


def _resampled_curves(
    pairs: Comparisons, genuine_g: Scores, impostor_i: Scores, resamples: int, seed: int
) -> tuple[Scores, NDArray[np.float64], NDArray[np.float64], int]:
    """The curves on a grid of thresholds: of the people as they are, and of every resample.

    Returns:
        (B,) thresholds; (1 + R, B) FMR and FNMR, nan where a resample has no pair; and S.
    """
    met_q = np.bincount(pairs.impostor_pair_i, minlength=pairs.subjects**2) > 0
    held_q = np.flatnonzero(met_q)
    place_i = (np.cumsum(met_q, dtype=np.int32) - 1)[pairs.impostor_pair_i]
    most = int(np.clip(CELLS // len(held_q), 128, THRESHOLDS))
    thresholds_b = _thresholds(genuine_g, impostor_i, most)
    lower_q, higher_q = np.divmod(held_q, pairs.subjects)
    involved = np.unique(np.concatenate((lower_q, higher_q, pairs.genuine_subject_g)))
    drawn_rs = np.ones((resamples + 1, len(involved)), dtype=np.float32)
    drawn_rs[1:] = draw_people(len(involved), resamples=resamples, seed=seed)

    whose_g = np.searchsorted(involved, pairs.genuine_subject_g)
    reached_sb = _reached(pairs.genuine_g, whose_g, len(involved), thresholds_b)
    with np.errstate(invalid="ignore"):  # a resample without genuine pairs: 0 / 0
        counts_rb = drawn_rs @ reached_sb
        fnmr_rb = 1.0 - counts_rb / counts_rb[:, :1]

    reached_qb = _reached(pairs.impostor_i, place_i, len(held_q), thresholds_b)
    sums_rb = np.zeros((len(drawn_rs), len(thresholds_b)))
    for first in range(0, len(held_q), PAIRS_AT_ONCE):
        some = slice(first, first + PAIRS_AT_ONCE)
        low, high = (
            np.searchsorted(involved, lower_q[some]),
            np.searchsorted(involved, higher_q[some]),
        )
        sums_rb += (drawn_rs[:, low] * drawn_rs[:, high]) @ reached_qb[some]
    with np.errstate(invalid="ignore"):
        fmr_rb = sums_rb / sums_rb[:, :1]
    return thresholds_b, fmr_rb, fnmr_rb.astype(np.float64), len(involved)


def _reached(
    scores_i: Scores, owner_i: NDArray[np.integer], owners: int, thresholds_b: Scores
) -> NDArray[np.float32]:
    """(owners, B) how many scores of each owner are at or above each threshold."""
    bins = len(thresholds_b) + 1
    counts = np.zeros(owners * bins, dtype=np.int64)
    for first in range(0, len(scores_i), SCORES_AT_ONCE):
        some = slice(first, first + SCORES_AT_ONCE)
        bin_i = np.searchsorted(thresholds_b, scores_i[some], side="right")
        counts += np.bincount(owner_i[some] * bins + bin_i, minlength=len(counts))
    above = counts.reshape(owners, bins)[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    reached: NDArray[np.float32] = above.astype(np.float32)
    return reached
