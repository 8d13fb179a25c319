"""The score a service decides with: a cosine on the scale of how alike everybody looks.

A threshold follows the probe's cohort (docs/decisions/0008-levels.md,
docs/decisions/0022-spreads.md). Comparing a cosine with such a threshold is the same as comparing
the cosine on the calibration's own scale with a fixed one, and on that scale the error rates of
many probes can be counted together.

Shape letters: N walks, S subjects, K templates of one camera.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.calibration import Calibration, Likeness
from model.protocols import Mask
from model.ranking import subject_scores
from model.scores import Scores


def decided_scores(
    scores_nn: Scores,
    subject_n: ArrayLike,
    view_n: ArrayLike,
    calibration: Calibration,
    *,
    cohort_n: Mask | None = None,
) -> Scores:
    """The cosine of every probe with every template, on the scale of its cohort.

    The cohort of a comparison is everybody before the template's camera but the two people who are
    compared. A service leaves out only the one who is claimed; an impostor who is enrolled himself
    would raise the level by his own templates and be kept out the more easily. Here he is a
    stranger.

    Args:
        scores_nn: (N, N) cosines of the checkpoint's embeddings.
        subject_n: (N,) who walks.
        view_n: (N,) which camera filmed the walk; walks with nan are of one camera.
        calibration: of the checkpoint.
        cohort_n: (N,) the walks that cohorts consist of; None takes all.

    Returns:
        (N, N), probes in rows and templates in columns. Not symmetric: each probe has its own
        cohort.
    """
    names, label_n = np.unique(np.asarray(subject_n), return_inverse=True)
    _, camera_n = np.unique(np.asarray(view_n, dtype=np.float64), return_inverse=True)
    enrolled_n = np.ones(len(label_n), dtype=np.bool_) if cohort_n is None else cohort_n
    decided_nn = np.empty_like(scores_nn)
    for camera in np.unique(camera_n):
        here_n = camera_n == camera
        templates, cohort = np.flatnonzero(here_n), np.flatnonzero(here_n & enrolled_n)
        is_of_ks = (label_n[cohort][:, None] == np.arange(len(names))).astype(np.float32)
        of_cohort_nk = scores_nn[:, cohort]
        likeness = _likeness(
            of_cohort_nk @ is_of_ks,
            subject_scores(of_cohort_nk, label_n[cohort], len(names)),
            is_of_ks.sum(axis=0),
            label_n,
            calibration,
        )
        decided_nn[:, templates] = calibration.normalised(
            scores_nn[:, templates], likeness[:, label_n[templates]]
        )
    return decided_nn


def _likeness(
    sums_ns: NDArray[np.float32],
    best_ns: NDArray[np.float32],
    counts_s: NDArray[np.float32],
    label_n: NDArray[np.int64],
    calibration: Calibration,
) -> Likeness:
    """(N, S) how alike everybody looks to each probe when it is compared with each subject.

    Args:
        sums_ns: of a probe's cosines with a subject's templates.
        best_ns: the best of them, -inf of a subject without.
        counts_s: how many these are.
        label_n: who walks.
        calibration: tells it from a cohort.
    """
    rows = np.arange(len(label_n))
    is_own_ns = np.zeros(sums_ns.shape, dtype=np.bool_)
    is_own_ns[rows, label_n] = True

    def without_the_two(values_ns: NDArray[np.floating]) -> NDArray[np.float64]:
        total_n1 = values_ns.sum(axis=1, keepdims=True, dtype=np.float64)
        own_n1 = values_ns[rows, label_n].astype(np.float64)[:, None]
        rest_ns: NDArray[np.float64] = total_n1 - values_ns - np.where(is_own_ns, 0.0, own_n1)
        return rest_ns

    counts_ns = np.broadcast_to(counts_s, sums_ns.shape)
    templates_ns = without_the_two(counts_ns)
    means_ns = without_the_two(sums_ns) / np.maximum(templates_ns, 1.0)
    people_ns = without_the_two(np.minimum(counts_ns, 1.0))
    best_ns = np.where(np.isfinite(best_ns), best_ns, np.float32(0.0))  # counts as nobody
    centres_ns = without_the_two(best_ns) / np.maximum(people_ns, 1.0)
    squares_ns = without_the_two(best_ns**2) / np.maximum(people_ns, 1.0) - centres_ns**2
    deviations_ns = np.sqrt(np.maximum(squares_ns, 0.0))
    return calibration.likeness(means_ns, people_ns, (centres_ns - means_ns, deviations_ns))
