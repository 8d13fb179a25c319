"""The stretches of a path in which somebody walks in one direction, wholly in the picture.

Shape letters: T frames of the recording, N frames of a stretch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from model.capture.paths import Path
from model.capture.recording import Direction

LEAST_SECONDS = 0.5
"""Of a stretch."""
_LEAST_HEIGHT = 0.12
"""Of a walker, as a share of the frame's shorter side."""
_SLIMMEST, _BROADEST = 6.0, 1.3
"""Height over width of a walking person: arms folded, feet together; a full stride with a bag."""
_LEAST_TRAVEL, _LEAST_BEFORE_CROSSING = 0.5, 0.25
"""Of a walk, in heights of the walker; who ran into a crossing went on in it, out of sight."""
_DEPTH_WEIGHT = 3.0
"""A walker who comes nearer by a third has covered about one height of the picture."""
_SLOW, _FASTEST = 0.12, 3.0
"""Heights per second between which one walks or runs past; an ordinary pace is about 0.8."""
_UNSTEADY = 0.14
"""Logarithm of the height, about its trend: who jumps, falls or crouches does not walk."""
_PAUSE_SECONDS = 0.5
_SMOOTH_SECONDS = 0.4
_TURN_SECONDS = 1.0
"""Over which the size is averaged to tell coming from going: the body rises twice a cycle."""
_BORDER = 0.008
_BORDER_PIXELS = 1.5
"""Of the frame's side: a box that ends this near to the border goes on beyond it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the paths lie in.

    Attributes:
        width: of the frames, in pixels.
        height: of the frames, in pixels.
        frames_per_second: of the recording.
        shifts_t2: how far each frame was moved right and down to take back the camera's drift.
        pan_t2: where a moving camera looks, right and down, in pixels; zero for a fixed one.
    """

    width: int
    height: int
    frames_per_second: float
    shifts_t2: NDArray[np.float64]
    pan_t2: NDArray[np.float64]

    @property
    def least_height(self) -> float:
        """Of a walker, in pixels."""
        return _LEAST_HEIGHT * min(self.width, self.height)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a path in which somebody walks in one direction, wholly in the picture.

    Attributes:
        frames_n: frame numbers, without gaps.
        boxes_n4: left, top, right, bottom in each, smoothed, in pixels of the stabilised frames.
        across: signed, to the right, in heights of the walker.
        nearer: signed, towards the camera, as far as one would have to walk across for the same
            change of the picture, in heights of the walker.
        cut_share: share of the frames in which head or feet lie outside the picture.
    """

    frames_n: NDArray[np.intp]
    boxes_n4: NDArray[np.float64]
    across: float
    nearer: float
    cut_share: float

    @property
    def height(self) -> float:
        """Median height of the boxes, in pixels."""
        return float(np.median(self.boxes_n4[:, 3] - self.boxes_n4[:, 1]))

    @property
    def travel(self) -> float:
        """In heights of the walker."""
        return float(np.hypot(self.across, self.nearer))

    @property
    def direction(self) -> Direction:
        """As the camera sees it."""
        if abs(self.across) >= abs(self.nearer):
            return "right" if self.across > 0 else "left"
        return "towards" if self.nearer > 0 else "away"

    def only(self, chosen_n: NDArray[np.bool_]) -> Stretch:
        """The longest run of chosen frames."""
        edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen_n, [False]]).astype(int)))
        first, last = max(
            zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[1] - run[0]
        )
        share = (last - first) / chosen_n.size
        return Stretch(
            self.frames_n[first:last],
            self.boxes_n4[first:last],
            self.across * share,
            self.nearer * share,
            self.cut_share,
        )

    def scaled(self, factor: float) -> Stretch:
        """The same stretch in frames that are larger by a factor."""
        return Stretch(
            self.frames_n, self.boxes_n4 * factor, self.across, self.nearer, self.cut_share
        )


def apart_at_sides(path: Path, scene: Scene) -> list[Path]:
    """Cuts a path where the side of the picture hides its walker: somebody else may come back."""
    hidden_n = touches_side(path, scene)
    edges = np.flatnonzero(np.diff(hidden_n.astype(int)))
    least = max(2, round(LEAST_SECONDS * scene.frames_per_second))
    cuts = [0]
    for begin, end in pairwise(edges.tolist()):
        middle = (begin + end) // 2 + 1
        if hidden_n[middle] and min(middle - cuts[-1], hidden_n.size - middle) >= least:
            cuts.append(middle)
    return [
        path.between(path.first + begin, path.first + end - 1)
        for begin, end in pairwise([*cuts, hidden_n.size])
    ]


def stretches(path: Path, scene: Scene, *, crosses: bool = False) -> list[Stretch]:
    """Cuts a path where the side of the picture hides the walker, and where they turn or stop.

    Args:
        path: of one thing that moves.
        scene: what it lies in.
        crosses: whether the path ends in a crossing, or begins in one.
    """
    if path.frames_n.size < max(2.0, LEAST_SECONDS * scene.frames_per_second):
        return []
    boxes_n4 = _in_the_world(path, scene)
    visible_n = ~touches_side(path, scene)
    heading_n = _heading(boxes_n4, path.height, scene.frames_per_second)
    cuts = np.flatnonzero((np.diff(heading_n) != 0) | (np.diff(visible_n.astype(int)) != 0)) + 1
    found = []
    for part_n in np.split(np.arange(path.frames_n.size), cuts):
        if visible_n[part_n[0]]:
            pieces = [part_n]
            if heading_n[part_n[0]] == 0:
                pieces = _split_at_turn(part_n, boxes_n4, scene.frames_per_second)
            least = _LEAST_BEFORE_CROSSING if crosses else _LEAST_TRAVEL
            drafts = [_stretch(path, boxes_n4, piece_n, scene, least) for piece_n in pieces]
            found += [stretch for stretch in drafts if stretch is not None]
    return found


def is_person(stretch: Stretch, scene: Scene) -> bool:
    """Whether something that moves is tall, slim, slow and steady enough for somebody on foot."""
    width = float(np.median(stretch.boxes_n4[:, 2] - stretch.boxes_n4[:, 0]))
    size_n = np.log(np.maximum(stretch.boxes_n4[:, 3] - stretch.boxes_n4[:, 1], 1.0))
    steps_n = np.arange(size_n.size)
    strayed_n = np.abs(size_n - np.polyval(np.polyfit(steps_n, size_n, 1), steps_n))
    seconds = len(stretch.frames_n) / scene.frames_per_second
    return (
        stretch.height >= scene.least_height
        and _BROADEST <= stretch.height / width <= _SLIMMEST
        and abs(stretch.across) <= _FASTEST * seconds
        and float(np.percentile(strayed_n, 80)) <= _UNSTEADY
    )


def is_upright(path: Path, scene: Scene) -> bool:
    """Whether a path may be a person's, who need not walk."""
    return path.height >= scene.least_height and _BROADEST <= path.height / path.width <= _SLIMMEST


def touches_side(path: Path, scene: Scene) -> NDArray[np.bool_]:
    """In which frames the left or right side of the picture hides a part of the walker, (N,)."""
    moved_n = scene.shifts_t2[path.frames_n, 0]
    return _leaves(path.boxes_n4[:, 0], path.boxes_n4[:, 2], moved_n, scene.width)


def _stretch(
    path: Path,
    world_n4: NDArray[np.float64],
    part_n: NDArray[np.intp],
    scene: Scene,
    least_travel: float,
) -> Stretch | None:
    rate = scene.frames_per_second
    if part_n.size < LEAST_SECONDS * rate:
        return None
    across, nearer = _travel(world_n4[part_n], path.height)
    if np.hypot(across, nearer) < least_travel:
        return None
    window = _window(_SMOOTH_SECONDS, rate)
    smooth_n4 = uniform_filter1d(
        median_filter(path.boxes_n4[part_n], size=(window, 1), mode="nearest"),
        size=max(3, window // 2),
        axis=0,
        mode="nearest",
    )
    frames_n = path.frames_n[part_n]
    moved_n = scene.shifts_t2[frames_n, 1]
    cut_n = _leaves(smooth_n4[:, 1], smooth_n4[:, 3], moved_n, scene.height)
    return Stretch(frames_n, smooth_n4, across, nearer, float(cut_n.mean()))


def _in_the_world(path: Path, scene: Scene) -> NDArray[np.float64]:
    return path.boxes_n4 + np.tile(scene.pan_t2[path.frames_n], 2)


def _window(seconds: float, rate: float) -> int:
    return max(3, round(seconds * rate)) | 1


def _heading(
    boxes_n4: NDArray[np.float64], height: float, frames_per_second: float
) -> NDArray[np.int_]:
    """-1 to the left, 1 to the right, 0 neither, for each frame."""
    window = _window(_SMOOTH_SECONDS, frames_per_second)
    centre_n = uniform_filter1d((boxes_n4[:, 0] + boxes_n4[:, 2]) / 2, window, mode="nearest")
    speed_n = np.gradient(centre_n) * frames_per_second / height
    heading_n = np.where(np.abs(speed_n) < _SLOW, 0, np.sign(speed_n)).astype(int)
    return _bridge_pauses(heading_n, round(_PAUSE_SECONDS * frames_per_second))


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


def _split_at_turn(
    part_n: NDArray[np.intp], boxes_n4: NDArray[np.float64], frames_per_second: float
) -> list[NDArray[np.intp]]:
    """Cuts where somebody who came nearer goes away again, or the other way round."""
    window = _window(_TURN_SECONDS, frames_per_second)
    if part_n.size < 2 * window:
        return [part_n]
    high_n = np.maximum(boxes_n4[part_n, 3] - boxes_n4[part_n, 1], 1.0)
    size_n = uniform_filter1d(
        median_filter(np.log(high_n), window, mode="nearest"), window, mode="nearest"
    )
    for extreme in (int(np.argmax(size_n)), int(np.argmin(size_n))):
        change = min(abs(size_n[extreme] - size_n[0]), abs(size_n[extreme] - size_n[-1]))
        if _DEPTH_WEIGHT * change >= _LEAST_TRAVEL:
            return [part_n[:extreme], part_n[extreme:]]
    return [part_n]


def _travel(boxes_n4: NDArray[np.float64], height: float) -> tuple[float, float]:
    """(across, nearer), in heights."""
    edge = max(1, len(boxes_n4) // 6)
    first_4 = np.median(boxes_n4[:edge], axis=0)
    last_4 = np.median(boxes_n4[-edge:], axis=0)
    across = (last_4[0] + last_4[2] - first_4[0] - first_4[2]) / 2 / height
    growth = max(last_4[3] - last_4[1], 1.0) / max(first_4[3] - first_4[1], 1.0)
    return float(across), float(_DEPTH_WEIGHT * np.log(growth))


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
