"""One frame against the empty scene: which pixels are somebody, and which only lie in the shade.

Shape letters: H rows, W columns, C colour channels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background
from model.capture.channels import largest, mean

_SEEN_SIGMAS = 6.0
"""Noise units at which a pixel is somebody."""
_SHADE_DARKEST, _SHADE_LIGHTEST = 0.42, 0.98
"""Light that a shadow leaves, as a share of the full light."""
_SHADE_TINT = 0.10
"""By how much a shadow may darken one colour more than another."""
_SHADE_SLOPE = 0.035
"""Change of the logarithm of the light per pixel inside a soft shadow, above the noise."""
_BLUR_SHARE = 1 / 300
"""Of the frame's height; at least `_BLUR_MIN` pixels."""
_BLUR_MIN = 0.8


class SceneModel:
    """The empty scene, prepared for comparing many frames with it."""

    def __init__(self, background: Background) -> None:
        self._blur = max(_BLUR_MIN, background.level_hwc.shape[0] * _BLUR_SHARE)
        self._level_hwc = self._smooth(background.level_hwc)
        self._noise_hw = background.noise_hw

    def foreground(
        self, frame_hwc: NDArray[np.uint8], gain_c: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """The pixels that are neither background nor its shadow, as a 0/1 mask (H, W)."""
        expected_hwc = self._level_hwc * gain_c
        seen_hwc = self._smooth(frame_hwc.astype(np.float32))
        distance_hw = largest(np.abs(seen_hwc - expected_hwc)) / self._noise_hw
        somebody_hw = distance_hw > _SEEN_SIGMAS
        somebody_hw &= ~self._shade(seen_hwc, expected_hwc)
        return somebody_hw.view(np.uint8)

    def _shade(
        self, seen_hwc: NDArray[np.float32], expected_hwc: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        expected_hw = mean(expected_hwc) + 1.0
        light_hw = (mean(seen_hwc) + 1.0) / expected_hw
        shade_hw = (light_hw > _SHADE_DARKEST) & (light_hw < _SHADE_LIGHTEST)
        logarithm_hw = np.log(light_hw)
        slope_hw = np.hypot(
            cv2.Sobel(logarithm_hw, cv2.CV_32F, 1, 0, scale=1 / 8),
            cv2.Sobel(logarithm_hw, cv2.CV_32F, 0, 1, scale=1 / 8),
        )
        noise_hw = 0.5 * self._noise_hw / (expected_hw * np.maximum(light_hw, 0.1))
        shade_hw &= cv2.blur(slope_hw, (3, 3)) < _SHADE_SLOPE + noise_hw
        if seen_hwc.shape[2] > 1:
            light_hwc = (seen_hwc + 1.0) / (expected_hwc + 1.0)
            shade_hw &= largest(np.abs(light_hwc - light_hw[..., None])) < _SHADE_TINT
        return shade_hw

    def _smooth(self, image_hwc: NDArray[np.float32]) -> NDArray[np.float32]:
        smoothed = cv2.GaussianBlur(image_hwc, (0, 0), self._blur)
        return np.asarray(smoothed, dtype=np.float32).reshape(image_hwc.shape)
