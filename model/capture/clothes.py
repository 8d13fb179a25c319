"""What colours one walker shows at each height of the body, learnt from the whole walk.

Shape letters: H rows, W columns, C colour channels, B bands of body height, K colours.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

BANDS = 8
_GREY_BINS, _COLOUR_BINS = 32, 8
_UNKNOWN_CLOTHES = 0.15
"""Share of the walker's pixels whose colour the walk has not shown before."""
_NEIGHBOUR_BANDS = 0.3
"""Weight of the bands above and below: a hem is not always at the same height."""
_GREY_LEVELS = np.arange(256, dtype=np.float32)


def palette_places(
    seen_hwc: NDArray[np.uint8], gain_c: NDArray[np.float32], bands_h1: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Where each pixel's colour at the background's exposure lies in a palette, (H, W).

    Args:
        seen_hwc: uint8 (H, W, 1 or 3).
        gain_c: how much brighter than the background the pixels are.
        bands_h1: number of each row's band of body height.
    """
    channels = seen_hwc.shape[2]
    bins = _GREY_BINS if channels == 1 else _COLOUR_BINS
    binned_ck = (_GREY_LEVELS / gain_c[:, None] * np.float32(bins / 256)).astype(np.intp)
    np.minimum(binned_ck, bins - 1, out=binned_ck)
    places_hw = binned_ck[0].take(seen_hwc[..., 0])
    for channel in range(1, channels):
        places_hw *= bins
        places_hw += binned_ck[channel].take(seen_hwc[..., channel])
    places_hw += bands_h1 * bins**channels
    return np.asarray(places_hw, dtype=np.intp)


def learn_clothes(
    shown: Sequence[tuple[NDArray[np.intp], NDArray[np.bool_]]], channels: int
) -> NDArray[np.float32]:
    """Log density of the walker's colours in each band, (B, K).

    Args:
        shown: per frame, the `palette_places` of its pixels, (H, W), and which of them are the
            walker's.
        channels: 1 or 3.
    """
    bins = _GREY_BINS if channels == 1 else _COLOUR_BINS
    colours = bins**channels
    counts_bk = np.zeros((BANDS, colours))
    for places_hw, walker_hw in shown:
        seen_n = np.bincount(places_hw[walker_hw], minlength=counts_bk.size)
        counts_bk += seen_n.reshape(counts_bk.shape)
    above_bk, below_bk = np.roll(counts_bk, 1, axis=0), np.roll(counts_bk, -1, axis=0)
    above_bk[0], below_bk[-1] = 0.0, 0.0
    counts_bk = counts_bk + _NEIGHBOUR_BANDS * (above_bk + below_bk)
    counts_bk = _smeared(counts_bk, bins, channels)
    share_bk = counts_bk / np.maximum(counts_bk.sum(axis=1, keepdims=True), 1.0)
    mixed_bk = (1 - _UNKNOWN_CLOTHES) * share_bk + _UNKNOWN_CLOTHES / colours
    return np.asarray(np.log(mixed_bk / (256 / bins) ** channels), dtype=np.float32)


def _smeared(counts_bk: NDArray[np.float64], bins: int, channels: int) -> NDArray[np.float64]:
    """Gives some of each colour to the next ones: folds and light move it over a bin's edge."""
    kernel = np.array([0.15, 0.7, 0.15])
    cube: NDArray[np.float64] = counts_bk.reshape(BANDS, *(bins,) * channels)
    for axis in range(1, channels + 1):
        moved = np.moveaxis(cube, axis, -1)
        flat = np.ascontiguousarray(moved).reshape(-1, bins)
        mixed = np.asarray(
            cv2.sepFilter2D(flat, -1, kernel, np.ones(1), borderType=cv2.BORDER_REPLICATE),
            dtype=np.float64,
        )
        cube = np.moveaxis(mixed.reshape(moved.shape), -1, axis)
    return np.asarray(cube.reshape(counts_bk.shape), dtype=np.float64)
