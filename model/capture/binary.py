"""Small repairs of 0/1 masks.

Shape letters: H rows, W columns.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def majority(mask_hw: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """What most pixels of the square around each pixel are: takes away specks.

    Args:
        mask_hw: 0/1 (H, W).
        side: of the square, odd. The border's pixels are repeated beyond it.
    """
    # The same as a median, which OpenCV computes slowly of narrow images and of larger squares.
    count_hw = cv2.boxFilter(
        mask_hw, -1, (side, side), normalize=False, borderType=cv2.BORDER_REPLICATE
    )
    return np.asarray(count_hw > side * side // 2, dtype=np.bool_).view(np.uint8)


def close_gaps(mask_hw: NDArray[np.uint8], down: int, across: int) -> NDArray[np.uint8]:
    """Fills what lies between pixels of the mask, or beside them.

    Args:
        mask_hw: 0/1 (H, W).
        down: height of the largest gap that is filled, odd.
        across: width of it, odd.
    """
    # Without a rim, what lies near the border would be joined to it. The rim also lets rows be
    # laid end to end, where a step of any length is one operation on all pixels at once.
    rimmed_hw = cv2.copyMakeBorder(mask_hw, down, down, across, across, cv2.BORDER_CONSTANT)
    stride, (height, width) = rimmed_hw.shape[1], mask_hw.shape
    pixels_p = np.asarray(rimmed_hw, dtype=np.uint8).ravel()
    for combined in (np.bitwise_or, np.bitwise_and):
        pixels_p = _over(combined, _over(combined, pixels_p, down, stride), across, 1)
    first = stride + 1
    closed_hw = pixels_p[first : first + height * stride].reshape(height, stride)
    return np.ascontiguousarray(closed_hw[:, :width])


def _over(
    combined: np.ufunc, pixels_p: NDArray[np.uint8], count: int, apart: int
) -> NDArray[np.uint8]:
    """Each pixel combined with those after it: so many in all, and so far apart; one shorter."""
    done = 1
    while done < count:
        more = min(done, count - done)
        pixels_p = combined(pixels_p[: -more * apart], pixels_p[more * apart :])
        done += more
    return pixels_p
