"""A walk becomes a GEI over whole gait cycles, wherever the walker is and whatever is missing.

The walker of these tests is drawn here: a torso, a head and two legs that swing with a known
period.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from model.gei import EnergyImage, GeiConfig, align, energy_image, mean_image
from model.refusals import NoWalkerFound, TooFewCycles, TooFewFrames, WalkerStandsStill
from model.silhouettes import Silhouette, SilhouetteSequence, cut_to_box
from model.walkers import Identity, Shot, walk_silhouettes

CONFIG = GeiConfig()
PERIOD_FRAMES = 26.0


def _figure(phase: float, *, pixels: int, frontal: bool) -> NDArray[np.uint8]:
    """One frame of a walker `pixels` tall; `phase` in gait cycles."""
    mask_hw = np.zeros((pixels + 8, pixels + 8), np.uint8)
    middle, unit = (pixels + 8) // 2, pixels / 100.0

    def at(x: float, y: float) -> tuple[int, int]:
        return round(middle + x * unit), round(4 + y * unit)

    cv2.circle(mask_hw, at(0, 8), round(8 * unit), 1, -1)
    cv2.rectangle(mask_hw, at(-11, 14), at(11, 55), 1, -1)
    for side in (-1, 1):
        swing = np.sin(2 * np.pi * phase) * side
        if frontal:  # the leg in front looks longer, the one behind is lifted
            foot = at(6 * side, 100 - 9 * max(0.0, swing))
            hip = at(6 * side, 52)
        else:
            foot, hip = at(22 * swing, 99), at(0, 52)
        cv2.line(mask_hw, hip, foot, 1, max(1, round(9 * unit)))
    return mask_hw


def _walk(
    frames: int = 80,
    *,
    period: float = PERIOD_FRAMES,
    pixels: int = 100,
    frontal: bool = False,
    rate: float | None = 25.0,
) -> SilhouetteSequence:
    masks = [_figure(t / period, pixels=pixels, frontal=frontal) for t in range(frames)]
    return SilhouetteSequence.from_stack(np.stack(masks), rate)


def _difference(first: EnergyImage, second: EnergyImage) -> float:
    return float(np.abs(first.gei_hw.astype(float) - second.gei_hw.astype(float)).mean())


@pytest.mark.parametrize("frontal", [False, True])
@pytest.mark.parametrize("period", [21.0, 26.0, 33.0])
def test_the_gait_period_is_found_in_every_view(period: float, frontal: bool) -> None:
    """Within half a frame, from the side (where the step repeats too) and from the front."""
    quality = energy_image(_walk(90, period=period, frontal=frontal), CONFIG).quality
    assert quality.period_frames == pytest.approx(period, abs=0.6)
    assert quality.period_seconds == pytest.approx(period / 25.0, abs=0.03)


def test_only_whole_cycles_are_averaged() -> None:
    """80 frames at 26 a cycle: three cycles, 78 frames, 2 left out."""
    quality = energy_image(_walk(80), CONFIG).quality
    assert quality.cycles == 3
    assert quality.frames_used == pytest.approx(78, abs=1)
    assert quality.frames_used + sum(quality.frames_dropped.values()) == quality.frames_seen == 80
    assert quality.completeness == 1.0


def test_where_a_recording_starts_does_not_matter() -> None:
    """Whole cycles from another phase give nearly the same image; half a cycle more does not."""
    whole = _walk(120)
    early = replace(whole, silhouettes=whole.silhouettes[:53])
    late = replace(whole, silhouettes=whole.silhouettes[33:90])
    assert _difference(energy_image(early, CONFIG), energy_image(late, CONFIG)) < 1.5


def test_size_and_place_in_the_picture_do_not_matter() -> None:
    """A walker three times as large, anywhere in the frame, has the same GEI."""
    walk = _walk(60)
    tripled = tuple(
        None
        if one is None
        else replace(one, mask_hw=np.kron(one.mask_hw, np.ones((3, 3), np.uint8)))
        for one in walk.silhouettes
    )
    near = energy_image(replace(walk, silhouettes=tripled), CONFIG)
    assert _difference(near, energy_image(walk, CONFIG)) < 3.0
    moved = tuple(
        None if one is None else replace(one, left=one.left + 7 * t, top=one.top + t)
        for t, one in enumerate(walk.silhouettes)
    )
    moved_walk = replace(walk, silhouettes=moved)
    np.testing.assert_array_equal(
        energy_image(moved_walk, CONFIG).gei_hw, energy_image(walk, CONFIG).gei_hw
    )


def test_gei_is_the_mean_of_the_aligned_silhouettes() -> None:
    """The formula of the paper, on frames one can add up by hand."""
    frames = np.zeros((4, 2, 2), np.uint8)
    frames[0, 0, 0] = frames[1, 0, 0] = frames[2, 1, 1] = 1
    assert mean_image(frames).tolist() == [[128, 0], [0, 64]]


def test_aligned_silhouettes_fill_the_height_and_are_centred_on_their_mass() -> None:
    """Head at the top row, feet at the bottom, half of the mass on either side of the centre."""
    frames = align(_walk(30), CONFIG).frames_thw
    assert frames.shape == (30, 64, 44)
    assert set(np.unique(frames)) == {0, 1}
    assert frames[:, 0].any(axis=1).all()
    assert frames[:, -1].any(axis=1).all()
    left = frames[:, :, :22].sum(axis=(1, 2)) / frames.sum(axis=(1, 2))
    assert np.all((left > 0.35) & (left < 0.6))


def test_frames_without_feet_or_walker_are_dropped_and_counted() -> None:
    """A tenth of the frames damaged: the GEI hardly changes and the quality says what was left
    out."""
    walk = _walk(80)
    damaged = list(walk.silhouettes)
    for t in (10, 30, 50):
        damaged[t] = None
    for t in (20, 40, 61):
        one = damaged[t]
        assert one is not None
        damaged[t] = Silhouette(one.mask_hw[:70], one.top, one.left)
    image = energy_image(replace(walk, silhouettes=tuple(damaged)), CONFIG)
    assert image.quality.frames_dropped["empty"] == 3
    assert image.quality.frames_dropped["height-jump"] == 3
    assert image.quality.completeness == pytest.approx(72 / 78, abs=0.02)
    assert image.quality.period_frames == pytest.approx(PERIOD_FRAMES, abs=0.6)
    assert _difference(image, energy_image(walk, CONFIG)) < 2.0


def test_an_unknown_frame_rate_gives_no_seconds() -> None:
    """The period in frames is measured; seconds would be a guess."""
    quality = energy_image(_walk(80, rate=None), CONFIG).quality
    assert quality.period_seconds is None
    assert quality.period_frames == pytest.approx(PERIOD_FRAMES, abs=0.6)


def test_an_empty_recording_has_no_walker() -> None:
    """No frame shows anything."""
    with pytest.raises(NoWalkerFound):
        energy_image(SilhouetteSequence.from_stack(np.zeros((40, 20, 20), np.uint8)), CONFIG)


def test_three_frames_are_too_few() -> None:
    """The refusal says how many there were and how many are needed."""
    with pytest.raises(TooFewFrames, match=r"3 of 3 .* 12"):
        energy_image(_walk(3), CONFIG)


def test_a_person_who_stands_is_told_so() -> None:
    """A ragged outline is no gait."""
    rng = np.random.default_rng(0)
    masks = []
    for _ in range(60):
        mask = _figure(0.1, pixels=100, frontal=False)
        edge = cv2.dilate(mask, np.ones((3, 3), np.uint8)) - cv2.erode(
            mask, np.ones((3, 3), np.uint8)
        )
        masks.append(np.where((edge > 0) & (rng.random(mask.shape) < 0.2), 1 - mask, mask))
    with pytest.raises(WalkerStandsStill):
        energy_image(SilhouetteSequence.from_stack(np.stack(masks), 25.0), CONFIG)


def test_less_than_a_cycle_is_refused() -> None:
    """16 of 26 frames hold no whole cycle."""
    with pytest.raises(TooFewCycles):
        energy_image(_walk(16), CONFIG)


def test_frames_in_no_order_are_refused() -> None:
    """Legs at unrelated places from frame to frame are no gait, however much they move."""
    rng = np.random.default_rng(0)
    masks = [_figure(phase, pixels=100, frontal=False) for phase in rng.random(80)]
    with pytest.raises(TooFewCycles, match="order"):
        energy_image(SilhouetteSequence.from_stack(np.stack(masks), 25.0), CONFIG)


@pytest.mark.parametrize("rate", [8.0, 10.0, 12.5])
def test_a_slow_camera_sees_a_walk(rate: float) -> None:
    """Legs that change places between two frames of a profile walk still have a period."""
    person = Identity.from_seed(9_710_000)
    filmed = walk_silhouettes(person, walk_seed=1, shot=Shot(frames=100))
    kept = np.arange(0, 100, 25.0 / rate).astype(int)
    walk = replace(
        filmed,
        silhouettes=tuple(filmed.silhouettes[frame] for frame in kept),
        frames_per_second=rate,
    )
    shuffled = np.random.default_rng(0).permutation(kept.size)
    unordered = replace(walk, silhouettes=tuple(walk.silhouettes[frame] for frame in shuffled))

    seen = energy_image(walk, CONFIG).quality.period_seconds
    truth = energy_image(filmed, CONFIG).quality.period_seconds
    assert seen is not None
    assert seen == pytest.approx(truth, rel=0.03)
    with pytest.raises(TooFewCycles):
        energy_image(unordered, CONFIG)


def test_a_mask_is_cut_to_its_box() -> None:
    """Whatever number marks the walker; an empty mask has no box."""
    mask = np.zeros((9, 9), np.uint8)
    mask[2:5, 3:7] = 255
    silhouette = cut_to_box(mask)
    assert silhouette is not None
    assert (silhouette.top, silhouette.left, silhouette.height, silhouette.width) == (2, 3, 3, 4)
    assert silhouette.area == 12
    assert cut_to_box(np.zeros((3, 3), np.uint8)) is None
