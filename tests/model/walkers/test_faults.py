"""Faults spoil masks as segmenters do, and not beyond use."""

from __future__ import annotations

import numpy as np
import pytest

from model.walkers import FaultSettings, Identity, Shot, walk_masks_thw, walk_silhouettes
from model.walkers.faults import draw_faults
from model.walkers.figure import Garment

_KINDS = (
    "camouflage",
    "ragged",
    "frayed",
    "shadow",
    "speckles",
    "swelling",
    "dropouts",
    "feet_lost",
)
SHOT = Shot(azimuth_degrees=75.0, frames=30, walker_pixels=100.0)


def test_no_faults_is_the_same_as_none_given() -> None:
    identity = Identity.from_seed(6)
    np.testing.assert_array_equal(
        walk_masks_thw(identity, walk_seed=1, shot=SHOT, faults=FaultSettings.none()),
        walk_masks_thw(identity, walk_seed=1, shot=SHOT),
    )


def test_about_the_stated_share_of_walks_is_spoiled() -> None:
    rng = np.random.default_rng(0)
    spoiled = [
        draw_faults(
            FaultSettings(share=0.3), rng, identity_seed=person, frames=20, walker_pixels=100.0
        )
        is not None
        for person in range(300)
    ]
    assert 0.22 < np.mean(spoiled) < 0.38


def test_spoiled_masks_change_but_still_show_the_walker() -> None:
    overlaps = []
    for seed in range(12):
        identity = Identity.from_seed(seed)
        clean_thw = walk_masks_thw(identity, walk_seed=1, shot=SHOT) > 0
        spoiled_thw = (
            walk_masks_thw(identity, walk_seed=1, shot=SHOT, faults=FaultSettings(share=1.0)) > 0
        )
        assert spoiled_thw.shape == clean_thw.shape
        overlaps.append((clean_thw & spoiled_thw).sum() / (clean_thw | spoiled_thw).sum())
    assert max(overlaps) < 1.0
    assert min(overlaps) > 0.3
    assert 0.7 < np.median(overlaps) < 0.99


def test_a_coarse_segmenter_does_not_move_the_walker() -> None:
    settings = FaultSettings(share=1.0, **dict.fromkeys(_KINDS, 0.0))
    for seed in range(5):
        identity = Identity.from_seed(seed)
        clean_thw = walk_masks_thw(identity, walk_seed=1, shot=SHOT) > 0
        coarse_thw = walk_masks_thw(identity, walk_seed=1, shot=SHOT, faults=settings) > 0
        assert (clean_thw & coarse_thw).sum() / (clean_thw | coarse_thw).sum() > 0.98


def test_a_hidden_garment_takes_nothing_from_the_others() -> None:
    settings = FaultSettings(share=1.0, **dict.fromkeys(_KINDS, 0.0) | {"camouflage": 1.0})
    faults = draw_faults(
        settings, np.random.default_rng(5), identity_seed=5, frames=4, walker_pixels=100.0
    )
    assert faults is not None
    hidden = np.flatnonzero(faults.is_hidden_g)
    assert 0 < len(hidden) <= len(Garment)
    garments_hw = np.repeat(np.arange(1, 8, dtype=np.uint8), 20)[:, None].repeat(60, axis=1)
    shown = 0
    for frame in range(4):
        lost_hw = faults.spoil(garments_hw, frame, top=40, left=200) == 0
        inside_hw = np.zeros_like(lost_hw)
        inside_hw[:, 8:-8] = True  # clean-up in blocks rounds the borders
        for garment in set(range(1, 8)) - set(hidden):
            rows = slice(20 * garment - 20 + 8, 20 * garment - 8)
            assert not lost_hw[rows, 8:-8].any()
        shown += int((lost_hw & inside_hw).sum())
    assert shown > 0


def test_a_dropped_frame_has_no_silhouette() -> None:
    settings = FaultSettings(share=1.0, **dict.fromkeys(_KINDS, 0.0) | {"dropouts": 1.0})
    counts = [
        sum(
            silhouette is None
            for silhouette in walk_silhouettes(
                Identity.from_seed(seed), walk_seed=0, shot=SHOT, faults=settings
            ).silhouettes
        )
        for seed in range(8)
    ]
    assert sum(counts) > 0
    assert max(counts) < 0.4 * SHOT.frames


@pytest.mark.parametrize(
    ("kind", "grows"), [("camouflage", False), ("feet_lost", False), ("shadow", True)]
)
def test_holes_take_pixels_away_and_shadows_add_some(kind: str, grows: bool) -> None:
    settings = FaultSettings(share=1.0, **dict.fromkeys(_KINDS, 0.0) | {kind: 1.0})
    shares = []
    for seed in range(8):
        identity = Identity.from_seed(seed)
        clean = (walk_masks_thw(identity, walk_seed=1, shot=SHOT) > 0).sum()
        spoiled = (walk_masks_thw(identity, walk_seed=1, shot=SHOT, faults=settings) > 0).sum()
        shares.append(spoiled / clean)
    assert bool(np.mean(shares) > 1.0) == grows
    assert min(shares) > 0.5
    assert max(shares) < 1.6
