"""What is kept of a walk until its recording has been read."""

from __future__ import annotations

import tracemalloc

import numpy as np

from model.capture import CapturedWalk
from model.capture.kept_walk import KeptWalk
from model.silhouettes import SilhouetteSequence


def _walk(frames: int) -> CapturedWalk:
    """Somebody of uneven outline, who is out of sight in the third frame."""
    masks_thw = np.zeros((frames, 200, 120), np.uint8)
    masks_thw[:, 7:190, 11:104] = np.random.default_rng(5).random((frames, 183, 93)) < 0.7
    masks_thw[2] = 0
    return CapturedWalk(SilhouetteSequence.from_stack(masks_thw, 25.0), 2, 31, "left", people=2)


def test_a_kept_walk_comes_back_as_it_was() -> None:
    """Every pixel, every place, and the frame in which nobody was seen."""
    walk = _walk(6)
    kept = KeptWalk.of(walk, [4.0, 5.0])
    assert (kept.walk.first_frame, kept.walk.last_frame, kept.contrasts) == (31, 36, (4.0, 5.0))
    back = kept.unpacked()
    assert (back.walker, back.direction, back.people) == (2, "left", 2)
    assert back.sequence.silhouettes[2] is None
    for one, other in zip(walk.sequence.silhouettes, back.sequence.silhouettes, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert (one.top, one.left) == (other.top, other.left)
            np.testing.assert_array_equal(one.mask_hw, other.mask_hw)


def test_it_takes_a_bit_for_a_pixel_meanwhile() -> None:
    """Ten minutes of somebody who walks up and down fit beside the window of frames."""
    walk = _walk(50)
    plain = sum(one.mask_hw.nbytes for one in walk.sequence.silhouettes if one is not None)
    tracemalloc.start()
    kept = KeptWalk.of(walk, ())
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept.walk.frames == 50
    assert taken < plain / 6
