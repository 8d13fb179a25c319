"""How likely a pixel is when nobody stands before it: the empty scene, or a shadow on it.

Shape letters: H rows, W columns, C colour channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background

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


@dataclass(frozen=True, slots=True)
class SceneLikelihood:
    """The empty scene, prepared for asking many frames about it.

    Noise follows a t distribution. A shadow darkens all channels alike by a bounded factor, and
    does so smoothly: a step in the light from one pixel to the next is somebody's outline, unless
    it is the edge of a deep shadow.

    Attributes:
        level_chw: the scene, in grey levels.
        variance_hw: of its noise.
        lit_most_hw: log density of the likeliest colour in full light.
        shade_most_hw: log density of the likeliest colour in a shadow on the ground.
        steepest_hw: change of the logarithm of the light per pixel that a shadow may show.
    """

    level_chw: NDArray[np.float32]
    variance_hw: NDArray[np.float32]
    lit_most_hw: NDArray[np.float32]
    shade_most_hw: NDArray[np.float32]
    steepest_hw: NDArray[np.float32]

    @classmethod
    def of(cls, background: Background) -> SceneLikelihood:
        """Does what is the same for all frames."""
        level_chw = np.ascontiguousarray(np.moveaxis(background.level_hwc, 2, 0))
        channels, noise_hw = len(level_chw), background.noise_hw
        brightness_hw = level_chw.mean(axis=0) + np.float32(1.0)
        share = _SHADE_SHARE if channels == 1 else _SHADE_SHARE_OF_COLOUR
        most = np.log(share / (1.0 - _SHADE_DARKEST))
        if channels > 1:
            most -= 2.0 * np.log(_SHADE_TINT * 2.5)
        own_slope_hw = cv2.blur(_slope(brightness_hw), (5, 5))
        allowed_hw = np.float32(0.5) * noise_hw + np.float32(_SHADE_TEXTURE) * own_slope_hw
        return cls(
            level_chw=level_chw,
            variance_hw=noise_hw * noise_hw,
            # Normalises t at 4 degrees of freedom.
            lit_most_hw=-channels * np.log(noise_hw * np.float32(2.66)),
            shade_most_hw=np.float32(most) - channels * np.log(brightness_hw),
            steepest_hw=np.float32(_SHADE_SLOPE) + allowed_hw / brightness_hw,
        )

    def log_density(
        self,
        seen_hwc: NDArray[np.uint8],
        gain_c: NDArray[np.float32],
        part: tuple[slice, slice],
        body_share_h1: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Log density of each pixel of a part, (H, W), per grey level of every channel.

        Args:
            seen_hwc: that part of the frame.
            gain_c: how much brighter than the scene the frame is.
            part: rows and columns of the scene.
            body_share_h1: height of each row on the walker's body, 0 the crown, 1 the soles.
        """
        channels = seen_hwc.shape[2]
        # One more than either: black has a ratio too.
        seen_chw = np.array(cv2.split(seen_hwc), dtype=np.float32)
        seen_chw += np.float32(1.0)
        expected_chw = self.level_chw[:, *part] * gain_c[:, None, None]
        expected_chw += np.float32(1.0)
        strayed_chw = seen_chw - expected_chw
        strayed_chw *= strayed_chw
        strayed_hw = strayed_chw.sum(axis=0) / self.variance_hw[part]
        strayed_hw *= np.float32(1 / _TAIL_FREEDOM)
        strayed_hw += np.float32(1.0)
        # OpenCV's logarithm takes a third of the time of NumPy's.
        lit_hw = np.asarray(cv2.log(strayed_hw, dst=strayed_hw), dtype=np.float32)
        lit_hw *= np.float32(-(_TAIL_FREEDOM + channels) / 2)
        lit_hw += self.lit_most_hw[part]
        light_chw = seen_chw / expected_chw
        light_hw = light_chw.sum(axis=0)
        light_hw *= np.float32(1 / channels)
        steep_hw = _slope_of_light(light_hw) / self.steepest_hw[part]
        steep_hw = _without_rims(steep_hw, light_hw)
        rarer_h1 = np.where(body_share_h1 < _FEET, _ON_WALLS, 0.0) + np.log(gain_c).sum()
        shade_hw = self.shade_most_hw[part] - steep_hw * steep_hw
        shade_hw -= rarer_h1.astype(np.float32)
        if channels > 1:
            light_chw -= light_hw
            light_chw *= light_chw
            shade_hw -= light_chw.sum(axis=0) * np.float32(0.5 / _SHADE_TINT**2)
        shaded_hw = (light_hw >= _SHADE_DARKEST) & (light_hw <= 1.0)
        return np.maximum(lit_hw, np.where(shaded_hw, shade_hw, lit_hw), out=lit_hw)


def _slope_of_light(light_hw: NDArray[np.float32]) -> NDArray[np.float32]:
    """Change of the logarithm of the light per pixel."""
    blurred_hw = cv2.GaussianBlur(light_hw, (0, 0), 0.8)
    logarithm_hw = cv2.log(np.maximum(blurred_hw, np.float32(0.02)))
    return np.asarray(
        cv2.blur(_slope(np.asarray(logarithm_hw, np.float32)), (3, 3)), dtype=np.float32
    )


def _without_rims(
    steep_hw: NDArray[np.float32], light_hw: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Takes away the steepness where a deep shadow may end."""
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
