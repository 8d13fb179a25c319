"""The scene without the walker: what each pixel shows, and how much it varies by itself.

The whole clip is at hand, so the background is an order statistic over time rather than a
running average: it does not lag, and it does not absorb a slow walker.

Shape letters: T frames, N sampled frames, H rows, W columns, C colour channels, P places.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.channels import largest

_SAMPLED_FRAMES = 60
_ROWS_AT_ONCE = 2
"""Their samples fit into a core's cache while they are compared."""
_NOISE_FLOOR = 1.5
"""Grey levels: no camera with compressed video is quieter."""
_MAD_TO_SIGMA = 1.4826
_GREY_LEVELS = np.arange(256, dtype=np.float32)[:, None]
_BRIGHTEST = 255
"""No sample lies above it, so samples that are lifted to it lie below no bound."""


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
        seen_nhwc = frames_nhwc[:, rows]
        shape, first_nwc = seen_nhwc.shape[1:], seen_nhwc[:, 0]
        middle_hw, hidden_nhw = np.full(shape[:2], frames // 2), None
        if walker_nhw is not None and walker_nhw[:, rows].any():
            hidden_nhw, middle_hw = _excluded(walker_nhw[:, rows])
            seen_nhwc = np.maximum(seen_nhwc, _in_channels(hidden_nhw, channels))
        middle_p = np.repeat(middle_hw, channels)
        seen_hwc = _median(seen_nhwc.reshape(frames, -1), middle_p).reshape(shape)
        level_hwc[rows] = seen_hwc
        strayed_nwc = np.maximum(first_nwc, seen_hwc[0]) - np.minimum(first_nwc, seen_hwc[0])
        strayed_nw = largest(strayed_nwc[:, ::2])
        if hidden_nhw is not None:
            strayed_nw = np.maximum(strayed_nw, hidden_nhw[:, 0, ::2])
        deviation_hw[top // _ROWS_AT_ONCE] = _median(strayed_nw, middle_hw[0, ::2])
    smooth_hw = cv2.blur(_MAD_TO_SIGMA * deviation_hw, (3, 3))
    noise_hw = cv2.resize(smooth_hw, (width, height), interpolation=cv2.INTER_LINEAR)
    return Background(level_hwc, np.maximum(noise_hw, np.float32(_NOISE_FLOOR)))


def levelled(frame_hwc: NDArray[np.uint8], gain_c: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The frame as it would be at the background's exposure; the frame itself if it is."""
    if np.abs(gain_c - 1.0).max() < 1 / 256:
        return frame_hwc
    table_kc = np.clip(np.rint(_GREY_LEVELS / gain_c), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(frame_hwc, table_kc[None]), dtype=np.uint8).reshape(frame_hwc.shape)


def _excluded(
    walker_nhw: NDArray[np.bool_],
) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """What lifts the walker's samples above all others, and the place of the middle of the others.

    Where the walker stands all the time, nothing is excluded.
    """
    hidden_nhw = walker_nhw & ~walker_nhw.all(axis=0)
    middle_hw = (len(walker_nhw) - np.count_nonzero(hidden_nhw, axis=0)) // 2
    return hidden_nhw * np.uint8(_BRIGHTEST), middle_hw


def _in_channels(image_nhw: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """The same in each channel, (N, H, W, C)."""
    flat = image_nhw.reshape(-1, image_nhw.shape[2])
    merged = np.asarray(cv2.merge([flat] * channels), dtype=np.uint8)
    return merged.reshape(*image_nhw.shape, channels)


def _median(values_np: NDArray[np.uint8], middle_p: NDArray[np.intp]) -> NDArray[np.uint8]:
    """The value of that place in the order of each column, found bit by bit.

    Counting what lies below a bound is one pass without branches over all columns at once: an
    eighth of the time that sorting them takes.
    """
    counted = np.uint8 if len(values_np) <= _BRIGHTEST else np.intp
    found_p = np.zeros(values_np.shape[1], np.uint8)
    below_np = np.empty(values_np.shape, np.bool_)
    wanted_p = middle_p.astype(counted)
    for bit in (128, 64, 32, 16, 8, 4, 2, 1):
        tried_p = found_p | np.uint8(bit)
        np.less(values_np, tried_p, out=below_np)
        count_p = np.add.reduce(below_np.view(np.uint8), axis=0, dtype=counted)
        found_p |= (count_p <= wanted_p) * np.uint8(bit)
    return found_p
