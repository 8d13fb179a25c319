"""Frames are scaled down to the size at which they are looked at."""

from __future__ import annotations

import numpy as np
import pytest

from model.capture.limits import CaptureLimits
from model.capture.working_size import scale_down, working_size


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(640, 480, (480, 360)), (1080, 1920, (360, 640)), (160, 120, (160, 120))],
)
def test_large_recordings_are_scaled_down_and_small_ones_stay(
    width: int, height: int, expected: tuple[int, int]
) -> None:
    """Shape is kept, whichever way the camera was held."""
    assert working_size(width, height, CaptureLimits()) == expected


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("from_size", "to_size"),
    [((480, 640), (360, 480)), ((1080, 1920), (360, 640)), ((400, 600), (100, 150))],
)
def test_a_frame_that_is_scaled_down_shows_the_same_scene(
    from_size: tuple[int, int], to_size: tuple[int, int], channels: int
) -> None:
    """A slope of light comes out as the same slope, neither shifted nor stretched."""
    y_h1, x_1w = np.ogrid[: from_size[0], : from_size[1]]
    slope_hw = 100 * (y_h1 + 0.5) / from_size[0] + 100 * (x_1w + 0.5) / from_size[1]
    frame_hwc = np.repeat(np.rint(slope_hw)[..., None], channels, axis=2).astype(np.uint8)
    small_hwc = np.zeros((*to_size, channels), np.uint8)
    scale_down(frame_hwc, small_hwc)
    y_h1, x_1w = np.ogrid[: to_size[0], : to_size[1]]
    expected_hw = 100 * (y_h1 + 0.5) / to_size[0] + 100 * (x_1w + 0.5) / to_size[1]
    assert np.abs(small_hwc - expected_hw[..., None]).max() <= 2.0


def test_a_frame_of_the_right_size_is_copied() -> None:
    """Nothing is lost on a frame that needs no scaling."""
    frame_hwc = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    target_hwc = np.zeros_like(frame_hwc)
    scale_down(frame_hwc, target_hwc)
    np.testing.assert_array_equal(target_hwc, frame_hwc)
