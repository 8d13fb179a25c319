"""Closed-set identification: everybody who comes is enrolled. Rank-k, CMC, mAP.

Ties count against the system: an impostor of equal score stands in front. A walk is never compared
with itself.

Shape letters: N walks, P probes, G gallery walks, S subjects, C cells, D depth of the CMC, K walks
of the probe's own subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.bootstrap import Estimate, SubjectMean
from model.protocols import Cell, Mask
from model.scores import Scores

CMC_DEPTH = 20


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


def cell_scores(scores_nn: Scores, cell: Cell) -> tuple[Scores, NDArray[np.intp], NDArray[np.intp]]:
    """The scores of one cell: (P, G), -inf of a walk with itself; who are probes, and gallery."""
    probes, gallery = np.flatnonzero(cell.probe_n), np.flatnonzero(cell.gallery_n)
    scores_pg = scores_nn[np.ix_(probes, gallery)]
    scores_pg[probes[:, None] == gallery[None, :]] = -np.inf
    return scores_pg, probes, gallery


def ranks_among(best_ps: NDArray[np.floating], own_p: NDArray[np.int64]) -> NDArray[np.float64]:
    """The place of each probe's own subject: 1 plus the other subjects that score at least as high.

    Args:
        best_ps: (P, S) score of each probe with each subject, -inf of those not enrolled; or a
            classifier's logits.
        own_p: (P,) column of the own subject.

    Returns:
        (P,), inf where the own subject is not enrolled.
    """
    score_p = best_ps[np.arange(len(own_p)), own_p]
    ranks_p: NDArray[np.float64] = np.count_nonzero(  # the own subject counts too
        best_ps >= score_p[:, None], axis=1
    ).astype(np.float64)
    ranks_p[np.isneginf(score_p)] = np.inf
    return ranks_p


def average_precisions(scores_pg: Scores, same_pg: Mask) -> NDArray[np.float64]:
    """Average precision of each probe (Zheng et al. 2015, "Scalable Person Re-identification").

    The gallery walks are ordered by score. AP is the mean, over the K walks of the probe's own
    subject, of the share of own walks among those down to that one. mAP is its mean over probes.

    Args:
        scores_pg: (P, G), -inf where a comparison is not permitted.
        same_pg: (P, G), True where the gallery walk is of the probe's subject.

    Returns:
        (P,), 0 where the own subject has no permitted gallery walk, which is a miss as it is in
        rank-k.
    """
    permitted_pg = ~np.isneginf(scores_pg)
    own_pg = np.where(same_pg & permitted_pg, scores_pg, -np.inf)
    others_pg = np.where(same_pg, -np.inf, scores_pg)
    count_p = np.count_nonzero(same_pg & permitted_pg, axis=1)
    most = int(count_p.max(initial=0))
    best_pk = -np.sort(-own_pg, axis=1)[:, :most]
    total_p = np.zeros(len(scores_pg))
    for place in range(most):  # one pass over the matrix for each of a person's gallery walks
        own_p = best_pk[:, place]
        ahead_p = np.count_nonzero(others_pg >= own_p[:, None], axis=1)
        total_p += np.where(place < count_p, (place + 1) / (place + 1 + ahead_p), 0.0)
    precisions_p: NDArray[np.float64] = total_p / np.maximum(count_p, 1)
    return precisions_p


@dataclass(frozen=True, slots=True)
class Identification:
    """What closed-set identification found, by person and cell.

    Attributes:
        hits_dsc: (D, S, C) probes whose own subject stood at place 1 … d + 1.
        precisions_sc: (S, C) sums of average precision.
        probes_sc: (S, C) probes.
    """

    hits_dsc: NDArray[np.float64]
    precisions_sc: NDArray[np.float64]
    probes_sc: NDArray[np.float64]

    def rank(self, place: int) -> SubjectMean:
        """Share of probes whose own subject stands at this place or before, from 1."""
        return SubjectMean(self.hits_dsc[place - 1], self.probes_sc)

    @property
    def average_precision(self) -> SubjectMean:
        """Mean average precision."""
        return SubjectMean(self.precisions_sc, self.probes_sc)

    def cumulative_matches(self) -> tuple[Estimate, ...]:
        """The CMC curve: rank-1, rank-2, … each with its interval (ISO/IEC 19795-1)."""
        return tuple(self.rank(place + 1).estimate() for place in range(len(self.hits_dsc)))


def identify(
    scores_nn: Scores, subject_n: ArrayLike, cells: Sequence[Cell], *, depth: int = CMC_DEPTH
) -> Identification:
    """Scores the probes of each cell against its gallery; figures are means over the cells.

    A subject scores as its best gallery walk. A probe whose subject has no gallery walk in its
    cell is a miss.

    Args:
        scores_nn: (N, N).
        subject_n: (N,) who walks.
        cells: the figures whose mean is the protocol's result.
        depth: D of the CMC.
    """
    names, label_n = np.unique(np.asarray(subject_n), return_inverse=True)
    found = []
    for cell in cells:
        scores_pg, probes, gallery = cell_scores(scores_nn, cell)
        own_p, label_g = label_n[probes], label_n[gallery]
        ranks_p = ranks_among(subject_scores(scores_pg, label_g, len(names)), own_p)
        same_pg = own_p[:, None] == label_g[None, :]
        found.append((own_p, ranks_p, average_precisions(scores_pg, same_pg)))
    return _tally(found, subjects=len(names), depth=depth)


def classify(
    logits_nk: NDArray[np.floating],
    class_n: NDArray[np.int64],
    probe_masks: Sequence[Mask],
    *,
    depth: int = CMC_DEPTH,
) -> Identification:
    """Recognition by the classifier's own output: the identities it was trained on are the gallery.

    Each identity stands once in that gallery, so that average precision is 1 / rank.

    Args:
        logits_nk: (N, classes).
        class_n: (N,) the right class of each walk.
        probe_masks: each (N,), the probes of each cell.
        depth: D of the CMC.
    """
    found = []
    for probe_n in probe_masks:
        own_p = class_n[probe_n]
        ranks_p = ranks_among(logits_nk[probe_n], own_p)
        found.append((own_p, ranks_p, 1.0 / ranks_p))
    return _tally(found, subjects=logits_nk.shape[1], depth=depth)


def _tally(
    cells: Sequence[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]],
    *,
    subjects: int,
    depth: int,
) -> Identification:
    """Adds up each cell's (own subject, rank, average precision), each (P,), by person."""
    tally = Identification(
        hits_dsc=np.zeros((depth, subjects, len(cells))),
        precisions_sc=np.zeros((subjects, len(cells))),
        probes_sc=np.zeros((subjects, len(cells))),
    )
    for column, (own_p, ranks_p, precisions_p) in enumerate(cells):
        tally.probes_sc[:, column] = np.bincount(own_p, minlength=subjects)
        tally.precisions_sc[:, column] = np.bincount(own_p, precisions_p, subjects)
        for place in range(depth):
            tally.hits_dsc[place, :, column] = np.bincount(
                own_p[ranks_p <= place + 1], minlength=subjects
            )
    return tally
