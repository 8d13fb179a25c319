"""The last pixel of an outline: it belongs to whoever covers more than half of it.

A lens, a moving limb and a codec mix the walker's colour with the scene's over a pixel or two.
All of these differ from the empty scene, and a mask that took them all would be too large by a
tenth. How much of a pixel the walker covers is where its colour lies between the two.

Shape letters: H rows, W columns, C colour channels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.channels import total

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
    band = max(_BAND_PIXELS + doubt - 1, _BAND * high)
    margin = int(band) + doubt + 1
    part = (
        slice(max(0, top - margin), top + high + margin),
        slice(max(0, left - margin), left + wide + margin),
    )
    walker_part_hw = walker_hw[part]
    seen_part_hwc = seen_hwc[part].astype(np.float32)
    expected_hwc = level_hwc[part] * gain_c
    inward_hw = cv2.distanceTransform(walker_part_hw, cv2.DIST_L2, 3)
    reach = np.ones((2 * doubt + 1, 2 * doubt + 1), np.uint8)
    core_hw = inward_hw > band
    doubtful_hw = (cv2.dilate(walker_part_hw, reach) > 0) & ~core_hw
    weight_hw = core_hw + np.float32(_THIN) * walker_part_hw
    contrast_hwc = _mean_colour(seen_part_hwc, weight_hw, band) - expected_hwc
    strength_hw = total(contrast_hwc * contrast_hwc)
    cover_hw = total((seen_part_hwc - expected_hwc) * contrast_hwc)
    doubtful_hw &= strength_hw > np.square(_TELLING * noise_hw[part])
    settled_hw = walker_hw.copy()
    settled_hw[part][doubtful_hw] = cover_hw[doubtful_hw] >= _HALF * strength_hw[doubtful_hw]
    agreed_hw = cv2.GaussianBlur(settled_hw[part].astype(np.float32), (0, 0), _SMOOTH * high)
    settled_hw[part] = agreed_hw > _HALF
    return settled_hw


def _mean_colour(
    seen_hwc: NDArray[np.float32], weight_hw: NDArray[np.float32], band: float
) -> NDArray[np.float32]:
    """The walker's colour near each pixel."""
    side = 2 * round(_COLOUR_REACH * band / 2) + 1
    sums_hwc = cv2.blur(seen_hwc * weight_hw[..., None], (side, side)).reshape(seen_hwc.shape)
    weights_hw = np.maximum(cv2.blur(weight_hw, (side, side)), np.float32(1e-4))
    return np.asarray(sums_hwc / weights_hw[..., None], np.float32)
