"""The scene without the walker: what each pixel shows, and how much it varies by itself.

The whole clip is at hand, so the background is an order statistic over time rather than a
running average: it does not lag, and it does not absorb a slow walker.

Shape letters: T frames, N sampled frames, H rows, W columns, C colour channels, P pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_SAMPLED_FRAMES = 60
_ROWS_AT_ONCE = 2
"""Their samples fit into a core's cache while they are sorted."""
_COMPARED_PIXELS = 1500
"""Of a frame, by which its exposure is told. With 600, one real walk in seven was lost to noise."""
_NOISE_FLOOR = 1.5
"""Grey levels: no camera with compressed video is quieter."""
_MAD_TO_SIGMA = 1.4826
_GREY_LEVELS = np.arange(256, dtype=np.float32)[:, None]
_EXCLUDED = 256
"""Stands above every grey level, so that excluded samples sort to the end."""


@dataclass(frozen=True, slots=True)
class Background:
    """The empty scene.

    Attributes:
        level_hwc: float32 (H, W, C), grey levels.
        noise_hw: float32 (H, W), standard deviation of a quiet pixel in grey levels.
    """

    level_hwc: NDArray[np.float32]
    noise_hw: NDArray[np.float32]


def sample_frames(frames: int) -> NDArray[np.intp]:
    """Numbers of the frames from which the background is estimated, evenly over the clip."""
    return np.unique(np.linspace(0, frames - 1, min(frames, _SAMPLED_FRAMES)).astype(np.intp))


def estimate_background(
    frames_nhwc: NDArray[np.uint8], walker_nhw: NDArray[np.bool_] | None = None
) -> Background:
    """The median over time of each pixel, and the median deviation from it.

    Args:
        frames_nhwc: uint8 (N, H, W, C), sampled over the whole clip.
        walker_nhw: bool (N, H, W), pixels to leave out because the walker covers them.
    """
    frames, height, width, channels = frames_nhwc.shape
    level_hwc = np.empty((height, width, channels), np.float32)
    # Noise changes slowly over the picture: every second row and column tell enough of it.
    deviation_hw = np.empty((-(-height // _ROWS_AT_ONCE), -(-width // 2)), np.float32)
    for top in range(0, height, _ROWS_AT_ONCE):
        rows = slice(top, min(top + _ROWS_AT_ONCE, height))
        values_nhwc = frames_nhwc[:, rows].astype(np.int16)
        if walker_nhw is None:
            hidden_nhw = np.zeros(values_nhwc.shape[:3], dtype=np.bool_)
        else:
            hidden_nhw = walker_nhw[:, rows].copy()
            hidden_nhw[:, hidden_nhw.all(axis=0)] = False
        seen_hw = frames - hidden_nhw.sum(axis=0)
        level_hwc[rows] = _median(np.where(hidden_nhw[..., None], _EXCLUDED, values_nhwc), seen_hw)
        some_hwc = level_hwc[top : top + 1, ::2].astype(np.int16)
        strayed_nhw = _largest(np.abs(values_nhwc[:, :1, ::2] - some_hwc))
        strayed_nhw = np.where(hidden_nhw[:, :1, ::2], _EXCLUDED, strayed_nhw)
        deviation = _median(strayed_nhw[..., None], seen_hw[:1, ::2])
        deviation_hw[top // _ROWS_AT_ONCE] = deviation[0, :, 0]
    smooth_hw = cv2.blur(_MAD_TO_SIGMA * deviation_hw, (3, 3))
    noise_hw = cv2.resize(smooth_hw, (width, height), interpolation=cv2.INTER_LINEAR)
    return Background(level_hwc, np.maximum(noise_hw, np.float32(_NOISE_FLOOR)))


def exposure_gain(frame_hwc: NDArray[np.uint8], background: Background) -> NDArray[np.float32]:
    """By what factor per channel this frame is brighter than the background, shape (C,).

    The median over the frame: the walker covers less than half of it.
    """
    height, width, channels = frame_hwc.shape
    step = max(1, int(np.sqrt(height * width / _COMPARED_PIXELS)))
    frame_pc = frame_hwc[::step, ::step].reshape(-1, channels).astype(np.float32)
    level_pc = background.level_hwc[::step, ::step].reshape(frame_pc.shape)
    usable_p = ((level_pc > 16) & (level_pc < 245)).all(axis=1)
    if usable_p.sum() < 50:
        return np.ones(channels, np.float32)
    gain_c = np.median(frame_pc[usable_p] / level_pc[usable_p], axis=0)
    return np.asarray(np.clip(gain_c, 0.5, 2.0), dtype=np.float32)


def levelled(frame_hwc: NDArray[np.uint8], gain_c: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The frame as it would be at the background's exposure; the frame itself if it is."""
    if np.abs(gain_c - 1.0).max() < 1 / 256:
        return frame_hwc
    table_kc = np.clip(np.rint(_GREY_LEVELS / gain_c), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(frame_hwc, table_kc[None]), dtype=np.uint8).reshape(frame_hwc.shape)


def _largest(values_nhwc: NDArray[np.int16]) -> NDArray[np.int16]:
    result_nhw = values_nhwc[..., 0]
    for channel in range(1, values_nhwc.shape[3]):
        result_nhw = np.maximum(result_nhw, values_nhwc[..., channel])
    return result_nhw


def _median(values_nhwc: NDArray[np.int16], seen_hw: NDArray[np.intp]) -> NDArray[np.int16]:
    ordered_hwcn = np.sort(np.ascontiguousarray(np.moveaxis(values_nhwc, 0, -1)), axis=-1)
    middle_hwc = np.broadcast_to((seen_hw // 2)[..., None], ordered_hwcn.shape[:3])
    return np.take_along_axis(ordered_hwcn, middle_hwc[..., None], axis=-1)[..., 0]
