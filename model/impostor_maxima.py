"""What a gallery's own templates say of strangers: how near the nearest other person comes.

Every enrolled person is a stranger to the rest of the gallery. One of their walks, compared with
everybody else, is what a search by somebody unknown would have found.

Shape letters: M templates, P probes, D embedding size, S subjects, B bins of scores, W walks of one
subject.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.calibration import Calibration

MOST_PROBES = 10_000
FEWEST_PROBES = 500  # of a gallery with as many walks, however large
MOST_COMPARISONS = 300_000_000  # beyond `FEWEST_PROBES`: a few seconds on one core
WHOLE_PROBES, MOST_PAIRS = 512, 4_000_000  # of which the whole distribution is counted
PROBES_AT_ONCE_CELLS = 2**24  # scores held at once: 64 MiB
BIN_EDGES = np.linspace(-2.0, 3.0, 1251)  # of normalised scores


@dataclass(frozen=True, slots=True)
class ImpostorMaxima:
    """Each probe's best score with anybody but its own person, and what lies around it.

    Scores are normalised (see `Calibration`): the cohort is all others but the best.

    Attributes:
        best_p: (P,) float64.
        best_subject_p: (P,) whose score that is, 0 … S − 1.
        subject_p: (P,) who walks, 0 … S − 1.
        cohort_mean_p: (P,) mean cosine with the templates of the others without the best one.
        cohort_scores_2p: (2, P) rise and deviation of these others' scores, see `ScoreSpread`.
        genuine_p: (P,) best cosine with another walk of the same person, nan without one.
        others_mean_p: (P,) mean cosine with the templates of all others.
        others_scores_2p: (2, P) the same of all others.
        pair_counts_qb: (Q, B) of the first Q probes: how many other subjects score in each bin of
            `BIN_EDGES`; of large galleries only every so many-th subject is counted.
        subjects: S.
        comparisons: probe against subject.
    """

    best_p: NDArray[np.float64]
    best_subject_p: NDArray[np.int64]
    subject_p: NDArray[np.int64]
    cohort_mean_p: NDArray[np.float64]
    cohort_scores_2p: NDArray[np.float64]
    genuine_p: NDArray[np.float64]
    others_mean_p: NDArray[np.float64]
    others_scores_2p: NDArray[np.float64]
    pair_counts_qb: NDArray[np.float64]
    subjects: int
    comparisons: int

    @property
    def weight_p(self) -> NDArray[np.float64]:
        """(P,) a probe's share of its person, who counts as one."""
        return 1.0 / np.bincount(self.subject_p)[self.subject_p]


def impostor_maxima(
    vectors_md: NDArray[np.floating],
    subject_m: NDArray[np.int64],
    calibration: Calibration,
    *,
    seed: int = 0,
) -> ImpostorMaxima:
    """Compares walks of the gallery with everybody else in it.

    Every subject gives a walk before any gives a second, `MOST_PROBES` in all and fewer where the
    gallery is so large that `MOST_COMPARISONS` would be passed, but never below `FEWEST_PROBES`.

    Args:
        vectors_md: (M, D) unit vectors of the whole gallery.
        subject_m: (M,) whose they are, any numbers.
        calibration: of the checkpoint: how scores are normalised.
        seed: of the choice of walks.

    Raises:
        ValueError: fewer than three subjects.
    """
    order = np.argsort(subject_m, kind="stable")
    vectors_md = vectors_md[order].astype(np.float32, copy=False)
    _, starts_s, subject_m = np.unique(subject_m[order], return_index=True, return_inverse=True)
    ends_s = np.append(starts_s[1:], len(order))
    if len(starts_s) < 3:
        msg = f"a probe, its best and a cohort are three subjects at least, not {len(starts_s)}"
        raise ValueError(msg)
    rows = _probes(subject_m, starts_s, seed)
    sum_d = vectors_md.sum(axis=0, dtype=np.float64)
    thinned = slice(None, None, -(-WHOLE_PROBES * len(starts_s) // MOST_PAIRS))
    found = _Found(len(rows))
    pair_counts = [np.zeros((0, len(BIN_EDGES) - 1))]
    at_once = max(1, PROBES_AT_ONCE_CELLS // len(order))
    for first in range(0, len(rows), at_once):
        some = slice(first, first + at_once)
        probes_pd = vectors_md[rows[some]]
        scores_pm = probes_pd @ vectors_md.T
        totals_p = probes_pd @ sum_d
        best_ps = np.maximum.reduceat(scores_pm, starts_s, axis=1)
        sums_p = best_ps.sum(axis=1, dtype=np.float64)
        squares_p = np.einsum("ps,ps->p", best_ps, best_ps, dtype=np.float64)
        for place, (row, scores_m) in enumerate(zip(rows[some], scores_pm, strict=True), first):
            own = subject_m[row]
            own_w = scores_m[starts_s[own] : ends_s[own]].copy()
            scores_m[starts_s[own] : ends_s[own]] = -np.inf
            best = int(scores_m.argmax())
            rival = subject_m[best]
            rival_w = scores_m[starts_s[rival] : ends_s[rival]]
            others_sum = totals_p[place - first] - own_w.sum()
            others, rest = len(order) - len(own_w), len(order) - len(own_w) - len(rival_w)
            found.best_p[place], found.rival_p[place] = scores_m[best], rival
            found.others_mean_p[place] = others_sum / others
            found.cohort_mean_p[place] = (others_sum - rival_w.sum()) / rest
            left_out = float(own_w.max())
            best_sum = sums_p[place - first] - left_out
            best_squares = squares_p[place - first] - left_out**2
            found.others_scores_2p[:, place] = _spread(
                best_sum, best_squares, len(starts_s) - 1, found.others_mean_p[place]
            )
            left_out = float(scores_m[best])
            found.cohort_scores_2p[:, place] = _spread(
                best_sum - left_out,
                best_squares - left_out**2,
                len(starts_s) - 2,
                found.cohort_mean_p[place],
            )
            best_ps[place - first, own] = -np.inf
            own_w[row - starts_s[own]] = np.nan
            if len(own_w) > 1:
                found.genuine_p[place] = np.nanmax(own_w)
        likeness = calibration.likeness(
            found.cohort_mean_p[some], len(starts_s) - 2, tuple(found.cohort_scores_2p[:, some])
        )
        found.best_p[some] = calibration.normalised(found.best_p[some], likeness)
        whole = max(0, min(len(probes_pd), WHOLE_PROBES - first))
        best_qs = best_ps[:whole, thinned]
        pair_counts.append(_counted(calibration.normalised(best_qs, likeness[:whole, None])))
    return ImpostorMaxima(
        best_p=found.best_p,
        best_subject_p=found.rival_p,
        subject_p=subject_m[rows],
        cohort_mean_p=found.cohort_mean_p,
        cohort_scores_2p=found.cohort_scores_2p,
        genuine_p=found.genuine_p,
        others_mean_p=found.others_mean_p,
        others_scores_2p=found.others_scores_2p,
        pair_counts_qb=np.concatenate(pair_counts),
        subjects=len(starts_s),
        comparisons=len(rows) * (len(starts_s) - 1),
    )


class _Found:
    """The columns of `ImpostorMaxima` while they are filled."""

    def __init__(self, probes: int) -> None:
        self.best_p = np.zeros(probes)
        self.rival_p = np.zeros(probes, dtype=np.int64)
        self.cohort_mean_p = np.zeros(probes)
        self.cohort_scores_2p = np.zeros((2, probes))
        self.others_mean_p = np.zeros(probes)
        self.others_scores_2p = np.zeros((2, probes))
        self.genuine_p = np.full(probes, np.nan)


def _spread(total: float, squares: float, count: int, mean: float) -> tuple[float, float]:
    """Rise above the mean and deviation of so many scores, by their sum and that of squares."""
    centre = total / count
    return centre - mean, float(np.sqrt(max(0.0, squares / count - centre**2)))


def _probes(
    subject_m: NDArray[np.int64], starts_s: NDArray[np.intp], seed: int
) -> NDArray[np.intp]:
    """Rows of the templates that are asked, in random order within each turn of the subjects."""
    most = max(FEWEST_PROBES, min(MOST_PROBES, MOST_COMPARISONS // len(subject_m)))
    turn_m = np.arange(len(subject_m)) - starts_s[subject_m]
    random_m = np.random.default_rng(seed).random(len(subject_m))
    return np.lexsort((random_m, turn_m))[:most]


def _counted(scores_qs: NDArray[np.float64]) -> NDArray[np.float64]:
    """(Q, B) how many finite scores of each row fall into each bin; beyond the ends into the last
    ones."""
    bins = len(BIN_EDGES) - 1
    width = BIN_EDGES[1] - BIN_EDGES[0]
    known_qs = np.isfinite(scores_qs)
    place_qs = np.clip((np.where(known_qs, scores_qs, 0.0) - BIN_EDGES[0]) // width, 0, bins - 1)
    flat_qs = np.arange(len(scores_qs))[:, None] * bins + place_qs.astype(np.int64)
    counts = np.bincount(flat_qs[known_qs], minlength=len(scores_qs) * bins)
    return counts.reshape(len(scores_qs), bins).astype(np.float64)
