"""One frame against the empty scene: which pixels are somebody, and which only lie in the shade.

All but the shade is told in whole grey levels, which is ten times as quick as in fractions; the
shade is asked for only where somebody might be.

Shape letters: H rows, W columns, C colour channels.
"""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background, levelled
from model.capture.binary import close_gaps, majority

_SEEN_SIGMAS = 6.0
"""Noise units at which a pixel is somebody..."""
_FAINT_SIGMAS = 3.0
"""...and at which it is between such pixels: a shirt of the wall's colour, from head to legs."""
_QUIET_SHARE = 0.8
"""Of the pixels, in which nobody is; in a frame that was coded coarsely they stray further."""
_USUAL_STRAY = 1.3
"""Noise units that they stay below otherwise."""
_FAINT_DOWN, _FAINT_ACROSS = 1 / 9, 1 / 30
"""Of the frame's height: half of the gap between them."""
_SHADE_DARKEST, _SHADE_LIGHTEST = 0.42, 0.98
"""Light that a shadow leaves, as a share of the full light."""
_SHADE_TINT = 0.10
"""By how much a shadow may darken one colour more than another."""
_SHADE_SLOPE = 0.035
"""Change of the logarithm of the light per pixel inside a soft shadow, above the noise."""
_DEEP = 0.8
"""Light below which a shadow may have a hard edge: only the sun and strong lamps cast those."""
_LYING = 1.5
"""Width over height of a shadow on the ground; dark trousers stand."""
_RIM = 1 / 45
"""Of the frame's height: width of that edge."""
_BLUR_SHARE = 1 / 300
"""Of the frame's height; at least `_BLUR_MIN` pixels."""
_BLUR_MIN = 0.8


class SceneModel:
    """The empty scene, prepared for comparing many frames with it."""

    def __init__(self, background: Background) -> None:
        height = background.level_hwc.shape[0]
        self._blur = max(_BLUR_MIN, height * _BLUR_SHARE)
        self._rim = max(2, round(height * _RIM))
        self._expected_hwc = self._smooth(
            np.clip(np.rint(background.level_hwc), 0, 255).astype(np.uint8)
        )
        self._expected_chw = _planes(self._expected_hwc)
        self._expected_hw = self._expected_chw.mean(axis=0)
        self._noise_hw = background.noise_hw
        self._usual_limits = self._limits(1.0)
        self._gap = tuple(2 * round(height * share) + 1 for share in (_FAINT_DOWN, _FAINT_ACROSS))

    def foreground(
        self, frame_hwc: NDArray[np.uint8], gain_c: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """The pixels that are neither background nor its shadow, as a 0/1 mask (H, W)."""
        seen_hwc = self._smooth(levelled(frame_hwc, gain_c))
        strayed = cv2.absdiff(seen_hwc, self._expected_hwc).reshape(frame_hwc.shape)
        strayed_hw = _largest_channel(np.asarray(strayed, dtype=np.uint8))
        unrest = _unrest(strayed_hw[::4, ::4], self._noise_hw[::4, ::4])
        sure_limit_hw, faint_limit_hw = (
            self._usual_limits if unrest == 1.0 else self._limits(unrest)
        )
        sure_hw = _above(strayed_hw, sure_limit_hw)
        clear_hw = majority(sure_hw, 3)
        somebody_hw = np.zeros_like(sure_hw)
        # Whoever is there is inside the box of what is clear; the rest of the frame is specks.
        left, top, wide, high = cv2.boundingRect(clear_hw)
        if wide:
            box = (
                slice(max(0, top - self._rim), top + high + self._rim),
                slice(max(0, left - self._rim), left + wide + self._rim),
            )
            faint_hw = _above(strayed_hw[box], faint_limit_hw[box])
            faint_hw &= close_gaps(clear_hw[box], *self._gap)
            part_hw = sure_hw[box] | majority(faint_hw, 5)
            somebody_hw[box] = part_hw & ~self._shade(seen_hwc[box], box, part_hw)
        return somebody_hw

    def _limits(self, unrest: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Grey levels above which a pixel is somebody, and is so between such pixels."""
        # Grey levels are whole: above 4.6 is above 4.
        sure, faint = (
            cv2.convertScaleAbs(self._noise_hw, alpha=sigmas * unrest, beta=-0.5)
            for sigmas in (_SEEN_SIGMAS, _FAINT_SIGMAS)
        )
        return np.asarray(sure, dtype=np.uint8), np.asarray(faint, dtype=np.uint8)

    def _shade(
        self,
        seen_hwc: NDArray[np.uint8],
        box: tuple[slice, slice],
        somebody_hw: NDArray[np.uint8],
    ) -> NDArray[np.bool_]:
        lit_chw = _planes(seen_hwc)
        expected_chw = self._expected_chw[:, *box]
        expected_hw = self._expected_hw[box]
        light_hw = lit_chw.sum(axis=0)
        light_hw *= np.float32(1 / len(lit_chw))
        light_hw /= expected_hw
        dimmed_hw = (light_hw > _SHADE_DARKEST) & (light_hw < _SHADE_LIGHTEST)
        if len(lit_chw) > 1:
            lit_chw /= expected_chw
            lit_chw -= light_hw
            dimmed_hw &= np.abs(lit_chw, out=lit_chw).max(axis=0) < _SHADE_TINT
        logarithm_hw = cv2.log(light_hw)
        slope_hw = cv2.magnitude(
            cv2.Sobel(logarithm_hw, cv2.CV_32F, 1, 0, scale=1 / 8),
            cv2.Sobel(logarithm_hw, cv2.CV_32F, 0, 1, scale=1 / 8),
        )
        noise_hw = 0.5 * self._noise_hw[box] / (expected_hw * np.maximum(light_hw, 0.1))
        smooth_hw = dimmed_hw & (cv2.blur(slope_hw, (3, 3)) < _SHADE_SLOPE + noise_hw)
        deep_hw = smooth_hw & (light_hw < _DEEP)
        rim_hw = dimmed_hw & self._beside(deep_hw, somebody_hw)
        return np.asarray(smooth_hw | rim_hw, dtype=np.bool_)

    def _beside(
        self, shade_hw: NDArray[np.bool_], somebody_hw: NDArray[np.uint8]
    ) -> NDArray[np.bool_]:
        """Between deep shade and the lit ground."""
        core_hw = cv2.morphologyEx(
            shade_hw.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)
        )
        if not cv2.countNonZero(core_hw):
            return np.zeros(shade_hw.shape, dtype=np.bool_)
        _, labels_hw, stats_n5, _ = cv2.connectedComponentsWithStats(core_hw)
        lies_n = stats_n5[:, cv2.CC_STAT_WIDTH] > _LYING * stats_n5[:, cv2.CC_STAT_HEIGHT]
        lies_n[0] = False
        if not lies_n.any():
            return np.zeros(shade_hw.shape, dtype=np.bool_)
        core_hw = lies_n[labels_hw].astype(np.uint8)
        reach = np.ones((2 * self._rim + 1, 2 * self._rim + 1), np.uint8)
        near_both_hw = cv2.bitwise_and(
            cv2.dilate(core_hw, reach), cv2.dilate(1 - somebody_hw, reach)
        )
        return np.asarray(near_both_hw > 0, dtype=np.bool_)

    def _smooth(self, image_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
        side = 2 * ceil(2 * self._blur) + 1
        smoothed = cv2.GaussianBlur(image_hwc, (side, side), self._blur)
        return np.asarray(smoothed, dtype=np.uint8).reshape(image_hwc.shape)


def _above(strayed_hw: NDArray[np.uint8], limit_hw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(strayed_hw > limit_hw, dtype=np.bool_).view(np.uint8)


def _largest_channel(image_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image_hwc.shape[2] == 1:
        return image_hwc[..., 0]
    blue_hw, green_hw, red_hw = cv2.split(image_hwc)
    return np.asarray(cv2.max(cv2.max(blue_hw, green_hw), red_hw), dtype=np.uint8)


def _planes(image_hwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The channels apart, (C, H, W), and one more than they are: black has a ratio too."""
    planes_chw = np.array(cv2.split(image_hwc), dtype=np.float32)
    planes_chw += np.float32(1.0)
    return planes_chw


def _unrest(strayed_hw: NDArray[np.uint8], noise_hw: NDArray[np.float32]) -> float:
    """How much noisier than usual a whole frame is, at least 1: codecs take turns in quality."""
    some_n = (strayed_hw / noise_hw).ravel()
    quiet = int(_QUIET_SHARE * some_n.size)
    if np.count_nonzero(some_n <= _USUAL_STRAY) > quiet:
        return 1.0
    return max(1.0, float(np.partition(some_n, quiet)[quiet]) / _USUAL_STRAY)
