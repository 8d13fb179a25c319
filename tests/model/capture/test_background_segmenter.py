"""Who walks through a scene, and why a scene cannot be used."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture import CapturedWalk
from model.capture.background_segmenter import BackgroundSegmenter
from model.capture.windows import record
from model.refusals import (
    CameraMoves,
    NoWalkerFound,
    TooFewFrames,
    WalkerCutOff,
    WalkerStandsStill,
)
from tests.model.capture.scenes import (
    RATE,
    WIDTH,
    backdrop_hwc,
    figure_hw,
    film,
    only_walk,
    overlap,
    walk_thw,
)


def _capture(frames_thwc: NDArray[np.uint8]) -> CapturedWalk:
    return only_walk(record(frames_thwc, RATE, BackgroundSegmenter(), 2**30))


def _with_camera(masks_thw: NDArray[np.uint8], offsets: list[int]) -> NDArray[np.uint8]:
    wide_hwc = backdrop_hwc(width=WIDTH + max(offsets))
    return np.stack(
        [
            film(mask_hw[None], wide_hwc[:, offset : offset + WIDTH], seed=t)[0]
            for t, (mask_hw, offset) in enumerate(zip(masks_thw, offsets, strict=True))
        ]
    )


def test_the_walker_is_found_while_wholly_in_the_picture(
    walk_film_thwc: NDArray[np.uint8], walk_masks_thw: NDArray[np.uint8]
) -> None:
    """Frames in which the walker enters or leaves are None; the others agree with the truth."""
    walk = _capture(walk_film_thwc)
    assert all(walk.sequence.silhouettes)
    frames = slice(walk.first_frame, walk.first_frame + walk.frames)
    assert not walk_masks_thw[frames, :, 0].any()
    assert overlap(walk, walk_masks_thw).min() > 0.93


def test_a_shadow_on_the_ground_is_not_the_walker(walk_masks_thw: NDArray[np.uint8]) -> None:
    """A soft shadow that moves along is left out."""
    walk = _capture(film(walk_masks_thw, shadow=True))
    assert overlap(walk, walk_masks_thw).mean() > 0.93


def test_exposure_may_change(
    walk_film_thwc: NDArray[np.uint8], walk_masks_thw: NDArray[np.uint8]
) -> None:
    """A camera that brightens by a fifth while the walker passes sees the same walker."""
    gain_t = np.linspace(1.0, 1.2, len(walk_film_thwc), dtype=np.float32)
    brighter = np.clip(walk_film_thwc * gain_t[:, None, None, None], 0, 255).astype(np.uint8)
    assert overlap(_capture(brighter), walk_masks_thw).mean() > 0.93


def test_a_grey_film_will_do(
    walk_film_thwc: NDArray[np.uint8], walk_masks_thw: NDArray[np.uint8]
) -> None:
    """Colour helps but is not needed."""
    grey = np.repeat(walk_film_thwc[..., 1:2], 3, axis=3)
    assert overlap(_capture(grey), walk_masks_thw).mean() > 0.85


def test_a_slight_drift_of_the_camera_is_taken_back(walk_masks_thw: NDArray[np.uint8]) -> None:
    """Nine pixels in three seconds are a camera on a soft tripod."""
    drifting = _with_camera(walk_masks_thw, [t // 8 for t in range(len(walk_masks_thw))])
    assert overlap(_capture(drifting), walk_masks_thw).mean() > 0.9


def test_leaves_in_the_wind_are_not_the_walker(
    walk_film_thwc: NDArray[np.uint8], walk_masks_thw: NDArray[np.uint8]
) -> None:
    """A bush that moves all the time, taller than the walker, does not win."""
    rng = np.random.default_rng(5)
    windy = walk_film_thwc.copy()
    for frame_hwc, mask_hw in zip(windy, walk_masks_thw, strict=True):
        sway = int(rng.integers(-4, 5))
        bush_hwc = np.roll(frame_hwc[0:60, 10:300], sway, axis=1)
        frame_hwc[0:45, 10:300] = np.where(
            mask_hw[0:45, 10:300, None] > 0, frame_hwc[0:45, 10:300], bush_hwc[0:45]
        )
    assert overlap(_capture(windy), walk_masks_thw).mean() > 0.85


def test_an_empty_scene_has_no_walker() -> None:
    """Noise is nobody."""
    with pytest.raises(NoWalkerFound):
        _capture(film(np.zeros((60, 180, 320), np.uint8)))


def test_a_standing_person_is_refused() -> None:
    """Someone who never moves cannot be told from the scene; the refusal says so."""
    with pytest.raises(NoWalkerFound, match="stands still"):
        _capture(film(np.stack([figure_hw(160, seconds=0.0)] * 60)))


def test_somebody_who_walks_in_and_stops_short_does_not_walk() -> None:
    """A person who shifts about on one spot stands still."""
    masks = np.zeros((90, 180, 320), np.uint8)
    for t in range(25, 70):
        masks[t] = figure_hw(160 + 12 * np.sin(t / 4), seconds=t / RATE)
    with pytest.raises(WalkerStandsStill):
        _capture(film(masks))


@pytest.mark.parametrize("ground", [90.0, 235.0])
def test_half_a_walker_is_refused(ground: float) -> None:
    """Without a head, or without legs."""
    with pytest.raises(WalkerCutOff):
        _capture(film(walk_thw(ground=ground)))


def test_a_camera_that_pans_is_refused(walk_masks_thw: NDArray[np.uint8]) -> None:
    """It follows the walker."""
    with pytest.raises(CameraMoves):
        _capture(_with_camera(walk_masks_thw, [3 * t for t in range(len(walk_masks_thw))]))


def test_a_camera_that_shakes_is_refused(walk_masks_thw: NDArray[np.uint8]) -> None:
    """It is held in a running hand."""
    offsets = np.random.default_rng(1).integers(0, 30, len(walk_masks_thw)).tolist()
    with pytest.raises(CameraMoves):
        _capture(_with_camera(walk_masks_thw, offsets))


def test_three_frames_are_too_few(walk_film_thwc: NDArray[np.uint8]) -> None:
    """Less than half a step."""
    with pytest.raises(TooFewFrames):
        _capture(walk_film_thwc[30:33])
