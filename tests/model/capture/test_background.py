"""The empty scene and the light on it, told from frames in which somebody may stand."""

from __future__ import annotations

import numpy as np
import pytest

from model.capture.background import estimate_background
from model.capture.exposure import empty_scene
from model.capture.small_frames import SmallFrames


def _scene(frames: int, channels: int = 3) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A wall of many shades, (T, H, W, C)."""
    shades_hwc = np.random.default_rng(3).integers(60, 160, (41, 60, channels), dtype=np.uint8)
    return np.repeat(shades_hwc[None], frames, axis=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_who_is_hidden_from_the_background_does_not_colour_it(channels: int) -> None:
    """Somebody stands in one place for most of the clip; the wall behind is found all the same."""
    frames_nhwc = _scene(20, channels)
    wall_hwc = frames_nhwc[0].copy()
    frames_nhwc[4:, 10:31, 20:30] = 250
    walker_nhw = np.zeros(frames_nhwc.shape[:3], dtype=np.bool_)
    walker_nhw[4:, 10:31, 20:30] = True
    assert (estimate_background(frames_nhwc).level_hwc[10:31, 20:30] == 250).all()
    np.testing.assert_array_equal(estimate_background(frames_nhwc, walker_nhw).level_hwc, wall_hwc)


def test_who_never_leaves_a_place_is_what_is_seen_there() -> None:
    """Where nothing else was ever seen, the walker's colour is better than none."""
    frames_nhwc = _scene(12)
    frames_nhwc[:, 5:9, 5:9] = 240
    walker_nhw = np.zeros(frames_nhwc.shape[:3], dtype=np.bool_)
    walker_nhw[:, 5:9, 5:9] = True
    assert (estimate_background(frames_nhwc, walker_nhw).level_hwc[5:9, 5:9] == 240).all()


@pytest.mark.parametrize("frames", [7, 12, 300])
def test_what_a_pixel_shows_is_the_middle_of_the_frames_in_which_nobody_hides_it(
    frames: int,
) -> None:
    """As sorting finds it, with black, white and any number of frames."""
    chance = np.random.default_rng(frames)
    frames_nhwc = chance.choice(256, (frames, 5, 9, 3)).astype(np.uint8)
    frames_nhwc[:, 0] = chance.choice([0, 255], (frames, 9, 3))
    walker_nhw = chance.random((frames, 5, 9)) < 0.4
    walker_nhw[:, 2:] = False
    level_hwc = estimate_background(frames_nhwc, walker_nhw).level_hwc
    for row, column in np.ndindex(5, 9):
        hidden_n = walker_nhw[:, row, column]
        seen_nc = frames_nhwc[:, row, column][~hidden_n | hidden_n.all()]
        middle_c = np.sort(seen_nc, axis=0)[len(seen_nc) // 2]
        np.testing.assert_array_equal(level_hwc[row, column], middle_c)


def test_a_place_that_flickers_is_noisier_than_one_that_does_not() -> None:
    """Leaves in the wind must move further before they count as somebody."""
    frames_nhwc = _scene(30)
    frames_nhwc[::2, :, 40:] += 20
    noise_hw = estimate_background(frames_nhwc).noise_hw
    assert noise_hw[:, 50:].min() > 4 * noise_hw[:, :30].max()


def test_a_frame_that_is_brighter_than_the_others_says_by_how_much() -> None:
    """A cloud goes away in the last quarter; the scene is that of the other three."""
    frames_thwc = _scene(40)
    wall_hwc = frames_thwc[0].copy()
    frames_thwc[30:] = np.rint(frames_thwc[30:] * 1.2).astype(np.uint8)
    background, gains_tc = empty_scene(SmallFrames(frames_thwc))
    assert np.abs(background.level_hwc - wall_hwc).max() <= 1.0
    np.testing.assert_allclose(gains_tc[:30], 1.0, atol=0.005)
    np.testing.assert_allclose(gains_tc[30:], 1.2, atol=0.01)
