"""What the network must beat: nearest neighbour on GEI pixels, and a linear model.

Shape letters: N walks, H rows, W columns, P pixels, K principal components, D embedding size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from model.lda import discriminant_directions

Floats = NDArray[np.float32]


def pixels(geis_nhw: NDArray[np.uint8]) -> Floats:
    """The raw baseline's features: the pixels of each GEI, 0 to 1: (N, H, W) → (N, H · W)."""
    return geis_nhw.reshape(len(geis_nhw), -1).astype(np.float32) / np.float32(255.0)


@dataclass(frozen=True, slots=True)
class LinearBaseline:
    """PCA, then linear discriminant analysis, on GEI pixels (Han and Bhanu 2006, section 4).

    Attributes:
        mean_p: (P,) the mean GEI.
        projection_pd: (P, D) onto the discriminant directions.
    """

    mean_p: Floats
    projection_pd: Floats

    @classmethod
    def fit(
        cls,
        geis_nhw: NDArray[np.uint8],
        subject_n: NDArray[np.int64],
        *,
        components: int = 300,
        directions: int = 100,
        ridge: float = 1e-3,
    ) -> LinearBaseline:
        """Learns the projection. Each GEI is used as it is and mirrored, under the same person.

        Args:
            geis_nhw: (N, H, W) training GEIs.
            subject_n: (N,) who walks.
            components: K, principal components kept (at most N and P).
            directions: D, discriminant directions kept (at most one fewer than people, and K).
            ridge: added to the within-person scatter, as a share of its mean variance.
        """
        images_np = pixels(np.concatenate((geis_nhw, geis_nhw[:, :, ::-1])))
        _, label_n = np.unique(np.concatenate((subject_n, subject_n)), return_inverse=True)
        mean_p = images_np.mean(axis=0, dtype=np.float64).astype(np.float32)
        centred_np = images_np - mean_p
        axes_pk = _principal_axes(centred_np, min(components, len(centred_np) - 1))
        discriminants_kd = discriminant_directions(
            centred_np @ axes_pk, label_n, directions=directions, ridge=ridge
        )
        return cls(mean_p, (axes_pk @ discriminants_kd).astype(np.float32))

    def encode(self, geis_nhw: NDArray[np.uint8]) -> Floats:
        """Unit vectors, the mean of a GEI's and its mirror image's: (N, H, W) → (N, D)."""
        plain_nd = self._project(geis_nhw)
        mirrored_nd = self._project(geis_nhw[:, :, ::-1])
        return _unit(plain_nd + mirrored_nd)

    def _project(self, geis_nhw: NDArray[np.uint8]) -> Floats:
        return _unit((pixels(geis_nhw) - self.mean_p) @ self.projection_pd)


def _principal_axes(centred_np: Floats, components: int) -> Floats:
    """(P, K) orthonormal directions of the largest variance, from whichever scatter is smaller."""
    count, size = centred_np.shape
    kept = min(components, size)
    if count >= size:
        scatter_pp = centred_np.T @ centred_np
        axes_pk: Floats = eigh(scatter_pp, subset_by_index=(size - kept, size - 1))[1]
        return axes_pk
    gram_nn = centred_np @ centred_np.T
    _, weights_nk = eigh(gram_nn, subset_by_index=(count - kept, count - 1))
    spread_pk = centred_np.T @ weights_nk
    axes: Floats = spread_pk / np.maximum(np.linalg.norm(spread_pk, axis=0), 1e-6)
    return axes


def _unit(vectors_nd: NDArray[np.floating]) -> Floats:
    lengths_n1 = np.linalg.norm(vectors_nd, axis=1, keepdims=True)
    unit_nd: Floats = (vectors_nd / np.maximum(lengths_n1, 1e-12)).astype(np.float32)
    return unit_nd
