"""The rendered scenes themselves: what a benchmark calls the truth must be true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from tests.scenes import Crossing, Scene, film, record

_SMALL = Scene(
    "small",
    "plain",
    (Crossing(0, enters=0.2, tall=0.6),),
    width=160,
    height=120,
    seconds=0.4,
    backdrop="plaster",
    noise=1.0,
)


def test_a_scene_is_filmed_twice_the_same() -> None:
    """The same scene gives the same frames; another seed gives others."""
    once, again = (next(film(_SMALL)).picture_hwc for _ in range(2))
    assert np.array_equal(once, again)
    other = next(film(replace(_SMALL, seed=2))).picture_hwc
    assert not np.array_equal(once, other)


def test_the_truth_lies_where_the_picture_differs_from_the_empty_scene() -> None:
    """A mask covers what the person changed, shadow aside, and nothing else."""
    frame = next(film(_SMALL))
    empty_hwc = next(film(replace(_SMALL, crossings=()))).picture_hwc
    changed_hw = np.abs(frame.picture_hwc.astype(int) - empty_hwc).max(axis=2) > 30
    (sight,) = frame.sights
    mask_hw = sight.mask_hw > 0
    assert mask_hw.sum() > 300
    assert (changed_hw & mask_hw).sum() > 0.9 * mask_hw.sum()
    above_feet = slice(0, int(np.flatnonzero(mask_hw.any(axis=1))[-1]) - 8)
    assert (changed_hw & ~mask_hw)[above_feet].sum() < 0.2 * mask_hw.sum()


def test_who_stands_behind_somebody_is_hidden() -> None:
    """Of two people on one spot, no pixel is both, and the nearer one is whole."""
    near = Crossing(1, enters=0.5, ground=0.95, tall=0.6)
    far = replace(near, person=0, ground=0.9)
    frame = next(film(replace(_SMALL, crossings=(near, far))))
    behind, before = frame.sights
    assert (behind.person, before.person) == (0, 1)
    assert not (behind.mask_hw & before.mask_hw).any()
    alone = next(film(replace(_SMALL, crossings=(near,)))).sights[0]
    assert np.array_equal(before.mask_hw, alone.mask_hw)


def test_a_recorded_scene_is_a_clip_with_its_truth(tmp_path: Path) -> None:
    """The clip has the scene's frames and size, and the masks are kept with it."""
    recorded = record(_SMALL, tmp_path)
    capture = cv2.VideoCapture(str(recorded.clip))
    frames = 0
    while capture.read()[0]:
        frames += 1
    assert frames == _SMALL.frames == recorded.masks_xthw.shape[1]
    assert recorded.masks_xthw.shape == (1, frames, 120, 160)
    first = next(film(_SMALL)).sights[0].mask_hw > 0
    assert np.array_equal(record(_SMALL, tmp_path).masks_xthw[0, 0], first)
