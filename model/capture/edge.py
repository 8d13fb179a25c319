"""The last pixel of an outline: it belongs to whoever covers more than half of it.

A lens, a moving limb and a codec mix the walker's colour with the scene's over a pixel or two.
All of these differ from the empty scene, and a mask that took them all would be too large by a
tenth. How much of a pixel the walker covers is where its colour lies between the two.

Shape letters: H rows, W columns, C colour channels, 4 channels of colour and weight,
N doubtful pixels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background

_Level = TypeVar("_Level", np.uint8, np.float32)

_BAND = 0.012
"""Width of the doubtful band inside the outline, in heights of the walker..."""
_BAND_PIXELS = 1.6
"""...and at the least, beside the doubt that is there anyway: what a lens and a codec smear."""
_COLOUR_REACH = 3.0
"""In bands: side of the square over which the walker's colour beside the band is averaged."""
_THIN, _CORE = 5, 250
"""Weights for that colour, in 255ths. Pixels in the band have the first, and count where a limb is
too thin for others; those inside it have both."""
_TELLING = 5.0
"""Noise units between the walker's colour and the scene's, from which a mixture can be told."""
_HALF = 0.5
_SMOOTH = 0.006
"""In heights: how far off neighbours have a say in each pixel. Grass and leaves are as many colours
as pixels, and each pixel for itself would draw them into the outline."""
_NEXT = 0.955
"""Distance of a pixel from the next one, as OpenCV measures it with a mask of three by three."""


def settle_edge(
    walker_hw: NDArray[np.uint8],
    corner: tuple[int, int],
    frame_hwc: NDArray[np.uint8],
    gain_c: NDArray[np.float32],
    background: Background,
    *,
    doubt: int,
) -> NDArray[np.uint8]:
    """Decides the pixels along an outline by what they are mixed of.

    Args:
        walker_hw: 0/1, the outline so far in a part of the frame.
        corner: row and column of the part's first pixel in the frame.
        frame_hwc: uint8, the whole frame.
        gain_c: how much brighter than the background it is.
        background: the empty scene, as large as the frame.
        doubt: pixels by which the outline may be wrong.

    Returns:
        0/1 (H, W) of the part.
    """
    left, top, wide, high = cv2.boundingRect(walker_hw)
    if not wide:
        return walker_hw
    band = max(_BAND_PIXELS + doubt - 1, _BAND * high)
    margin = int(band) + doubt + 1
    rows = slice(max(0, top - margin), top + high + margin)
    columns = slice(max(0, left - margin), left + wide + margin)
    part_hw = walker_hw[rows, columns]
    core_hw = cv2.erode(part_hw, _disc(band))
    near_hw = cv2.dilate(part_hw, np.ones((2 * doubt + 1, 2 * doubt + 1), np.uint8))
    doubtful_n = np.flatnonzero(cv2.bitwise_xor(near_hw, core_hw).view(np.bool_))
    # Taken from the whole frame: to take from a part of it, NumPy would copy that first.
    row, column = corner[0] + rows.start, corner[1] + columns.start
    down_n, right_n = np.divmod(doubtful_n, part_hw.shape[1])
    places_n = (down_n + row) * frame_hwc.shape[1] + (right_n + column)
    seen_hwc = frame_hwc[row : row + part_hw.shape[0], column : column + part_hw.shape[1]]
    weight_hw = core_hw * np.uint8(_CORE) + part_hw * np.uint8(_THIN)
    sums_4n = _taken(_weighted_colours(seen_hwc, weight_hw, band), doubtful_n)
    colour_cn = sums_4n[: gain_c.size] / np.maximum(
        sums_4n[3] * np.float32(1 / 255), np.float32(1.0)
    )
    expected_cn = _taken(background.level_hwc, places_n) * gain_c[:, None]
    contrast_cn = colour_cn - expected_cn
    strength_n = np.einsum("cn,cn->n", contrast_cn, contrast_cn)
    strayed_cn = _taken(frame_hwc, places_n) - expected_cn
    cover_n = np.einsum("cn,cn->n", strayed_cn, contrast_cn)
    told_n = strength_n > np.square(_TELLING * background.noise_hw.take(places_n))
    settled_hw = part_hw.astype(np.float32)
    settled_hw.put(doubtful_n[told_n], cover_n[told_n] >= _HALF * strength_n[told_n])
    agreed_hw = walker_hw.copy()
    agreed_hw[rows, columns] = cv2.GaussianBlur(settled_hw, (0, 0), _SMOOTH * high) > _HALF
    return agreed_hw


@lru_cache(maxsize=64)
def _disc(radius: float) -> NDArray[np.uint8]:
    """What lies within a radius of the middle, 0/1; wearing a mask away by it takes a third of the
    time that measuring each pixel's distance from the outside does."""
    reach = int(radius / _NEXT)
    plate_hw = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    plate_hw[reach, reach] = 0
    distance_hw = cv2.distanceTransform(plate_hw, cv2.DIST_L2, 3)
    return np.asarray(distance_hw <= radius, dtype=np.bool_).view(np.uint8)


def _weighted_colours(
    seen_hwc: NDArray[np.uint8], weight_hw: NDArray[np.uint8], band: float
) -> NDArray[np.float32]:
    """Around each pixel, the sums of the colours times the weights, and of 255 times those."""
    # One image of four channels is added up in less time than one of three and one of one.
    filled = cv2.COLOR_GRAY2BGRA if seen_hwc.shape[2] == 1 else cv2.COLOR_BGR2BGRA
    seen_hw4, weight_hw4 = cv2.cvtColor(seen_hwc, filled), cv2.merge([weight_hw] * 4)
    weighted_hw4 = np.multiply(seen_hw4, weight_hw4, dtype=np.uint16)
    side = 2 * round(_COLOUR_REACH * band / 2) + 1
    sums_hw4 = cv2.boxFilter(weighted_hw4, cv2.CV_32F, (side, side), normalize=False)
    return np.asarray(sums_hw4, dtype=np.float32)


def _taken(image_hwc: NDArray[_Level], places_n: NDArray[np.intp]) -> NDArray[_Level]:
    """The pixels at some places, (C, N)."""
    taken_nc = image_hwc.reshape(-1, image_hwc.shape[2]).take(places_n, axis=0)
    return np.ascontiguousarray(taken_nc.T)
