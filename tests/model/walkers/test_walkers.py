"""What anyone who trains on walkers, or films them, relies on."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from model.silhouettes import SilhouetteSequence
from model.walkers import Condition, FaultSettings, Identity, Shot, walk_masks_thw, walk_silhouettes

PROFILE = Shot(azimuth_degrees=90.0, frames=50, walker_pixels=100.0)

_PRINT_DIGEST = """
import hashlib
from model.walkers import FaultSettings, Identity, Shot, walk_masks_thw
masks = walk_masks_thw(Identity.from_seed(11), walk_seed=5, condition="cl",
                       shot=Shot(azimuth_degrees=30.0, frames=12), faults=FaultSettings(share=1.0))
print(hashlib.sha256(masks.tobytes()).hexdigest(), end="")
"""


def _energy_hw(sequence: SilhouetteSequence) -> NDArray[np.float64]:
    """A plain 64×44 gait energy image, enough to compare walks."""
    total_hw = np.zeros((64, 44))
    for silhouette in sequence.silhouettes:
        assert silhouette is not None
        width = max(1, round(silhouette.width * 64 / silhouette.height))
        scaled_hw = cv2.resize(silhouette.mask_hw, (width, 64), interpolation=cv2.INTER_NEAREST)
        mass = np.cumsum(scaled_hw.sum(axis=0))
        centre = int(np.searchsorted(mass, mass[-1] / 2)) + 44
        total_hw += np.pad(scaled_hw, ((0, 0), (44, 44)))[:, centre - 22 : centre + 22]
    return total_hw / len(sequence.silhouettes)


def _area(seed: int, condition: Condition, azimuth_degrees: float) -> float:
    shot = Shot(azimuth_degrees=azimuth_degrees, frames=25, walker_pixels=100.0)
    sequence = walk_silhouettes(
        Identity.from_seed(seed), walk_seed=1, condition=condition, shot=shot
    )
    return float(np.mean([s.area / s.height**2 for s in sequence.silhouettes if s is not None]))


def test_the_same_seeds_give_the_same_pixels_in_another_process() -> None:
    masks_thw = walk_masks_thw(
        Identity.from_seed(11),
        walk_seed=5,
        condition="cl",
        shot=Shot(azimuth_degrees=30.0, frames=12),
        faults=FaultSettings(share=1.0),
    )
    elsewhere = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", _PRINT_DIGEST], capture_output=True, text=True, check=True
    )
    assert elsewhere.stdout == hashlib.sha256(masks_thw.tobytes()).hexdigest()


def test_an_identity_is_the_same_whoever_was_made_before_it() -> None:
    first = Identity.from_seed(123)
    for seed in range(20):
        Identity.from_seed(seed)
    assert Identity.from_seed(123) == first
    assert Identity.from_seed(124) != first


def test_silhouettes_are_the_masks_cut_to_the_walker() -> None:
    shot = Shot(azimuth_degrees=60.0, frames=10)
    settings = FaultSettings(share=1.0)
    identity = Identity.from_seed(2)
    masks_thw = walk_masks_thw(identity, walk_seed=4, shot=shot, faults=settings)
    sequence = walk_silhouettes(identity, walk_seed=4, shot=shot, faults=settings)
    expected = SilhouetteSequence.from_stack(masks_thw, shot.frames_per_second)
    assert (sequence.frame_height, sequence.frame_width) == masks_thw.shape[1:]
    for mine, cut in zip(sequence.silhouettes, expected.silhouettes, strict=True):
        assert mine is not None
        assert cut is not None
        assert (mine.top, mine.left) == (cut.top, cut.left)
        np.testing.assert_array_equal(mine.mask_hw, cut.mask_hw)


@pytest.mark.parametrize("azimuth_degrees", [0.0, 45.0, 90.0, 180.0, 270.0])
def test_a_clean_walker_is_one_piece_in_every_frame(azimuth_degrees: float) -> None:
    for seed in range(6):
        shot = Shot(azimuth_degrees=azimuth_degrees, frames=20)
        masks_thw = walk_masks_thw(Identity.from_seed(seed), walk_seed=0, shot=shot)
        assert set(np.unique(masks_thw)) == {0, 255}
        for mask_hw in masks_thw:
            _, _, stats, _ = cv2.connectedComponentsWithStats(mask_hw)
            areas = stats[1:, cv2.CC_STAT_AREA]
            assert areas.max() > 0.995 * areas.sum()


@pytest.mark.parametrize("walker_pixels", [60.0, 120.0, 200.0])
def test_the_walker_is_as_tall_as_asked(walker_pixels: float) -> None:
    for seed in range(5):
        shot = Shot(frames=30, walker_pixels=walker_pixels)
        sequence = walk_silhouettes(Identity.from_seed(seed), walk_seed=0, shot=shot)
        heights = [s.height for s in sequence.silhouettes if s is not None]
        assert len(heights) == 30
        assert 0.92 * walker_pixels < np.median(heights) < 1.06 * walker_pixels


def test_a_walker_grows_when_coming_near_and_shrinks_when_leaving() -> None:
    identity = Identity.from_seed(3)
    for azimuth_degrees, grows in ((0.0, True), (180.0, False)):
        shot = Shot(azimuth_degrees=azimuth_degrees, distance_metres=5.0)
        sequence = walk_silhouettes(identity, walk_seed=0, shot=shot)
        first, last = sequence.silhouettes[0], sequence.silhouettes[-1]
        assert first is not None
        assert last is not None
        assert (last.height > 1.2 * first.height) is grows
        assert (first.height > 1.2 * last.height) is not grows


def test_azimuth_90_walks_to_the_left_and_270_to_the_right() -> None:
    for azimuth_degrees, sign in ((90.0, -1), (270.0, 1)):
        shot = Shot(azimuth_degrees=azimuth_degrees, frames=30)
        sequence = walk_silhouettes(Identity.from_seed(5), walk_seed=0, shot=shot)
        first, last = sequence.silhouettes[0], sequence.silhouettes[-1]
        assert first is not None
        assert last is not None
        assert np.sign(last.left - first.left) == sign


def test_a_given_frame_size_is_kept() -> None:
    shot = Shot(frames=40, frame_height=90, frame_width=160, walker_pixels=100.0)
    masks_thw = walk_masks_thw(Identity.from_seed(1), walk_seed=0, shot=shot)
    assert masks_thw.shape == (40, 90, 160)


def test_identities_differ_more_than_walks_of_one_identity() -> None:
    energies_sw = np.array(
        [
            [
                _energy_hw(
                    walk_silhouettes(Identity.from_seed(seed), walk_seed=walk, shot=PROFILE)
                ).ravel()
                for walk in range(2)
            ]
            for seed in range(24)
        ]
    )
    within = np.linalg.norm(energies_sw[:, 0] - energies_sw[:, 1], axis=1)
    between = np.linalg.norm(energies_sw[:, None, 0] - energies_sw[None, :, 1], axis=2)
    others = between[~np.eye(24, dtype=bool)]
    assert np.median(others) > 1.5 * np.median(within)
    recognised = float(np.mean(between.argmin(axis=1) == np.arange(24)))
    assert recognised >= 0.6


def test_bags_and_coats_make_walkers_larger() -> None:
    plain, bag, coat = (
        np.array([_area(seed, condition, azimuth) for seed in range(10) for azimuth in (0.0, 90.0)])
        for condition in ("nm", "bg", "cl")
    )
    assert bag.mean() > 1.02 * plain.mean()
    assert coat.mean() > 1.06 * plain.mean()
    assert np.mean(coat > plain) >= 0.9


def test_condition_changes_neither_body_nor_outfit() -> None:
    """A bag is added to the same person: head and shoes stay where they were in size."""
    identity = Identity.from_seed(9)
    shot = Shot(frames=40)
    heights = [
        np.median(
            [
                s.height
                for s in walk_silhouettes(
                    identity, walk_seed=0, condition=condition, shot=shot
                ).silhouettes
                if s is not None
            ]
        )
        for condition in ("nm", "bg", "cl")
    ]
    assert max(heights) - min(heights) <= 0.03 * shot.walker_pixels


def test_an_unknown_condition_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown condition"):
        walk_silhouettes(Identity.from_seed(0), walk_seed=0, condition="xx")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [{"frames": 1}, {"walker_pixels": 0.0}, {"distance_metres": -1.0}]
)
def test_a_shot_that_cannot_be_filmed_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"at least 2 frames|must be positive"):
        Shot(**wrong)  # type: ignore[arg-type]
