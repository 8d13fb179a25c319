"""How alike two walks are, for all pairs at once. Higher is more alike.

Shape letters: N walks, D features.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Scores: TypeAlias = NDArray[np.float32]

ROUNDING = 1e-9  # of a share of comparisons: 0.29 · 100 is a little less than 29


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
