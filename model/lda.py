"""Linear discriminant analysis: the directions that tell people apart against how one person
varies.

Shape letters: N walks, F features, D directions, S subjects.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh


def discriminant_directions(
    features_nf: NDArray[np.floating],
    subject_n: NDArray[np.int64],
    *,
    directions: int,
    ridge: float,
) -> NDArray[np.float64]:
    """Solves the generalised eigenproblem of between- and within-person scatter (Fisher 1936).

    The result is scaled so that one person's walks vary by one in every direction.

    Args:
        features_nf: (N, F).
        subject_n: (N,) who walks; every person needs two walks or more.
        directions: D, the most telling ones, at most S - 1 and F.
        ridge: added to the within-person scatter, as a share of its mean variance.

    Returns:
        (F, D), the most telling direction last.
    """
    _, label_n = np.unique(subject_n, return_inverse=True)
    features = features_nf.astype(np.float64)
    features -= features.mean(axis=0)
    count, size = features.shape
    subjects = int(label_n.max()) + 1
    walks_s = np.bincount(label_n, minlength=subjects)
    means_sf = np.zeros((subjects, size))
    np.add.at(means_sf, label_n, features)
    means_sf /= walks_s[:, None]
    apart_nf = features - means_sf[label_n]
    within_ff = apart_nf.T @ apart_nf / count
    within_ff += np.eye(size) * ridge * np.trace(within_ff) / size
    between_ff = (means_sf * walks_s[:, None]).T @ means_sf / count
    wanted = min(directions, subjects - 1, size)
    _, axes_fd = eigh(between_ff, within_ff, subset_by_index=(size - wanted, size - 1))
    solution: NDArray[np.float64] = axes_fd
    return solution
