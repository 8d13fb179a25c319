"""The frames of a window as small as finding people needs them, scaled down when asked for.

To hold them all would take a quarter of the memory that the window takes; to scale one down takes
a tenth of a millisecond.

Shape letters: T frames, H rows, W columns, C colour channels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from model.capture.working_size import scale_down

_SHORT_SIDE = 180
"""Pixels of the frames in which people are looked for; outlines are cut at full size."""


class SmallFrames:
    """Reads like a list of uint8 (H, W, C) frames.

    Args:
        frames_thwc: uint8 (T, H, W, 1 or 3) of the window. What is changed in them shows here.

    Attributes:
        shape: (T, H, W, C) of the small frames.
        scale: of these frames to those of the window, at most 1.
    """

    def __init__(self, frames_thwc: NDArray[np.uint8]) -> None:
        self._frames_thwc = frames_thwc
        frames, height, width, channels = frames_thwc.shape
        shrink = min(1.0, _SHORT_SIDE / min(height, width))
        small_height, small_width = round(height * shrink), round(width * shrink)
        self.shape: tuple[int, int, int, int] = (frames, small_height, small_width, channels)
        self.scale: float = small_height / height

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, number: int) -> NDArray[np.uint8]:
        frame_hwc: NDArray[np.uint8] = self._frames_thwc[number]
        if self.scale == 1.0:
            return frame_hwc
        small_hwc = np.empty(self.shape[1:], np.uint8)
        scale_down(frame_hwc, small_hwc)
        return small_hwc

    def sparse(self, step: int) -> NDArray[np.uint8]:
        """Every so-many-th row and column of all frames, (T, H, W, C).

        Where frames are halved, only these rows are read: the window lies in no cache.
        """
        frames, height, width, channels = self.shape
        rows, columns = -(-height // step), -(-width // step)
        sparse_thwc = np.empty((frames, rows, columns, channels), np.uint8)
        is_half = self._frames_thwc.shape[1:3] == (2 * height, 2 * width)
        rows_hwc = np.empty((rows, width, channels), np.uint8)
        for number, sparse_hwc in enumerate(sparse_thwc):
            if is_half:
                pairs = self._frames_thwc[number].reshape(height, 2, 2 * width, channels)[::step]
                scale_down(pairs.reshape(2 * rows, 2 * width, channels), rows_hwc)
            else:
                rows_hwc[:] = self[number][::step]
            sparse_hwc[:] = rows_hwc[:, ::step]
        return sparse_thwc

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self[number] for number in range(len(self)))
