"""People who touch, and hide little of each other, are told apart by where each was just before.

Two who meet are one piece of foreground as soon as a foot of the one, or the shade under it,
reaches the other: many frames before much of one is hidden. In the first of these frames, and
backwards in time in the last, each pixel belongs to whoever is nearer once both have moved on.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.tracking import Box, Piece

_COVERED = 0.6
"""Share of a person's box that a common piece covers one frame later, and nobody else's before."""
_AS_TALL = 0.75
"""Of the other: who is told apart is no limb."""
_LEAST_APART = 0.15
"""Heights between the middles of two people: two heads side by side."""
_BESIDE = 0.5
"""Of the smaller one's height, that both have in common: who moves above another is not beside."""
_LEAST_SEEN, _LEAST_HIGH = 0.8, 0.9
"""Of a person's area and height before the touch; who is hidden more is no silhouette any more."""
_LONGEST_SECONDS = 0.5
"""Half a gait cycle; by then the limbs are where the other's were."""
_KNOWN_SECONDS = 0.15
"""For so long everybody was a piece of their own, which tells the speed; what comes and goes is a
part of somebody."""
_STEP, _GROWTH = 0.25, 1.2
"""Heights that a person moves from one frame to the next, and factor that the box grows by."""

_Pieces = Sequence[Piece]


@dataclass(frozen=True, slots=True)
class _Body:
    """One of several people in a piece.

    Attributes:
        box: of what is seen of the person.
        own_hw: bool (H, W), the pixels, in the whole frame.
        speed_2: right and down, in pixels a frame, before the touch.
        owed_2: part of the way that whole pixels have left over.
        usual: pixels before the touch.
        frames: since then.
    """

    box: Box
    own_hw: NDArray[np.bool_]
    speed_2: NDArray[np.float64]
    owed_2: NDArray[np.float64]
    usual: int
    frames: int

    def moved_on(self) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """The pixels one frame later, as far as speed tells, and what is owed then."""
        way_2 = self.speed_2 + self.owed_2
        right, down = (int(step) for step in np.round(way_2))
        moved_hw = np.roll(self.own_hw, (down, right), (0, 1))
        # What leaves the frame on one side does not come in on the other.
        moved_hw[slice(0, down) if down >= 0 else slice(down, None)] = False
        moved_hw[:, slice(0, right) if right >= 0 else slice(right, None)] = False
        return moved_hw, way_2 - (right, down)


def part_touching(
    pieces_t: Sequence[_Pieces], masks_thw: NDArray[np.uint8], frames_per_second: float
) -> list[list[Piece]]:
    """Tells people apart who are one piece now and were two just before, or will be.

    Args:
        pieces_t: per frame, what `pieces_of_frame` found.
        masks_thw: (T, H, W) 1 where somebody is; people are parted in it too, in place.
        frames_per_second: of the recording.

    Returns:
        Boxes and areas as they were, or of each of the people in a common piece.
    """
    parted_t = [list(pieces) for pieces in pieces_t]
    back = max(2, round(_KNOWN_SECONDS * frames_per_second) + 1)
    longest = max(1, round(_LONGEST_SECONDS * frames_per_second))
    forwards = list(range(len(parted_t)))
    for order in (forwards, forwards[::-1]):
        told_apart: list[_Body] = []
        for number in range(back, len(order)):
            frame, earlier = order[number], order[number - back : number]
            before = [parted_t[one] for one in earlier]
            pieces: list[Piece] = []
            known, told_apart = told_apart, []
            for piece in parted_t[frame]:
                bodies = _bodies_inside(piece, before, known, masks_thw[earlier[-1]])
                people = []
                if all(body.frames < longest for body in bodies):
                    people = _parted(piece, bodies, masks_thw[frame])
                told_apart += people
                pieces += [(one.box, int(one.own_hw.sum())) for one in people] or [piece]
            parted_t[frame] = pieces
    return parted_t


def _bodies_inside(
    piece: Piece, before: Sequence[_Pieces], known: Sequence[_Body], mask_hw: NDArray[np.uint8]
) -> list[_Body]:
    """The people, one frame earlier, who have run together in a piece; none if nobody has."""
    inside = [one for one, _ in before[-1] if _cover(piece[0], one) >= _COVERED]
    if len(inside) < 2 or not _are_people(inside):
        return []
    by_box = {body.box: body for body in known}
    bodies = [by_box.get(box) or _body(box, before, mask_hw) for box in inside]
    sure = [body for body in bodies if body is not None]
    return sure if len(sure) == len(bodies) else []


def _cover(large: Box, small: Box) -> float:
    wide = min(large.right, small.right) - max(large.left, small.left)
    high = min(large.bottom, small.bottom) - max(large.top, small.top)
    return max(wide, 0.0) * max(high, 0.0) / (small.width * small.height)


def _are_people(boxes: Sequence[Box]) -> bool:
    tall = max(box.height for box in boxes)
    return min(box.height for box in boxes) >= _AS_TALL * tall and all(
        _are_beside(one, other, tall) for one, other in combinations(boxes, 2)
    )


def _are_beside(one: Box, other: Box, tall: float) -> bool:
    aside = abs(one.centre[0] - other.centre[0])
    common = min(one.bottom, other.bottom) - max(one.top, other.top)
    return aside >= _LEAST_APART * tall and common >= _BESIDE * min(one.height, other.height)


def _body(box: Box, before: Sequence[_Pieces], mask_hw: NDArray[np.uint8]) -> _Body | None:
    """Whoever was in a box one frame earlier; None if the box had nobody for long enough."""
    there = box
    for pieces in reversed(before[:-1]):
        same = [one for one, _ in pieces if _may_be(one, there)]
        if len(same) != 1:
            return None
        there = same[0]
    speed_2 = np.subtract(box.centre, there.centre) / (len(before) - 1)
    own_hw = np.zeros(mask_hw.shape, np.bool_)
    rows, columns = _inside(box)
    own_hw[rows, columns] = mask_hw[rows, columns] > 0
    return _Body(box, own_hw, speed_2, np.zeros(2), int(own_hw.sum()), frames=0)


def _inside(box: Box) -> tuple[slice, slice]:
    return slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right))


def _may_be(one: Box, other: Box) -> bool:
    """Whether two boxes, in frames that follow each other, may be one person's."""
    tall, small = max(one.height, other.height), min(one.height, other.height)
    away = float(np.hypot(*np.subtract(one.centre, other.centre)))
    return away < _STEP * tall and tall < _GROWTH * small


def _parted(piece: Piece, bodies: Sequence[_Body], mask_hw: NDArray[np.uint8]) -> list[_Body]:
    """The people in a piece, parted in the mask too; none if one of them is hidden too much."""
    if not bodies:
        return []
    # Who stands lower in the picture is nearer, and hides the others: of equals, argmin takes
    # the first.
    ordered = sorted(bodies, key=lambda body: -body.box.bottom)
    moved = [body.moved_on() for body in ordered]
    rows, columns = _inside(piece[0])
    away = [_distance_from(moved_hw)[rows, columns] for moved_hw, _ in moved]
    nearest_hw = np.argmin(np.stack(away), axis=0)
    people = []
    for number, (body, (_, owed_2)) in enumerate(zip(ordered, moved, strict=True)):
        own_hw = np.zeros(mask_hw.shape, np.bool_)
        own_hw[rows, columns] = (nearest_hw == number) & (mask_hw[rows, columns] > 0)
        left, top, wide, high = cv2.boundingRect(own_hw.view(np.uint8))
        if own_hw.sum() < _LEAST_SEEN * body.usual or high < _LEAST_HIGH * body.box.height:
            return []
        box = Box(left, top, left + wide, top + high)
        people.append(_Body(box, own_hw, body.speed_2, owed_2, body.usual, body.frames + 1))
    if any(_cover(one.box, other.box) >= _COVERED for one, other in permutations(people, 2)):
        return []
    for one, other in combinations(people, 2):
        # Pieces hang together over corners too.
        rim_hw = cv2.dilate(one.own_hw.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        mask_hw[rim_hw & other.own_hw] = 0
    return people


def _distance_from(mask_hw: NDArray[np.bool_]) -> NDArray[np.float32]:
    outside_hw = (~mask_hw).view(np.uint8)
    return np.asarray(cv2.distanceTransform(outside_hw, cv2.DIST_L2, 5), dtype=np.float32)
