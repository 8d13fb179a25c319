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
_COLUMNS_AT_ONCE = 4000
"""Values of a frame, of which all samples fit into a core's cache while they are compared."""
_NOISE_FLOOR = 1.5
"""Grey levels: no camera with compressed video is quieter."""
_MAD_TO_SIGMA = 1.4826
_LEVELS = 256
_GREY_LEVELS = np.arange(_LEVELS, dtype=np.float32)[:, None]
_FIRST_SAMPLES, _NEAR = 5, 16
"""A median is looked for among so many grey levels about that of so many samples first."""
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
    middle_hw = np.full((height, width), frames // 2)
    # Noise changes slowly over the picture: every second row and column tell enough of it.
    strayed_nhw = np.empty((frames, -(-height // 2), -(-width // 2)), np.uint8)
    step = 2 * max(1, _COLUMNS_AT_ONCE // (2 * width * channels))
    for top in range(0, height, step):
        rows = slice(top, min(top + step, height))
        seen_nhwc, hidden_nhw = frames_nhwc[:, rows], None
        some_nhwc = seen_nhwc[:, ::2]
        if walker_nhw is not None and walker_nhw[:, rows].any():
            hidden_nhw, middle_hw[rows] = _excluded(walker_nhw[:, rows])
            seen_nhwc = np.maximum(seen_nhwc, _in_channels(hidden_nhw, channels))
        middle_p = np.repeat(middle_hw[rows], channels)
        seen_hwc = _median(seen_nhwc.reshape(frames, -1), middle_p).reshape(-1, width, channels)
        level_hwc[rows] = seen_hwc
        expected_hwc = seen_hwc[::2]
        some_nhwc = np.maximum(some_nhwc, expected_hwc) - np.minimum(some_nhwc, expected_hwc)
        some_nhw = largest(some_nhwc[:, :, ::2])
        if hidden_nhw is not None:
            some_nhw = np.maximum(some_nhw, hidden_nhw[:, ::2, ::2])
        strayed_nhw[:, top // 2 : top // 2 + some_nhw.shape[1]] = some_nhw
    deviation_p = _median(strayed_nhw.reshape(frames, -1), middle_hw[::2, ::2].ravel())
    deviation_hw = deviation_p.reshape(strayed_nhw.shape[1:])
    smooth_hw = cv2.blur(np.float32(_MAD_TO_SIGMA) * deviation_hw, (3, 3))
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
    hidden_nhw = (walker_nhw & ~walker_nhw.all(axis=0)).view(np.uint8)
    middle_hw = (len(walker_nhw) - np.add.reduce(hidden_nhw, axis=0, dtype=np.intp)) // 2
    return hidden_nhw * np.uint8(_BRIGHTEST), middle_hw


def _in_channels(image_nhw: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """The same in each channel, (N, H, W, C)."""
    flat = image_nhw.reshape(-1, image_nhw.shape[2])
    merged = np.asarray(cv2.merge([flat] * channels), dtype=np.uint8)
    return merged.reshape(*image_nhw.shape, channels)


def _median(values_np: NDArray[np.uint8], middle_p: NDArray[np.intp]) -> NDArray[np.uint8]:
    """The value of that place in the order of each column, for as many columns as there are."""
    found_p = np.empty(middle_p.size, np.uint8)
    for start in range(0, middle_p.size, _COLUMNS_AT_ONCE):
        some = slice(start, start + _COLUMNS_AT_ONCE)
        found_p[some] = _median_at_once(values_np[:, some], middle_p[some])
    return found_p


def _median_at_once(values_np: NDArray[np.uint8], middle_p: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Looked for near the median of five, and among all values where it is not found there."""
    lowest_p = np.zeros(middle_p.size, np.uint8)
    if len(values_np) < _FIRST_SAMPLES:
        return _searched(values_np, middle_p, lowest_p, _LEVELS)
    near_p = np.maximum(_median_of_five(values_np), np.uint8(_NEAR // 2)) - np.uint8(_NEAR // 2)
    near_p = np.minimum(near_p, np.uint8(_LEVELS - _NEAR))
    found_p = _searched(values_np, middle_p, near_p, _NEAR)
    # What is found at the end of a range may lie beyond it.
    below_p = (found_p == near_p) & (near_p > 0)
    above_p = (found_p - near_p == _NEAR - 1) & (near_p < _LEVELS - _NEAR)
    if (beyond := np.flatnonzero(below_p | above_p)).size:
        found_p[beyond] = _searched(
            values_np.take(beyond, axis=1), middle_p[beyond], lowest_p[beyond], _LEVELS
        )
    return found_p


def _searched(
    values_np: NDArray[np.uint8],
    middle_p: NDArray[np.intp],
    lowest_p: NDArray[np.uint8],
    levels: int,
) -> NDArray[np.uint8]:
    """The value of that place in the order of each column, if it is one of some levels, a power of
    two, from a lowest one; otherwise the nearest of them.

    Counting what lies below a bound is one pass without branches over all columns at once: an
    eighth of the time that sorting them takes.
    """
    counted = np.uint8 if len(values_np) <= _BRIGHTEST else np.intp
    found_p = lowest_p.copy()
    below_np = np.empty(values_np.shape, np.bool_)
    wanted_p = middle_p.astype(counted)
    while levels := levels // 2:
        step = np.uint8(levels)
        np.less(values_np, found_p + step, out=below_np)
        count_p = np.add.reduce(below_np.view(np.uint8), axis=0, dtype=counted)
        found_p += (count_p <= wanted_p).view(np.uint8) * step
    return found_p


def _median_of_five(values_np: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of five samples, evenly over time: in most columns near the median of all."""
    one_p, two_p, three_p, four_p, five_p = values_np[:: len(values_np) // 5][:5]
    # The lowest and the highest of four have as many samples on either side: they drop out.
    low_p = np.maximum(np.minimum(one_p, two_p), np.minimum(three_p, four_p))
    high_p = np.minimum(np.maximum(one_p, two_p), np.maximum(three_p, four_p))
    lower_p, upper_p = np.minimum(low_p, high_p), np.maximum(low_p, high_p)
    return np.asarray(np.maximum(lower_p, np.minimum(upper_p, five_p)), dtype=np.uint8)
