"""Which of the tracks is the walker, and in which frames: the longest stretch in one direction.

Shape letters: N sightings.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from model.capture.tracking import Track
from model.refusals import (
    NoWalkerFound,
    SeveralWalkers,
    WalkerCutOff,
    WalkerStandsStill,
    WalkRefused,
)

_LEAST_HEIGHT = 0.12
"""Of a walker, as a share of the frame's shorter side."""
_SLIMMEST, _BROADEST = 6.0, 1.3
"""Height over width of a walking person: arms folded, feet together; a full stride with a bag."""
_LEAST_TRAVEL = 0.5
"""Of a walk, in heights of the walker."""
_DEPTH_WEIGHT = 3.0
"""A walker who comes nearer by a third has covered about one height of the picture."""
_SLOW = 0.12
"""Heights per second below which one does not walk past; an ordinary pace is about 0.8."""
_PAUSE_SECONDS = 0.5
_LEAST_SECONDS = 0.5
_SMOOTH_SECONDS = 0.4
_CUT_SHARE = 0.5
"""Of a walk's frames; head or feet outside in more than this and it is of no use."""
_BORDER = 0.015
_BORDER_PIXELS = 2.5
"""Of the frame's side: a box that ends this near to the border goes on beyond it."""
_RIVAL_OVERLAP = 0.4
"""Of the walk's frames in which somebody else walks too."""
_REACH = 0.25
"""Of the frame's height: how far apart the pieces of a walker may lie whose coat is not seen."""
_STAYS_SHARE, _LIMBS_BREADTH = 0.6, 0.5
"""Of the recording, and height over width, of the arms and legs of somebody on one spot."""
_SAME_PERSON = 0.4
"""Heights between the middles of two tracks that may be head and legs of one person."""
_RIVAL_HEIGHT = 0.6
"""Of the walker's height, that makes somebody else a second walker."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a track in which somebody walks in one direction, wholly in the picture.

    Attributes:
        frames_n: frame numbers, without gaps.
        boxes_n4: left, top, right, bottom in each, smoothed, in pixels of the stabilised frames.
        travel: in heights of the walker.
    """

    frames_n: NDArray[np.intp]
    boxes_n4: NDArray[np.float64]
    travel: float

    @property
    def height(self) -> float:
        """Median height of the boxes, in pixels."""
        return float(np.median(self.boxes_n4[:, 3] - self.boxes_n4[:, 1]))


@dataclass(frozen=True, slots=True)
class Scene:
    """What the tracks lie in.

    Attributes:
        width: of the frames, in pixels.
        height: of the frames, in pixels.
        frames_per_second: of the recording.
        shifts_t2: how far each frame was moved right and down to take back the camera's drift.
    """

    width: int
    height: int
    frames_per_second: float
    shifts_t2: NDArray[np.float64]


def choose_walk(tracks: list[Track], scene: Scene) -> tuple[Stretch, list[Stretch]]:
    """The walk to use, and all walking stretches (for keeping them out of the background).

    Raises:
        NoWalkerFound: nothing like a person moves.
        WalkerStandsStill: somebody moves, but does not get anywhere.
        WalkerCutOff: somebody walks, but head, feet or a side stay outside the picture.
        SeveralWalkers: more than one person walks at the same time.
    """
    smoothed = [_fill_gaps(track) for track in tracks if _is_followed(track, scene)]
    joined = _join_companions(smoothed, _REACH * scene.height)
    walks = [stretch for frames, boxes in joined for stretch in _stretches(frames, boxes, scene)]
    whole = [
        walk for walk in walks if _is_person(walk, scene) and _cut_share(walk, scene) <= _CUT_SHARE
    ]
    if not whole:
        raise _reason(joined, walks, scene)
    best = max(whole, key=lambda walk: len(walk.frames_n) * min(walk.travel, 3.0) * walk.height)
    for other in whole:
        together = np.intersect1d(other.frames_n, best.frames_n).size
        if (
            other is not best
            and not _lies_over(other, best)
            and together >= _RIVAL_OVERLAP * len(best.frames_n)
            and _RIVAL_HEIGHT <= other.height / best.height <= 1 / _RIVAL_HEIGHT
        ):
            raise SeveralWalkers(
                f"Two people walk at the same time for {together} frames.", frames=together
            )
    return best, whole


def _lies_over(other: Stretch, walk: Stretch) -> bool:
    """Whether a stretch keeps so close to the walk that it is a piece of the same person."""
    _, theirs, ours = np.intersect1d(other.frames_n, walk.frames_n, return_indices=True)
    if ours.size == 0:
        return False
    others_n4, walk_n4 = other.boxes_n4[theirs], walk.boxes_n4[ours]
    aside_n = (others_n4[:, 0] + others_n4[:, 2] - walk_n4[:, 0] - walk_n4[:, 2]) / 2
    return float(np.median(np.abs(aside_n))) < _SAME_PERSON * max(walk.height, other.height)


_Path = tuple[NDArray[np.intp], NDArray[np.float64]]


def _is_followed(track: Track, scene: Scene) -> bool:
    return track.frames[-1] - track.frames[0] >= 0.3 * scene.frames_per_second


def _fill_gaps(track: Track) -> _Path:
    seen_n = np.array(track.frames)
    boxes_n4 = np.array([[box.left, box.top, box.right, box.bottom] for box in track.boxes])
    frames_n = np.arange(seen_n[0], seen_n[-1] + 1)
    filled_n4 = np.stack(
        [np.interp(frames_n, seen_n, boxes_n4[:, side]) for side in range(4)], axis=1
    )
    return frames_n, filled_n4


def _join_companions(paths: list[_Path], reach: float) -> list[_Path]:
    """Joins tracks that keep together, such as head and legs of a walker whose coat is not seen."""
    remaining = sorted(paths, key=lambda path: -float(_areas(path[1]).sum()))
    joined: list[_Path] = []
    while remaining:
        frames_n, boxes_n4 = remaining.pop(0)
        # A head joins the legs only once the coat between them has joined: look again.
        while (found := _companion(frames_n, boxes_n4, remaining, reach)) is not None:
            boxes_n4 = _union(frames_n, boxes_n4, *remaining.pop(found))
        joined.append((frames_n, boxes_n4))
    return joined


def _companion(
    frames_n: NDArray[np.intp], boxes_n4: NDArray[np.float64], others: list[_Path], reach: float
) -> int | None:
    for index, other in enumerate(others):
        if _keeps_with(frames_n, boxes_n4, *other, reach=reach):
            return index
    return None


def _keeps_with(
    frames_n: NDArray[np.intp],
    boxes_n4: NDArray[np.float64],
    other_frames_n: NDArray[np.intp],
    other_n4: NDArray[np.float64],
    *,
    reach: float,
) -> bool:
    common, mine, theirs = np.intersect1d(frames_n, other_frames_n, return_indices=True)
    if common.size < max(6, 0.6 * len(other_frames_n)):
        return False
    ours_n4, others_n4 = boxes_n4[mine], other_n4[theirs]
    high = float(np.median(ours_n4[:, 3] - ours_n4[:, 1]))
    aside_n = (others_n4[:, 0] + others_n4[:, 2] - ours_n4[:, 0] - ours_n4[:, 2]) / 2
    gap_n = np.maximum(others_n4[:, 1] - ours_n4[:, 3], ours_n4[:, 1] - others_n4[:, 3])
    travel = abs(float(ours_n4[-1, 0] + ours_n4[-1, 2] - ours_n4[0, 0] - ours_n4[0, 2])) / 2
    return bool(
        np.median(np.abs(aside_n)) < max(0.3 * high, 0.3 * reach)
        and np.ptp(aside_n) < max(0.5 * high, 0.5 * reach, 0.3 * travel)
        and np.median(gap_n) < max(0.8 * high, reach)
    )


def _union(
    frames_n: NDArray[np.intp],
    boxes_n4: NDArray[np.float64],
    other_frames_n: NDArray[np.intp],
    other_n4: NDArray[np.float64],
) -> NDArray[np.float64]:
    _, mine, theirs = np.intersect1d(frames_n, other_frames_n, return_indices=True)
    united_n4 = boxes_n4.copy()
    united_n4[mine, :2] = np.minimum(boxes_n4[mine, :2], other_n4[theirs, :2])
    united_n4[mine, 2:] = np.maximum(boxes_n4[mine, 2:], other_n4[theirs, 2:])
    return united_n4


def _areas(boxes_n4: NDArray[np.float64]) -> NDArray[np.float64]:
    return (boxes_n4[:, 2] - boxes_n4[:, 0]) * (boxes_n4[:, 3] - boxes_n4[:, 1])


def _stretches(
    frames_n: NDArray[np.intp], boxes_n4: NDArray[np.float64], scene: Scene
) -> list[Stretch]:
    """Cuts a path where the side of the picture hides the walker, and where they turn or stop."""
    rate = scene.frames_per_second
    window = max(3, round(_SMOOTH_SECONDS * rate)) | 1
    visible_n = ~_touches_side(frames_n, boxes_n4, scene)
    height = float(np.median(boxes_n4[:, 3] - boxes_n4[:, 1]))
    centre_n = uniform_filter1d((boxes_n4[:, 0] + boxes_n4[:, 2]) / 2, window, mode="nearest")
    speed_n = np.gradient(centre_n) * rate / height if centre_n.size > 1 else np.zeros(1)
    heading_n = np.where(np.abs(speed_n) < _SLOW, 0, np.sign(speed_n)).astype(int)
    heading_n = _bridge_pauses(heading_n, round(_PAUSE_SECONDS * rate))
    cuts = np.flatnonzero((np.diff(heading_n) != 0) | (np.diff(visible_n.astype(int)) != 0)) + 1
    found = []
    for part in np.split(np.arange(frames_n.size), cuts):
        if part.size >= _LEAST_SECONDS * rate and visible_n[part[0]]:
            smooth_n4 = uniform_filter1d(
                median_filter(boxes_n4[part], size=(window, 1), mode="nearest"),
                size=max(3, window // 2),
                axis=0,
                mode="nearest",
            )
            travel = _travel(boxes_n4[part], height)
            if travel >= _LEAST_TRAVEL:
                found.append(Stretch(frames_n[part], smooth_n4, travel))
    return found


def _bridge_pauses(heading_n: NDArray[np.int_], longest: int) -> NDArray[np.int_]:
    """Gives moments of no motion the heading around them when it is the same on both sides."""
    bridged_n = heading_n.copy()
    moving = np.flatnonzero(heading_n)
    for before, after in pairwise(moving.tolist()):
        if 1 < after - before <= longest and heading_n[before] == heading_n[after]:
            bridged_n[before:after] = heading_n[before]
    if moving.size and moving[0] <= longest:
        bridged_n[: moving[0]] = heading_n[moving[0]]
    if moving.size and heading_n.size - moving[-1] <= longest:
        bridged_n[moving[-1] :] = heading_n[moving[-1]]
    return bridged_n


def _travel(boxes_n4: NDArray[np.float64], height: float) -> float:
    """In heights: across the picture, or towards or away from the camera."""
    edge = max(1, len(boxes_n4) // 6)
    first_4 = np.median(boxes_n4[:edge], axis=0)
    last_4 = np.median(boxes_n4[-edge:], axis=0)
    across = abs(last_4[0] + last_4[2] - first_4[0] - first_4[2]) / 2 / height
    nearer = abs(np.log(max(last_4[3] - last_4[1], 1.0) / max(first_4[3] - first_4[1], 1.0)))
    return float(np.hypot(across, _DEPTH_WEIGHT * nearer))


def _touches_side(
    frames_n: NDArray[np.intp], boxes_n4: NDArray[np.float64], scene: Scene
) -> NDArray[np.bool_]:
    return _leaves(boxes_n4[:, 0], boxes_n4[:, 2], scene.shifts_t2[frames_n, 0], scene.width)


def _cut_share(walk: Stretch, scene: Scene) -> float:
    moved_n = scene.shifts_t2[walk.frames_n, 1]
    return float(_leaves(walk.boxes_n4[:, 1], walk.boxes_n4[:, 3], moved_n, scene.height).mean())


def _leaves(
    first_n: NDArray[np.float64],
    last_n: NDArray[np.float64],
    moved_n: NDArray[np.float64],
    side: int,
) -> NDArray[np.bool_]:
    """Whether a box ends where the picture ends, which the camera's drift may have moved."""
    margin = max(_BORDER_PIXELS, _BORDER * side)
    return (first_n <= np.maximum(moved_n, 0.0) + margin) | (
        last_n >= side + np.minimum(moved_n, 0.0) - margin
    )


def _is_person(walk: Stretch, scene: Scene) -> bool:
    width = float(np.median(walk.boxes_n4[:, 2] - walk.boxes_n4[:, 0]))
    tall_enough = walk.height >= _LEAST_HEIGHT * min(scene.width, scene.height)
    return tall_enough and _BROADEST <= walk.height / width <= _SLIMMEST


def _reason(paths: list[_Path], walks: list[Stretch], scene: Scene) -> WalkRefused:
    """Why no walk can be used."""
    least = _LEAST_HEIGHT * min(scene.width, scene.height)
    large = [
        (frames, boxes)
        for frames, boxes in paths
        if np.median(boxes[:, 3] - boxes[:, 1]) >= least
        and len(frames) >= _LEAST_SECONDS * scene.frames_per_second
    ]
    for walk in walks:
        if walk.height >= least and _cut_share(walk, scene) > _CUT_SHARE:
            return WalkerCutOff("Somebody walks, but head or feet lie outside the picture.")
    for frames_n, boxes_n4 in large:
        if _touches_side(frames_n, boxes_n4, scene).mean() > _CUT_SHARE and len(frames_n) > 5:
            return WalkerCutOff("Somebody is seen only at the side of the picture.")
    for frames_n, boxes_n4 in large:
        high = float(np.median(boxes_n4[:, 3] - boxes_n4[:, 1]))
        wide = float(np.median(boxes_n4[:, 2] - boxes_n4[:, 0]))
        stays = len(frames_n) >= _STAYS_SHARE * len(scene.shifts_t2)
        if high / wide >= (_LIMBS_BREADTH if stays else _BROADEST):
            return WalkerStandsStill("Somebody moves in the picture, but stays in one place.")
    return NoWalkerFound(
        "Nothing in the recording moves like a walking person: the scene is empty, or whoever is"
        " in it stands still."
    )
