"""How well half of a layer's maps follow linearly from the other half.

Table 1 of the paper: "MSE between the maps made by the linear operation and the original feature
maps". The original maps are those of a trained ResNet-50. As the lightweight module would, half of
a layer's maps are kept, and each of the others is made from one kept map by a 3×3 convolution of
its own. docs/reproduction.md says why it is counted so.

Shape letters: N walks, C channels, H rows, W columns, P pixels of all walks, K taps and the bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.reproduction.feature_maps import Maps


@dataclass(frozen=True, slots=True)
class LinearMapsError:
    """How far linearly made maps are from the original ones.

    Attributes:
        mse: mean squared difference, over maps, walks and pixels.
        unexplained: the same as a share of the variance of the original maps, which does not depend
            on how large their values are; nan where these do not vary.
    """

    mse: float
    unexplained: float


def linear_maps_error(fitting_nchw: Maps, judged_nchw: Maps) -> LinearMapsError:
    """Makes half of the maps from the other half.

    Args:
        fitting_nchw: maps of walks that pairs and kernels are chosen by, (N, C, H, W).
        judged_nchw: maps of other walks, of which the error is told.
    """
    squares, variances = [], []
    for kept, made in similar_pairs(fitting_nchw):
        kernel_k = fit_kernel(fitting_nchw[:, kept], fitting_nchw[:, made])
        original_nhw = judged_nchw[:, made]
        squares.append(np.square(apply_kernel(judged_nchw[:, kept], kernel_k) - original_nhw))
        variances.append(original_nhw.var(dtype=np.float64))
    mse, variance = float(np.mean(squares, dtype=np.float64)), float(np.mean(variances))
    return LinearMapsError(mse, mse / variance if variance > 0.0 else float("nan"))


def similar_pairs(maps_nchw: Maps) -> list[tuple[int, int]]:
    """Pairs the maps of a layer: the most alike two first, then the most alike of the rest.

    Alike is a high correlation over all pixels, of either sign; a map that never changes is like
    none. Of an odd number one stays alone.

    Returns:
        Pairs of channels; the lower number is the map that is kept.
    """
    channels = maps_nchw.shape[1]
    maps_cp = maps_nchw.transpose(1, 0, 2, 3).reshape(channels, -1).astype(np.float64)
    maps_cp -= maps_cp.mean(axis=1, keepdims=True)
    lengths_c1 = np.linalg.norm(maps_cp, axis=1, keepdims=True)
    maps_cp /= np.maximum(lengths_c1, 1e-12)
    first_p, second_p = np.triu_indices(channels, k=1)
    likeness_p = np.abs(maps_cp @ maps_cp.T)[first_p, second_p]
    free = set(range(channels))
    pairs = []
    for index in np.argsort(-likeness_p, kind="stable").tolist():
        pair = int(first_p[index]), int(second_p[index])
        if free.issuperset(pair):
            free.difference_update(pair)
            pairs.append(pair)
    return pairs


def fit_kernel(kept_nhw: Maps, made_nhw: Maps) -> NDArray[np.float64]:
    """The 3×3 kernel and bias (K,) that make one map from another with the least squared error."""
    taps_pk = _taps(kept_nhw)
    # The normal equations are ten by ten, however many pixels there are.
    gram_kk = taps_pk.T @ taps_pk
    sums_k = taps_pk.T @ made_nhw.reshape(-1).astype(np.float64)
    kernel_k, *_ = np.linalg.lstsq(gram_kk, sums_k, rcond=1e-10)
    return np.asarray(kernel_k, dtype=np.float64)


def apply_kernel(kept_nhw: Maps, kernel_k: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the kernel makes of a map, with the ReLU that the lightweight module has there."""
    made_nhw: NDArray[np.float64] = (_taps(kept_nhw) @ kernel_k).reshape(kept_nhw.shape)
    return np.maximum(made_nhw, 0.0, out=made_nhw)


def _taps(maps_nhw: Maps) -> NDArray[np.float64]:
    """(P, K) every pixel's 3×3 neighbourhood, zero outside the map, and a one."""
    height, width = maps_nhw.shape[1:]
    padded = np.pad(maps_nhw.astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    taps = [
        padded[:, row : row + height, column : column + width].reshape(-1)
        for row in range(3)
        for column in range(3)
    ]
    return np.stack([*taps, np.ones(maps_nhw.size)], axis=1)
