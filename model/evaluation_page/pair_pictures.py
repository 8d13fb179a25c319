"""Two GEIs side by side, and where they differ.

Shape letters: H rows, W columns, C colour channels (blue, green, red).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.worst_pairs import WalkPair

_SCALE = 3
_GAP = 4
# Blue-green-red, orange and sky blue: apart also for colour-blind people (Okabe and Ito 2008).
_FIRST_ONLY = np.array((0.0, 159.0, 230.0))
_SECOND_ONLY = np.array((233.0, 180.0, 86.0))


def difference(first_hw: NDArray[np.uint8], second_hw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, C) orange where only the first is bright, blue where only the second is."""
    more_hw = (first_hw.astype(np.float64) - second_hw) / 255.0
    shown_hwc = (
        np.maximum(more_hw, 0.0)[..., None] * _FIRST_ONLY
        + np.maximum(-more_hw, 0.0)[..., None] * _SECOND_ONLY
    )
    drawn_hwc: NDArray[np.uint8] = np.rint(shown_hwc).astype(np.uint8)
    return drawn_hwc


def side_by_side(pair: WalkPair) -> NDArray[np.uint8]:
    """(H, W, C) the first GEI, the second, and their difference, every pixel as a square."""
    first_hw, second_hw = pair.first.gei_hw, pair.second.gei_hw
    height, width = first_hw.shape
    tiles = [
        cv2.cvtColor(first_hw, cv2.COLOR_GRAY2BGR),
        cv2.cvtColor(second_hw, cv2.COLOR_GRAY2BGR),
        difference(first_hw, second_hw),
    ]
    size = width * _SCALE, height * _SCALE
    large = [cv2.resize(tile, size, interpolation=cv2.INTER_NEAREST) for tile in tiles]
    gap = np.full((height * _SCALE, _GAP, 3), 128, np.uint8)
    return np.concatenate((large[0], gap, large[1], gap, large[2]), axis=1).astype(np.uint8)
