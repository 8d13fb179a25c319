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
_FEET = 0.85
"""Of the body's height from the crown: shadows lie from there on downwards..."""
_ON_WALLS = 1.5
"""...and are rarer above, by this much of the logarithm of the odds."""
_DEEP = 0.8
"""Light below which a shadow may end in a hard edge, within `_RIM` pixels."""
_RIM = 5
_TAIL_FREEDOM = 4.0
"""Of the t distribution of background noise: grass and compression have heavier tails."""


def log_density_of_scene(
    seen_hwc: NDArray[np.float32],
    expected_hwc: NDArray[np.float32],
    noise_hw: NDArray[np.float32],
    body_share_h1: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Log density of each pixel, (H, W), per grey level of every channel.

    Noise follows a t distribution. A shadow darkens all channels alike by a bounded factor, and
    does so smoothly: a step in the light from one pixel to the next is somebody's outline, unless
    it is the edge of a deep shadow.

    Args:
        seen_hwc: the frame.
        expected_hwc: the background at this frame's exposure.
        noise_hw: standard deviation of the background.
        body_share_h1: height of each row on the walker's body, 0 the crown, 1 the soles.
    """
    channels = seen_hwc.shape[2]
    difference_hwc = seen_hwc - expected_hwc
    strayed_hw = total(difference_hwc * difference_hwc) / (noise_hw * noise_hw)
    lit_hw = np.float32(-(_TAIL_FREEDOM + channels) / 2) * cv2.log(
        1.0 + strayed_hw * np.float32(1 / _TAIL_FREEDOM)
    ) - np.float32(channels) * cv2.log(noise_hw * np.float32(2.66))  # normalises t at 4 degrees
    light_hwc = (seen_hwc + 1.0) / (expected_hwc + 1.0)
    light_hw = mean(light_hwc)
    brightness_hw = mean(expected_hwc) + 1.0
    steep_hw = _steepness(light_hw, brightness_hw, noise_hw)
    share = _SHADE_SHARE if channels == 1 else _SHADE_SHARE_OF_COLOUR
    shade_hw = np.float32(np.log(share / (1.0 - _SHADE_DARKEST))) - steep_hw * steep_hw
    shade_hw -= _ON_WALLS * (body_share_h1 < _FEET)
    tints = 1
    if channels > 1:
        tint_hwc = light_hwc - light_hw[..., None]
        shade_hw -= total(tint_hwc * tint_hwc) * np.float32(0.5 / _SHADE_TINT**2)
        shade_hw -= np.float32(2.0 * np.log(_SHADE_TINT * 2.5))
        tints = 3
    shade_hw -= tints * cv2.log(brightness_hw)
    shade_hw[(light_hw < _SHADE_DARKEST) | (light_hw > 1.0)] = -np.inf
    return np.asarray(np.maximum(lit_hw, shade_hw), dtype=np.float32)


def _steepness(
    light_hw: NDArray[np.float32],
    brightness_hw: NDArray[np.float32],
    noise_hw: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Slope of the light, in units of what a shadow may show; 0 is smooth."""
    blurred_hw = cv2.GaussianBlur(light_hw, (0, 0), 0.8)
    logarithm_hw = np.asarray(cv2.log(np.maximum(blurred_hw, np.float32(0.02))), np.float32)
    slope_hw = cv2.blur(_slope(logarithm_hw), (3, 3))
    own_slope_hw = cv2.blur(_slope(brightness_hw), (5, 5))
    allowed_hw = 0.5 * noise_hw + _SHADE_TEXTURE * own_slope_hw
    steep_hw = slope_hw / (_SHADE_SLOPE + allowed_hw / brightness_hw)
    beside = np.ones((_RIM, _RIM), np.uint8)
    near_deep_hw = cv2.erode(light_hw, beside) < _DEEP
    return np.where(near_deep_hw, cv2.erode(steep_hw, beside), steep_hw)


def _slope(image_hw: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(
        cv2.magnitude(
            cv2.Sobel(image_hw, cv2.CV_32F, 1, 0, scale=1 / 8),
            cv2.Sobel(image_hw, cv2.CV_32F, 0, 1, scale=1 / 8),
        ),
        dtype=np.float32,
    )
