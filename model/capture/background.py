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

_SAMPLED_FRAMES = 60
_ROWS_AT_ONCE = 2
"""Their samples fit into a core's cache while they are sorted."""
_NOISE_FLOOR = 1.5
"""Grey levels: no camera with compressed video is quieter."""
_MAD_TO_SIGMA = 1.4826
_GREY_LEVELS = np.arange(256, dtype=np.float32)[:, None]
_EXCLUDED = 256
"""Or-ed to a grey level it stands above all others: excluded samples sort to the end."""


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
        # OpenCV turns bytes ten times as quickly as NumPy.
        values_pn = cv2.transpose(seen_nhwc.reshape(frames, -1)).astype(np.int16)
        values_hwcn = values_pn.reshape(*seen_nhwc.shape[1:], frames)
        some_hwcn = values_hwcn[:1, ::2].copy()
        excluded_hwn, middle_hw = None, np.array(frames // 2)
        if walker_nhw is not None and walker_nhw[:, rows].any():
            excluded_hwn, middle_hw = _excluded(walker_nhw[:, rows])
            values_hwcn |= excluded_hwn[:, :, None]
        level_hwc[rows] = _median(values_hwcn, middle_hw[..., None])
        level_hwc1 = level_hwc[rows][:1, ::2, :, None].astype(np.int16)
        strayed_hwn = np.abs(some_hwcn - level_hwc1).max(axis=2)
        if excluded_hwn is not None:
            strayed_hwn |= excluded_hwn[:1, ::2]
            middle_hw = middle_hw[:1, ::2]
        deviation_hw[top // _ROWS_AT_ONCE] = _median(strayed_hwn, middle_hw)[0]
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
) -> tuple[NDArray[np.int16], NDArray[np.intp]]:
    """What sends the walker's samples to the end, and the place of the middle of the others.

    Where the walker stands all the time, nothing is excluded.
    """
    hidden_hwn = np.ascontiguousarray(np.moveaxis(walker_nhw, 0, -1))
    hidden_hwn[hidden_hwn.all(axis=-1)] = False
    middle_hw = (len(walker_nhw) - hidden_hwn.sum(axis=-1)) // 2
    return hidden_hwn * np.int16(_EXCLUDED), middle_hw


def _median(values_pn: NDArray[np.int16], middle_p: NDArray[np.intp]) -> NDArray[np.int16]:
    """Sorts in place along the last axis and takes the value in the middle of those that count."""
    values_pn.sort(axis=-1)
    if middle_p.size == 1:
        return np.asarray(values_pn[..., int(middle_p.item())], dtype=np.int16)
    place_p1 = np.broadcast_to(middle_p[..., None], (*values_pn.shape[:-1], 1))
    return np.take_along_axis(values_pn, place_p1, axis=-1)[..., 0]
