"""The last pixel of an outline: it belongs to whoever covers more than half of it.

A lens, a moving limb and a codec mix the walker's colour with the scene's over a pixel or two.
All of these differ from the empty scene, and a mask that took them all would be too large by a
tenth. How much of a pixel the walker covers is where its colour lies between the two.

Shape letters: H rows, W columns, C colour channels, N doubtful pixels.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

_Level = TypeVar("_Level", np.uint8, np.float32)

_BAND = 0.012
"""Width of the doubtful band inside the outline, in heights of the walker..."""
_BAND_PIXELS = 1.6
"""...and at the least, beside the doubt that is there anyway: what a lens and a codec smear."""
_COLOUR_REACH = 3.0
"""In bands: side of the square over which the walker's colour beside the band is averaged."""
_THIN = 0.02
"""Weight of pixels in the band for that colour: they count where a limb is too thin for others."""
_TELLING = 5.0
"""Noise units between the walker's colour and the scene's, from which a mixture can be told."""
_HALF = 0.5
_SMOOTH = 0.006
"""In heights: how far off neighbours have a say in each pixel. Grass and leaves are as many colours
as pixels, and each pixel for itself would draw them into the outline."""


def settle_edge(
    walker_hw: NDArray[np.uint8],
    seen_hwc: NDArray[np.uint8],
    level_hwc: NDArray[np.float32],
    gain_c: NDArray[np.float32],
    noise_hw: NDArray[np.float32],
    *,
    doubt: int,
) -> NDArray[np.uint8]:
    """Decides the pixels along an outline by what they are mixed of.

    Args:
        walker_hw: 0/1, the outline so far.
        seen_hwc: the frame.
        level_hwc: the empty scene.
        gain_c: how much brighter than it the frame is.
        noise_hw: standard deviation of the scene.
        doubt: pixels by which the outline may be wrong.

    Returns:
        0/1 (H, W).
    """
    left, top, wide, high = cv2.boundingRect(walker_hw)
    if not wide:
        return walker_hw
    band = max(_BAND_PIXELS + doubt - 1, _BAND * high)
    margin = int(band) + doubt + 1
    part = (
        slice(max(0, top - margin), top + high + margin),
        slice(max(0, left - margin), left + wide + margin),
    )
    core_hw = cv2.distanceTransform(walker_hw[part], cv2.DIST_L2, 3) > band
    reach = np.ones((2 * doubt + 1, 2 * doubt + 1), np.uint8)
    near_hw = cv2.dilate(walker_hw[part], reach) > 0
    places_n = np.flatnonzero(near_hw & ~core_hw)
    weight_hw = core_hw + np.float32(_THIN) * walker_hw[part]
    colour_nc = _mean_colour(seen_hwc[part], weight_hw, band, places_n)
    expected_nc = _taken(level_hwc[part], places_n) * gain_c
    contrast_nc = colour_nc - expected_nc
    strength_n = np.einsum("nc,nc->n", contrast_nc, contrast_nc)
    strayed_nc = _taken(seen_hwc[part], places_n) - expected_nc
    cover_n = np.einsum("nc,nc->n", strayed_nc, contrast_nc)
    told_n = strength_n > np.square(_TELLING * noise_hw[part].take(places_n))
    settled_hw = walker_hw[part].astype(np.float32)
    settled_hw.put(places_n[told_n], cover_n[told_n] >= _HALF * strength_n[told_n])
    agreed_hw = walker_hw.copy()
    agreed_hw[part] = cv2.GaussianBlur(settled_hw, (0, 0), _SMOOTH * high) > _HALF
    return agreed_hw


def _mean_colour(
    seen_hwc: NDArray[np.uint8],
    weight_hw: NDArray[np.float32],
    band: float,
    places_n: NDArray[np.intp],
) -> NDArray[np.float32]:
    """The walker's colour near each of some pixels, (N, C)."""
    side = 2 * round(_COLOUR_REACH * band / 2) + 1
    weight_hwc = cv2.merge([weight_hw] * seen_hwc.shape[2]).reshape(seen_hwc.shape)
    weighted_hwc = cv2.multiply(seen_hwc, weight_hwc, dtype=cv2.CV_32F)
    blurred = cv2.blur(weighted_hwc, (side, side)).reshape(seen_hwc.shape)
    sums_hwc = np.asarray(blurred, dtype=np.float32)
    weight_n = cv2.blur(weight_hw, (side, side)).take(places_n)
    colour_nc = _taken(sums_hwc, places_n) / np.maximum(weight_n, np.float32(1e-4))[:, None]
    return np.asarray(colour_nc, dtype=np.float32)


def _taken(image_hwc: NDArray[_Level], places_n: NDArray[np.intp]) -> NDArray[_Level]:
    """The pixels at some places, (N, C)."""
    return image_hwc.reshape(-1, image_hwc.shape[2]).take(places_n, axis=0)
