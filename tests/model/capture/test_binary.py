"""Specks go, gaps close, and nothing grows towards the picture's border."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from model.capture.binary import close_gaps, majority


@pytest.mark.parametrize("side", [3, 5])
def test_the_majority_of_a_mask_is_its_median(side: int) -> None:
    """Up to the border, whose pixels count again beyond it."""
    mask_hw = np.random.default_rng(side).integers(0, 2, (37, 53), dtype=np.uint8)
    np.testing.assert_array_equal(majority(mask_hw, side), cv2.medianBlur(mask_hw, side))


def test_head_and_legs_are_joined_but_not_to_the_border() -> None:
    """Whoever stands near the picture's border would otherwise count as cut off."""
    mask_hw = np.zeros((60, 40), np.uint8)
    mask_hw[4:20, 15:25] = 1
    mask_hw[26:50, 15:25] = 1
    closed_hw = close_gaps(mask_hw, 9, 3)
    assert closed_hw[20:26, 15:25].all()
    assert not closed_hw[:4].any()
    assert closed_hw.sum() == 46 * 10


@pytest.mark.parametrize(("down", "across"), [(41, 13), (11, 3), (9, 1)])
def test_gaps_are_closed_as_by_growing_and_wearing_away(down: int, across: int) -> None:
    """Wider than the mask too, and wherever in it the pixels lie."""
    mask_hw = (np.random.default_rng(down).random((37, 23)) < 0.03).astype(np.uint8)
    rimmed_hw = np.pad(mask_hw, 50)
    square = np.ones((down, across), np.uint8)
    grown_hw = cv2.erode(cv2.dilate(rimmed_hw, square), square)
    np.testing.assert_array_equal(close_gaps(mask_hw, down, across), grown_hw[50:-50, 50:-50])
