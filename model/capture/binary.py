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
    # The same as a median, which OpenCV computes far more slowly.
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
    # Without a rim, what lies near the border would be joined to it.
    rimmed_hw = cv2.copyMakeBorder(mask_hw, down, down, across, across, cv2.BORDER_CONSTANT)
    closed_hw = cv2.morphologyEx(rimmed_hw, cv2.MORPH_CLOSE, np.ones((down, across), np.uint8))
    return np.ascontiguousarray(closed_hw[down:-down, across:-across])
