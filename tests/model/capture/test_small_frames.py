"""Small frames are made when they are asked for, and show what the window holds by then."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from model.capture.small_frames import SmallFrames


@pytest.mark.parametrize("channels", [1, 3])
def test_a_small_frame_is_the_window_s_frame_of_the_moment(channels: int) -> None:
    """A segmenter that takes uneven light back changes the window's frames, and sees it here."""
    frames_thwc = np.full((3, 360, 480, channels), 40, np.uint8)
    small = SmallFrames(frames_thwc)
    assert (small.shape, small.scale, len(small)) == ((3, 180, 240, channels), 0.5, 3)
    frames_thwc[1] = 90
    assert [int(frame_hwc.mean()) for frame_hwc in small] == [40, 90, 40]
    assert small[1].shape == (180, 240, channels)


def test_frames_that_are_small_are_not_copied() -> None:
    """A window of a tiny recording is looked at as it is."""
    frames_thwc = np.zeros((2, 120, 160, 3), np.uint8)
    small = SmallFrames(frames_thwc)
    assert np.shares_memory(small[1], frames_thwc)
    assert small.scale == 1.0


@pytest.mark.parametrize("size", [(360, 480, 3), (360, 480, 1), (272, 401, 3), (90, 121, 1)])
def test_some_rows_and_columns_are_those_of_the_whole_small_frames(
    size: tuple[int, int, int],
) -> None:
    """However they are come by: halved, resampled or as they are."""
    frames_thwc = np.random.default_rng(2).integers(0, 256, (3, *size), dtype=np.uint8)
    small = SmallFrames(frames_thwc)
    expected_thwc = np.stack([frame_hwc[::7, ::7] for frame_hwc in small])
    np.testing.assert_array_equal(small.sparse(7), expected_thwc)


def test_looking_at_all_small_frames_takes_the_memory_of_a_few() -> None:
    """That is what they are for: held at once they would add a quarter to the window."""
    frames_thwc = np.zeros((40, 360, 480, 3), np.uint8)
    tracemalloc.start()
    assert sum(int(frame_hwc[0, 0, 0]) for frame_hwc in SmallFrames(frames_thwc)) == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < frames_thwc.nbytes / 4 / 8
