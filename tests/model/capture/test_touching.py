"""People who touch are told apart while little of either is hidden."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture.touching import part_touching
from model.capture.tracking import Piece, pieces_of_frame
from tests.model.capture.scenes import RATE, walk_thw

_TALL = 80.0


def _walk_thw(start: float, pace: float, *, tall: float = _TALL) -> NDArray[np.uint8]:
    return (walk_thw(110, start=start, pace=pace, tall=tall, ground=150.0) > 0).astype(np.uint8)


_RIGHT, _LEFT = _walk_thw(40.0, 2.0), _walk_thw(280.0, -2.0)


def _pieces(masks_thw: NDArray[np.uint8]) -> list[list[Piece]]:
    return [pieces_of_frame(mask_hw) for mask_hw in masks_thw]


def _middles(pieces: list[Piece]) -> list[float]:
    return sorted(box.centre[0] for box, _ in pieces)


@pytest.fixture(scope="module")
def met() -> tuple[list[list[Piece]], list[list[Piece]], NDArray[np.uint8]]:
    """Pieces of two who meet, before and after they were told apart, and the parted masks."""
    masks_thw = _RIGHT | _LEFT
    pieces_t = _pieces(masks_thw)
    return pieces_t, part_touching(pieces_t, masks_thw, RATE), masks_thw


def test_two_who_touch_are_two_pieces_where_they_are(
    met: tuple[list[list[Piece]], list[list[Piece]], NDArray[np.uint8]],
) -> None:
    """Coming together and going apart, for some frames each; each piece stays with its person."""
    joined_t, parted_t, _ = met
    told_apart = [
        frame
        for frame, (joined, parted) in enumerate(zip(joined_t, parted_t, strict=True))
        if len(joined) == 1 and len(parted) == 2
    ]
    meeting = 60
    assert sum(frame < meeting for frame in told_apart) >= 3
    assert sum(frame > meeting for frame in told_apart) >= 3
    for frame in told_apart:
        truth = sorted(40.0 + 2.0 * frame if right else 280.0 - 2.0 * frame for right in (0, 1))
        assert np.abs(np.subtract(_middles(parted_t[frame]), truth)).max() < 0.15 * _TALL


def test_who_hides_another_is_one_piece_with_them(
    met: tuple[list[list[Piece]], list[list[Piece]], NDArray[np.uint8]],
) -> None:
    """Where more than a fifth of one is hidden, nobody's outline is guessed."""
    joined_t, parted_t, _ = met
    hidden_t = (_RIGHT & _LEFT).sum(axis=(1, 2)) > 0.4 * _RIGHT.sum(axis=(1, 2))
    assert hidden_t.sum() >= 3
    for frame in np.flatnonzero(hidden_t).tolist():
        assert parted_t[frame] == joined_t[frame]


def test_the_masks_fall_apart_where_the_pieces_do(
    met: tuple[list[list[Piece]], list[list[Piece]], NDArray[np.uint8]],
) -> None:
    """Only a line between the two is taken out, and most of each person is left."""
    _, _, masks_thw = met
    whole_thw = _RIGHT | _LEFT
    assert (masks_thw <= whole_thw).all()
    taken_t = (whole_thw - masks_thw).sum(axis=(1, 2))
    assert taken_t.max() > 0
    assert taken_t.max() < 0.05 * whole_thw.sum(axis=(1, 2)).max()


def test_legs_that_part_and_meet_again_are_not_told_apart() -> None:
    """One walker stays one piece, and every pixel of them stays."""
    masks_thw = _RIGHT.copy()
    pieces_t = _pieces(masks_thw)
    assert part_touching(pieces_t, masks_thw, RATE) == pieces_t
    assert (masks_thw == _RIGHT).all()


def test_what_is_much_smaller_is_not_told_apart() -> None:
    """A dog, or a bag that was set down, which a walker passes is no second person."""
    masks_thw = _RIGHT | _walk_thw(280.0, -2.0, tall=0.5 * _TALL)
    pieces_t = _pieces(masks_thw)
    assert part_touching(pieces_t, masks_thw, RATE) == pieces_t


def test_what_moves_above_a_walker_is_not_told_apart_from_them() -> None:
    """Two boxes of one size, the one over the other, are no two people who stand on the ground."""
    apart_hw, joined_hw = (np.zeros((180, 320), np.uint8) for _ in range(2))
    apart_hw[20:80, 150:175] = apart_hw[95:165, 130:160] = 1
    joined_hw[20:165, 150:160] = joined_hw[20:80, 150:175] = joined_hw[95:165, 130:160] = 1
    masks_thw = np.stack([*[apart_hw] * 10, joined_hw])
    pieces_t = _pieces(masks_thw)
    assert [len(pieces) for pieces in pieces_t] == [2] * 10 + [1]
    assert part_touching(pieces_t, masks_thw, RATE) == pieces_t
