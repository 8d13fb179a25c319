"""How recognition is scored: identification, verification, open set. Numbers only, no network.

Everything starts from a score matrix: higher is more alike. Walks of equal score count against the
system. A walk is never compared with itself.

Shape letters: N walks, P probes, G gallery walks, S subjects, C cells, D features, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Scores = NDArray[np.float32]
Mask = NDArray[np.bool_]


def cosine_scores(vectors_nd: NDArray[np.float32]) -> Scores:
    """(N, N) cosines between all pairs of (N, D) vectors; a zero vector scores 0 with all."""
    lengths_n1 = np.linalg.norm(vectors_nd, axis=1, keepdims=True)
    unit_nd = (vectors_nd / np.maximum(lengths_n1, 1e-12)).astype(np.float32)
    scores_nn: Scores = unit_nd @ unit_nd.T
    return scores_nn


def euclidean_scores(vectors_nd: NDArray[np.float32]) -> Scores:
    """(N, N) negative Euclidean distances between all pairs of (N, D) vectors."""
    centred_nd = (vectors_nd - vectors_nd.mean(axis=0)).astype(np.float32)  # loses fewer digits
    squares_n = np.einsum("nd,nd->n", centred_nd, centred_nd)
    squared_nn = squares_n[:, None] + squares_n[None, :] - 2.0 * (centred_nd @ centred_nd.T)
    scores_nn: Scores = -np.sqrt(np.maximum(squared_nn, 0.0))
    return scores_nn


def subject_scores(
    scores_pg: Scores, gallery_label_g: NDArray[np.int64], subjects: int
) -> NDArray[np.float32]:
    """(P, S) score of each probe with each subject: its best gallery walk; -inf without one."""
    best_ps = np.full((len(scores_pg), subjects), -np.inf, dtype=np.float32)
    if gallery_label_g.size:
        order = np.argsort(gallery_label_g, kind="stable")
        labels, starts = np.unique(gallery_label_g[order], return_index=True)
        best_ps[:, labels] = np.maximum.reduceat(scores_pg[:, order], starts, axis=1)
    return best_ps


def ranks_of(
    scores_pg: Scores,
    probe_subject_p: ArrayLike,
    gallery_subject_g: ArrayLike,
    excluded_pg: Mask | None = None,
) -> NDArray[np.float64]:
    """The place of each probe's own subject among the subjects of the gallery.

    A subject scores as its best gallery walk. The rank is 1 plus the number of other subjects that
    score at least as high; inf where the own subject has no permitted gallery walk.

    Args:
        scores_pg: (P, G).
        probe_subject_p: (P,) who walks in each probe.
        gallery_subject_g: (G,) who walks in each gallery walk.
        excluded_pg: (P, G), True where a comparison is not permitted.
    """
    permitted_pg = scores_pg if excluded_pg is None else np.where(excluded_pg, -np.inf, scores_pg)
    probe, gallery = np.asarray(probe_subject_p), np.asarray(gallery_subject_g)
    names, labels = np.unique(np.concatenate((probe, gallery)), return_inverse=True)
    best_ps = subject_scores(permitted_pg, labels[len(probe) :], len(names))
    own_p = best_ps[np.arange(len(probe)), labels[: len(probe)]]
    ranks_p: NDArray[np.float64] = np.count_nonzero(  # the own subject counts too
        best_ps >= own_p[:, None], axis=1
    ).astype(np.float64)
    ranks_p[np.isneginf(own_p)] = np.inf
    return ranks_p


def cumulative_matches(ranks_p: NDArray[np.float64], depth: int) -> NDArray[np.float64]:
    """The CMC curve: (depth,) share of probes whose rank is at most 1, 2, … `depth`."""
    shares: NDArray[np.float64] = np.mean(ranks_p[None] <= np.arange(1, depth + 1)[:, None], axis=1)
    return shares


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of a protocol: which walks are probes and which are the gallery.

    Attributes:
        probe_n: True for probes, (N,).
        gallery_n: True for gallery walks, (N,); a walk may be both and is not compared with itself.
    """

    probe_n: Mask
    gallery_n: Mask


@dataclass(frozen=True, slots=True)
class RecognitionRate:
    """Rank-1 recognition, kept by subject so that its uncertainty can be told.

    Attributes:
        hits_sc: (S, C) probes of each subject in each cell whose rank was 1.
        probes_sc: (S, C) probes of each subject in each cell.
    """

    hits_sc: NDArray[np.int64]
    probes_sc: NDArray[np.int64]

    @property
    def by_cell_c(self) -> NDArray[np.float64]:
        """(C,) share of hits in each cell, nan for a cell without probes."""
        return _share(self.hits_sc.sum(axis=0), self.probes_sc.sum(axis=0))

    @property
    def value(self) -> float:
        """The mean over the cells that have probes; nan if none has."""
        return float(_mean_of_known(self.by_cell_c[None])[0])

    def interval(
        self, *, level: float = 0.95, resamples: int = 1000, seed: int = 0
    ) -> tuple[float, float]:
        """Percentile bootstrap over subjects: probes are resampled by person, the gallery stays.

        Args:
            level: share of the resamples inside the interval.
            resamples: how many times people are drawn with replacement.
            seed: of the draws.
        """
        subjects = np.flatnonzero(self.probes_sc.any(axis=1))
        if subjects.size == 0:
            return float("nan"), float("nan")
        rng = np.random.default_rng(seed)
        drawn_rs = rng.multinomial(
            subjects.size, np.full(subjects.size, 1.0 / subjects.size), size=resamples
        )
        rates_rc = _share(drawn_rs @ self.hits_sc[subjects], drawn_rs @ self.probes_sc[subjects])
        tail = (1.0 - level) / 2.0
        low, high = np.nanquantile(_mean_of_known(rates_rc), [tail, 1.0 - tail])
        return float(low), float(high)


def recognition_rate(
    scores_nn: Scores, subject_n: ArrayLike, cells: Sequence[Cell]
) -> RecognitionRate:
    """Rank-1 over several cells. A probe whose subject has no gallery walk in its cell is a miss.

    Args:
        scores_nn: (N, N).
        subject_n: (N,) who walks.
        cells: the figures whose mean is the protocol's result.
    """
    names, label_n = np.unique(np.asarray(subject_n), return_inverse=True)
    hits_sc = np.zeros((len(names), len(cells)), dtype=np.int64)
    probes_sc = np.zeros_like(hits_sc)
    for column, cell in enumerate(cells):
        probes, gallery = np.flatnonzero(cell.probe_n), np.flatnonzero(cell.gallery_n)
        if probes.size == 0:
            continue
        ranks_p = ranks_of(
            scores_nn[np.ix_(probes, gallery)],
            label_n[probes],
            label_n[gallery],
            excluded_pg=probes[:, None] == gallery[None, :],
        )
        hits_sc[:, column] = np.bincount(label_n[probes][ranks_p == 1.0], minlength=len(names))
        probes_sc[:, column] = np.bincount(label_n[probes], minlength=len(names))
    return RecognitionRate(hits_sc, probes_sc)


def casia_b_cells(
    condition_n: ArrayLike, walk_n: ArrayLike, view_n: ArrayLike, probe_condition: str
) -> tuple[list[Cell], list[tuple[float, float]]]:
    """The cells of CASIA-B's cross-view protocol ("74/50") for one probe condition.

    The gallery is nm-01 … nm-04 of ONE view at a time; the probes are nm-05 and nm-06, or all walks
    with a bag (bg), or all in a coat (cl), of one view. Identical views are left out. With equally
    many cells per probe view, the mean of the cells is the mean over probe views of the means over
    gallery views. (Pooling the gallery views is a different and easier measure.)

    Args:
        condition_n: (N,) "nm", "bg" or "cl".
        walk_n: (N,) number of the walk within its condition, from 1.
        view_n: (N,) degrees.
        probe_condition: "nm", "bg" or "cl".

    Returns:
        The cells, and for each its (probe view, gallery view).
    """
    condition, walk, view = np.asarray(condition_n), np.asarray(walk_n), np.asarray(view_n)
    enrolled_n = (condition == "nm") & (walk <= 4)
    probed_n = (condition == probe_condition) & ~enrolled_n
    views = np.unique(view)
    pairs = [(float(probe), float(other)) for probe in views for other in views if probe != other]
    cells = [
        Cell(probed_n & (view == probe), enrolled_n & (view == other)) for probe, other in pairs
    ]
    return cells, pairs


def leave_one_out_cells(group_n: ArrayLike) -> list[Cell]:
    """One cell per group (a view): each walk is a probe, the group's others are the gallery."""
    group = np.asarray(group_n)
    return [Cell(group == one, group == one) for one in np.unique(group)]


def cross_view_cells(view_n: ArrayLike) -> list[Cell]:
    """One cell per ordered pair of different views: all walks of one against all of the other."""
    view = np.asarray(view_n)
    views = np.unique(view)
    return [
        Cell(view == probe, view == other) for probe in views for other in views if probe != other
    ]


def equal_error_rate(genuine: ArrayLike, impostor: ArrayLike) -> float:
    """The error rate at the threshold where as many impostors pass as genuine pairs fail.

    The false match rate is the share of impostor scores at or above the threshold, the false
    non-match rate the share of genuine scores below it; between two thresholds both are taken as
    straight lines. nan without genuine or without impostor scores.
    """
    genuine_g, impostor_i = np.sort(np.asarray(genuine)), np.sort(np.asarray(impostor))
    if genuine_g.size == 0 or impostor_i.size == 0:
        return float("nan")

    def rates(threshold: float) -> tuple[float, float]:
        missed = float(np.searchsorted(genuine_g, threshold)) / genuine_g.size
        passed = 1.0 - float(np.searchsorted(impostor_i, threshold)) / impostor_i.size
        return missed, passed

    def first_crossing(scores: NDArray[np.generic]) -> int:
        low, high = 0, scores.size
        while low < high:
            middle = (low + high) // 2
            missed, passed = rates(scores[middle])
            low, high = (low, middle) if missed >= passed else (middle + 1, high)
        return low

    # Both rates are steps that move at scores only; the crossing lies between two neighbours.
    places = (first_crossing(genuine_g), first_crossing(impostor_i))
    both = (genuine_g, impostor_i)
    after = min(
        (scores[place] for scores, place in zip(both, places, strict=True) if place < scores.size),
        default=np.inf,
    )
    before = max(
        scores[np.searchsorted(scores, after) - 1]
        for scores in both
        if np.searchsorted(scores, after) > 0
    )
    missed_before, passed_before = rates(before)
    missed_after, passed_after = rates(after)
    gap_before, gap_after = passed_before - missed_before, missed_after - passed_after
    share = gap_before / (gap_before + gap_after)
    return missed_before + share * (missed_after - missed_before)


def verification_eer(scores_nn: Scores, subject_n: ArrayLike, permitted_nn: Mask) -> float:
    """Equal error rate over the permitted pairs of two different walks.

    Args:
        scores_nn: (N, N).
        subject_n: (N,) who walks; pairs of one subject are genuine, all others impostors.
        permitted_nn: (N, N), which pairs count, for example those of one view; each counts once.
    """
    subject = np.asarray(subject_n)
    once_nn = np.triu(permitted_nn | permitted_nn.T, k=1)
    same_nn = subject[:, None] == subject[None, :]
    return equal_error_rate(scores_nn[once_nn & same_nn], scores_nn[once_nn & ~same_nn])


@dataclass(frozen=True, slots=True)
class OpenSet:
    """Identification when strangers come too.

    Attributes:
        true_positive_rate: share of the enrolled people's probes whose best subject is the right
            one and scores above the threshold (TPIR); mean over the splits.
        false_positive_rate: share of strangers' probes that passed (FPIR), at most the target.
        splits: how often the people were divided into enrolled and strangers.
    """

    true_positive_rate: float
    false_positive_rate: float
    splits: int


def open_set(
    scores_nn: Scores,
    subject_n: ArrayLike,
    cell: Cell,
    *,
    target_fpir: float = 0.01,
    splits: int = 20,
    seed: int = 0,
) -> OpenSet:
    """TPIR at a target FPIR with half of the people unknown.

    Half of the people (drawn anew for every split) are left out of the gallery. The threshold of a
    split is the lowest at which at most `target_fpir` of the strangers' probes score above it with
    anybody: with fewer than 1 / target_fpir of them, that none does.

    Args:
        scores_nn: (N, N).
        subject_n: (N,) who walks.
        cell: probes and gallery before anybody is left out.
        target_fpir: share of strangers' probes that may pass.
        splits: repetitions.
        seed: of the draws.
    """
    names, label_n = np.unique(np.asarray(subject_n), return_inverse=True)
    probes, gallery = np.flatnonzero(cell.probe_n), np.flatnonzero(cell.gallery_n)
    scores_pg = np.where(
        probes[:, None] == gallery[None, :], -np.inf, scores_nn[np.ix_(probes, gallery)]
    )
    best_ps = subject_scores(scores_pg, label_n[gallery], len(names))
    people = np.unique(label_n[gallery])
    if people.size < 2 or probes.size == 0:
        return OpenSet(float("nan"), float("nan"), 0)
    rng = np.random.default_rng(seed)
    found, passed = [], []
    for _ in range(splits):
        known_s = np.zeros(len(names), dtype=np.bool_)
        known_s[rng.permutation(people)[: (people.size + 1) // 2]] = True
        enrolled_ps = np.where(known_s[None, :], best_ps, -np.inf)
        top_p = enrolled_ps.max(axis=1)
        right_p = enrolled_ps.argmax(axis=1) == label_n[probes]
        is_known_p = known_s[label_n[probes]]
        strangers = np.sort(top_p[~is_known_p])[::-1]
        if strangers.size == 0 or not is_known_p.any():
            continue
        threshold = strangers[min(int(target_fpir * strangers.size), strangers.size - 1)]
        found.append(float(np.mean((top_p > threshold)[is_known_p] & right_p[is_known_p])))
        passed.append(float(np.mean(strangers > threshold)))
    if not found:
        return OpenSet(float("nan"), float("nan"), 0)
    return OpenSet(float(np.mean(found)), float(np.mean(passed)), len(found))


def _share(hits: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.where(counts > 0, hits / np.maximum(counts, 1), np.nan)
    return shares


def _mean_of_known(rates_rc: NDArray[np.float64]) -> NDArray[np.float64]:
    known_rc = ~np.isnan(rates_rc)
    totals_r = np.where(known_rc, rates_rc, 0.0).sum(axis=1)
    counts_r = known_rc.sum(axis=1)
    means: NDArray[np.float64] = np.where(counts_r > 0, totals_r / np.maximum(counts_r, 1), np.nan)
    return means
