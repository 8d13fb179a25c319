"""How likely a pixel is when nobody stands before it: the empty scene, or a shadow on it.

Shape letters: H rows, W columns, C colour channels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.channels import mean, total

_SHADE_SHARE = 0.5
"""Of background pixels that lie in somebody's shadow, before looking."""
_SHADE_DARKEST = 0.40
"""Light that a shadow leaves, as a share of the full light."""
_SHADE_SLOPE = 0.10
"""Change of the logarithm of the light per pixel in a shadow, above the noise."""
_SHADE_TEXTURE = 0.15
"""Share of the background's own slope that a misplaced or coarsely coded shadow may show."""
_SHADE_TINT = 0.03
"""By how much a shadow darkens one colour more than another, standard deviation."""
_SHADE_SHARE_OF_COLOUR = 0.05
"""As `_SHADE_SHARE`, where there is colour: chance seldom gives clothes the tint of the wall behind
them, so a shadow needs no head start to be believed."""
_TAIL_FREEDOM = 4.0
"""Of the t distribution of background noise: grass and compression have heavier tails."""


def log_density_of_scene(
    seen_hwc: NDArray[np.float32],
    expected_hwc: NDArray[np.float32],
    noise_hw: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Log density of each pixel, (H, W), per grey level of every channel.

    Noise follows a t distribution. A shadow darkens all channels alike by a bounded factor, and
    does so smoothly: a step in the light from one pixel to the next is somebody's outline.

    Args:
        seen_hwc: the frame.
        expected_hwc: the background at this frame's exposure.
        noise_hw: standard deviation of the background.
    """
    channels = seen_hwc.shape[2]
    strayed_hw = total(np.square((seen_hwc - expected_hwc) / noise_hw[..., None]))
    lit_hw = (
        -(_TAIL_FREEDOM + channels) / 2 * np.log1p(strayed_hw / _TAIL_FREEDOM)
        - channels * np.log(noise_hw * 2.66)  # normalises the t distribution with 4 degrees
    )
    light_hwc = (seen_hwc + 1.0) / (expected_hwc + 1.0)
    light_hw = mean(light_hwc)
    logarithm_hw = np.log(np.maximum(cv2.GaussianBlur(light_hw, (0, 0), 0.8), 0.02))
    slope_hw = cv2.blur(
        np.hypot(
            cv2.Sobel(logarithm_hw, cv2.CV_32F, 1, 0, scale=1 / 8),
            cv2.Sobel(logarithm_hw, cv2.CV_32F, 0, 1, scale=1 / 8),
        ),
        (3, 3),
    )
    brightness_hw = mean(expected_hwc) + 1.0
    own_slope_hw = np.hypot(
        cv2.Sobel(brightness_hw, cv2.CV_32F, 1, 0, scale=1 / 8),
        cv2.Sobel(brightness_hw, cv2.CV_32F, 0, 1, scale=1 / 8),
    )
    allowed_hw = 0.5 * noise_hw + _SHADE_TEXTURE * cv2.blur(own_slope_hw, (5, 5))
    steep_hw = slope_hw / (_SHADE_SLOPE + allowed_hw / brightness_hw)
    share = _SHADE_SHARE if channels == 1 else _SHADE_SHARE_OF_COLOUR
    shade_hw = np.log(share / ((1.0 - _SHADE_DARKEST) * brightness_hw)) - steep_hw**2
    if channels > 1:
        tint_hw = total(np.square(light_hwc - light_hw[..., None])) / _SHADE_TINT**2
        shade_hw -= 0.5 * tint_hw + 2.0 * np.log(_SHADE_TINT * brightness_hw * 2.5)
    shade_hw[(light_hw < _SHADE_DARKEST) | (light_hw > 1.0)] = -np.inf
    return np.asarray(np.logaddexp(lit_hw, shade_hw), dtype=np.float32)
