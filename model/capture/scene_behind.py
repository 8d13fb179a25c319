"""The empty scene at full size, once it is known where everybody was.

Shape letters: T frames, N sampled frames, H rows, W columns, C colour channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background, estimate_background, levelled, sample_frames
from model.capture.paths import Path
from model.capture.view import around

_HIDDEN = 0.06
"""Around somebody's box, in heights: what lies within is not background."""
_BEYOND = 0.15
"""Above and below all boxes, in heights: more than is ever looked at around a walker."""


def background_beside(
    frames_thwc: NDArray[np.uint8],
    gains_tc: NDArray[np.float32],
    paths: Sequence[Path],
    scale: float,
) -> Background:
    """The scene as it is where nobody stands, in the rows in which somebody walks.

    Args:
        frames_thwc: uint8 (T, H, W, C), stabilised.
        gains_tc: (T, C) how much brighter than the scene each frame is.
        paths: of everybody, at least one; nobody is background.
        scale: of the paths' pixels to those of the frames.
    """
    _, height, width, channels = frames_thwc.shape
    numbers = sample_frames(len(frames_thwc))
    band = _rows_walked(paths, scale, height)
    levelled_nhwc = frames_thwc[numbers, band]
    hidden_nhw = np.zeros(levelled_nhwc.shape[:3], dtype=np.bool_)
    place = {int(number): index for index, number in enumerate(numbers)}
    for levelled_hwc, number in zip(levelled_nhwc, numbers, strict=True):
        if np.abs(gains_tc[number] - 1.0).max() > 0.01:
            levelled_hwc[:] = levelled(levelled_hwc, gains_tc[number])
    for path in paths:
        margin = _HIDDEN * path.height / scale
        for number, box_4 in zip(path.frames_n, path.boxes_n4 / scale, strict=True):
            if int(number) in place:
                rows, columns = around(box_4, margin, margin, frames_thwc.shape[1:])
                rows = slice(rows.start - band.start, rows.stop - band.start)
                hidden_nhw[place[int(number)], rows, columns] = True
    behind = estimate_background(levelled_nhwc, hidden_nhw)
    level_hwc = np.zeros((height, width, channels), np.float32)
    noise_hw = np.ones((height, width), np.float32)
    level_hwc[band], noise_hw[band] = behind.level_hwc, behind.noise_hw
    return Background(level_hwc, noise_hw)


def _rows_walked(paths: Sequence[Path], scale: float, height: int) -> slice:
    """The rows in which somebody is at some time, and a margin; nobody asks for the others."""
    margin = _BEYOND * max(path.height for path in paths)
    top = min(float(path.boxes_n4[:, 1].min()) for path in paths) - margin
    bottom = max(float(path.boxes_n4[:, 3].max()) for path in paths) + margin
    return slice(max(0, int(top / scale)), min(height, int(np.ceil(bottom / scale))))
