"""Light that changes on one side of the picture and not on the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.capture.background import estimate_background
from model.capture.background_segmenter import BackgroundSegmenter
from model.capture.light_field import even_out, uneven_light
from model.capture.small_frames import SmallFrames
from model.capture.windows import record
from tests.model.capture.scenes import (
    HEIGHT,
    RATE,
    WIDTH,
    Clothes,
    backdrop_hwc,
    film,
    film_people,
    only_walk,
    overlap,
    walk_thw,
)

_PALE = Clothes((150, 164, 158), (152, 166, 160))


def _lit_from_the_left(frames_thwc: NDArray[np.uint8], most: float) -> NDArray[np.uint8]:
    """The left side of the picture grows brighter and darker again, the right one does not."""
    swing_t = most * np.sin(np.arange(len(frames_thwc)) / 11.0)
    from_left_w = np.square(np.linspace(1.0, 0.0, WIDTH))
    factor_tw = 1.0 + swing_t[:, None] * from_left_w
    lit_thwc = frames_thwc * factor_tw[:, None, :, None]
    return np.asarray(np.clip(np.rint(lit_thwc), 0, 255), dtype=np.uint8)


def test_what_only_one_side_gains_in_light_is_taken_back() -> None:
    """A scene that brightens by a quarter at the left looks as it did, walker or not."""
    still_thwc = film(walk_thw())
    lit_thwc = _lit_from_the_left(still_thwc, 0.25)
    light_tk = uneven_light(SmallFrames(lit_thwc), estimate_background(lit_thwc))
    assert light_tk is not None
    before = np.abs(lit_thwc.astype(int) - still_thwc).mean()
    even_out(lit_thwc, light_tk)
    # The exposure of each frame stays as it was: that is another function's work.
    exposure_t = np.median(lit_thwc / np.maximum(still_thwc, 1.0), axis=(1, 2, 3))
    after = np.abs(lit_thwc / exposure_t[:, None, None, None] - still_thwc).mean()
    assert after < 0.25 * before


def test_light_that_changes_everywhere_alike_is_left_alone() -> None:
    """One factor per frame says enough."""
    frames_thwc = film(walk_thw())
    factor_t = 1.0 + 0.2 * np.sin(np.arange(len(frames_thwc)) / 11.0)
    lit_thwc = np.clip(frames_thwc * factor_t[:, None, None, None], 0, 255).astype(np.uint8)
    assert uneven_light(SmallFrames(lit_thwc), estimate_background(lit_thwc)) is None


def test_a_black_picture_has_no_light_to_measure() -> None:
    """Where no pixel of the scene shows light there is nothing to take back."""
    black_thwc = np.zeros((20, HEIGHT, WIDTH, 3), np.uint8)
    assert uneven_light(SmallFrames(black_thwc), estimate_background(black_thwc)) is None


def test_pale_clothes_are_seen_although_the_light_is_uneven() -> None:
    """Clothes 30 grey levels from the wall, light that changes by up to 60 on one side."""
    masks_thw = walk_thw()
    clip_thwc = film_people([(masks_thw, _PALE)], backdrop_hwc(contrast=2.0))
    lit_thwc = _lit_from_the_left(clip_thwc, 0.4)
    walk = only_walk(record(lit_thwc, RATE, BackgroundSegmenter(), 2**30))
    assert walk.frames > 45
    assert overlap(walk, masks_thw).mean() > 0.88
