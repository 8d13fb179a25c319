"""Who walks in a bundle of silhouettes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture.mask import cut_out_walker
from model.capture.silhouette_walks import recording_of_silhouettes
from model.silhouettes import SilhouetteSequence
from tests.model.capture.scenes import figure_hw, overlap, walk_thw


def _sequence(masks_thw: NDArray[np.uint8]) -> SilhouetteSequence:
    found = tuple(cut_out_walker(mask_hw) for mask_hw in masks_thw)
    _, height, width = masks_thw.shape
    return SilhouetteSequence(found, height, width, 25.0)


@pytest.mark.parametrize(("pace", "direction"), [(4.0, "right"), (-4.0, "left")])
def test_the_direction_is_told_from_the_places(pace: float, direction: str) -> None:
    """In frames that are not cut to the walker."""
    masks = walk_thw(40, start=160 - 20 * pace, pace=pace)
    (walk,) = recording_of_silhouettes(_sequence(masks)).walks
    assert walk.direction == direction
    assert walk.people == 1


def test_in_frames_cut_to_the_walker_there_is_no_direction() -> None:
    """The walker is in the middle of all of them."""
    masks = np.stack([figure_hw(160, seconds=t / 25)[50:170, 110:210] for t in range(40)])
    (walk,) = recording_of_silhouettes(_sequence(masks)).walks
    assert walk.direction is None
    assert walk.frames == 40


def test_two_people_of_one_size_are_two_walkers() -> None:
    """By turns one and the other is the largest in the frame; no silhouette is of both."""
    ahead = walk_thw(60, start=150.0, pace=2.0, tall=100.0)
    behind = walk_thw(68, start=34.0, pace=2.0, tall=100.0)[8:]
    recording = recording_of_silhouettes(_sequence(np.maximum(ahead, behind)))
    assert [walk.walker for walk in recording.walks] == [1, 2]
    assert [walk.people for walk in recording.walks] == [2, 2]
    for walk in recording.walks:
        assert max(overlap(walk, ahead).min(), overlap(walk, behind).min()) > 0.95
