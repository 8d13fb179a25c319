"""The mean shape of one walker over a walk, as a prior for the outline in each single frame.

Shape letters: N frames of the walk, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

SHAPE_MOST = 1.5
"""Logarithm of the odds that the mean shape of the walk may add or take."""
_GRID = 48
_TORSO_TOP, _TORSO_BOTTOM, _TORSO_HALF_WIDTH = 0.14, 0.52, 0.045
"""In heights: the core of an upright body, which no posture of walking empties. It lies between
chin and crotch (Winter 2009, figure 4.1) and is half as deep as a slim torso seen from the side."""
_TORSO_CERTAINTY = 4.0
"""Logarithm of the odds for that core: a shirt of the colour of the grass is still a shirt."""
_RARE = 0.02
"""Share of frames below which a place counts as never, above one minus it as always, taken."""


@dataclass(frozen=True, slots=True)
class PlacedMask:
    """A first guess at the walker in a part of one frame.

    Attributes:
        mask_hw: bool (H, W).
        top: first row of the part in the frame; where frames were scaled down, in those pixels.
        left: first column of the part, likewise.
        box_4: left, top, right, bottom of the walker's box in the frame.
    """

    mask_hw: NDArray[np.bool_]
    top: float
    left: float
    box_4: NDArray[np.float64]


class BodyShape:
    """How often each place of the body's frame is taken by the walker."""

    def __init__(self, guesses: Sequence[PlacedMask]) -> None:
        self._guesses = guesses
        self._axes_n = _axes(guesses)
        self._odds_hw = self._mean_odds()

    def prior(self, number: int) -> NDArray[np.float32]:
        """Log odds for each pixel of the part of guess `number`, (H, W)."""
        height, width = self._guesses[number].mask_hw.shape
        prior_hw = cv2.warpAffine(
            self._odds_hw,
            self._to_grid(number),
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=-SHAPE_MOST,
        )
        return np.asarray(prior_hw, dtype=np.float32)

    def _mean_odds(self) -> NDArray[np.float32]:
        sum_hw = np.zeros((_GRID, _GRID), np.float32)
        for number, guess in enumerate(self._guesses):
            sum_hw += cv2.warpAffine(
                guess.mask_hw.astype(np.float32),
                self._to_grid(number),
                (_GRID, _GRID),
                flags=cv2.INTER_LINEAR,
            )
        share_hw = cv2.GaussianBlur(sum_hw / len(self._guesses), (0, 0), 1.0)
        share_hw = np.clip(share_hw, _RARE, 1 - _RARE)
        odds_hw = np.clip(np.log(share_hw / (1 - share_hw)), -SHAPE_MOST, SHAPE_MOST)
        rows = slice(int(_TORSO_TOP * _GRID), int(_TORSO_BOTTOM * _GRID))
        half = int(_TORSO_HALF_WIDTH * _GRID)
        odds_hw[rows, _GRID // 2 - half : _GRID // 2 + half + 1] = _TORSO_CERTAINTY
        return np.asarray(cv2.GaussianBlur(odds_hw, (0, 0), 0.7), dtype=np.float32)

    def _to_grid(self, number: int) -> NDArray[np.float64]:
        """From pixels of the part to a grid that spans the walker's height, and as much across."""
        guess = self._guesses[number]
        scale = _GRID / (guess.box_4[3] - guess.box_4[1])
        return np.array(
            [
                [scale, 0.0, (guess.left - self._axes_n[number]) * scale + _GRID / 2],
                [0.0, scale, (guess.top - guess.box_4[1]) * scale],
            ]
        )


def _axes(guesses: Sequence[PlacedMask]) -> NDArray[np.float64]:
    """The column of the walker's middle in each frame, smoothed over time, (N,)."""
    found_n = np.array(
        [
            guess.left + _middle_column(guess.mask_hw) if guess.mask_hw.any() else np.nan
            for guess in guesses
        ]
    )
    known = np.flatnonzero(np.isfinite(found_n))
    if known.size == 0:
        return np.array([(guess.box_4[0] + guess.box_4[2]) / 2 for guess in guesses])
    filled_n = np.interp(np.arange(found_n.size), known, found_n[known])
    smooth_n = uniform_filter1d(median_filter(filled_n, 7, mode="nearest"), 5, mode="nearest")
    return np.asarray(smooth_n, dtype=np.float64)


def _middle_column(mask_hw: NDArray[np.bool_]) -> float:
    """Median of the columns of the pixels in a mask that is not empty."""
    up_to_w = np.cumsum(np.count_nonzero(mask_hw, axis=0))
    middle_two = (int(up_to_w[-1]) - 1) // 2, int(up_to_w[-1]) // 2
    return float(np.searchsorted(up_to_w, middle_two, side="right").mean())
