"""Tracks of pieces → paths of whole things: gaps filled, head and legs put together.

Shape letters: N frames of a path, M of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.capture.tracking import Track

_REACH = 0.25
"""Of the frame's height: how far apart the pieces of a walker may lie whose coat is not seen."""
_LEAST_SECONDS = 0.3
"""A track that is seen for less is a flicker."""
_LOST_SECONDS = 0.4
"""Within which somebody is found again of whom a part is no longer seen, or is seen again..."""
_OVERLAP_SECONDS = 0.12
"""...or was followed twice, as a whole and as a part..."""
_ASIDE, _IN_LINE = 0.25, 0.1
"""...and heights of the whole, by which the parts' middles, and crowns or soles, may differ."""


@dataclass(frozen=True, slots=True)
class Path:
    """Where one thing is from its first to its last sighting.

    Attributes:
        frames_n: frame numbers, without gaps.
        boxes_n4: left, top, right, bottom in each, in pixels.
        seen_n: False where the thing was out of sight and its box is interpolated.
    """

    frames_n: NDArray[np.intp]
    boxes_n4: NDArray[np.float64]
    seen_n: NDArray[np.bool_]

    @property
    def first(self) -> int:
        """Number of the first frame."""
        return int(self.frames_n[0])

    @property
    def last(self) -> int:
        """Number of the last frame."""
        return int(self.frames_n[-1])

    @property
    def height(self) -> float:
        """Median height of the boxes, in pixels."""
        return float(np.median(self.boxes_n4[:, 3] - self.boxes_n4[:, 1]))

    @property
    def width(self) -> float:
        """Median width of the boxes, in pixels."""
        return float(np.median(self.boxes_n4[:, 2] - self.boxes_n4[:, 0]))

    def box_4(self, frame: int) -> NDArray[np.float64] | None:
        """Left, top, right, bottom in a frame in which the thing was seen; None in others."""
        number = frame - self.first
        if 0 <= number < self.frames_n.size and self.seen_n[number]:
            return np.asarray(self.boxes_n4[number], dtype=np.float64)
        return None

    def between(self, first: int, last: int) -> Path:
        """The part of the path from one frame to another, both included."""
        part = slice(max(0, first - self.first), max(0, last + 1 - self.first))
        return Path(self.frames_n[part], self.boxes_n4[part], self.seen_n[part])


def paths_of_tracks(
    tracks: Sequence[Track], frames_per_second: float, frame_height: int
) -> list[Path]:
    """Fills the gaps of tracks, joins those that keep together and those that go on as others.

    Args:
        tracks: what `follow` made of the pieces of foreground.
        frames_per_second: to know what is a flicker.
        frame_height: rows of the frames.
    """
    followed = [
        _without_gaps(track)
        for track in tracks
        if track.frames[-1] - track.frames[0] >= _LEAST_SECONDS * frames_per_second
    ]
    joined = _join_companions(followed, _REACH * frame_height)
    return _join_successors(joined, frames_per_second)


def _without_gaps(track: Track) -> Path:
    seen_n = np.array(track.frames)
    boxes_n4 = np.array([[box.left, box.top, box.right, box.bottom] for box in track.boxes])
    frames_n = np.arange(seen_n[0], seen_n[-1] + 1)
    filled_n4 = np.stack(
        [np.interp(frames_n, seen_n, boxes_n4[:, side]) for side in range(4)], axis=1
    )
    return Path(frames_n, filled_n4, np.isin(frames_n, seen_n))


def _join_companions(paths: list[Path], reach: float) -> list[Path]:
    """Joins tracks that keep together, such as head and legs of a walker whose coat is not seen."""
    remaining = sorted(paths, key=lambda path: -float(_areas(path.boxes_n4).sum()))
    joined: list[Path] = []
    while remaining:
        path = remaining.pop(0)
        # A head joins the legs only once the coat between them has joined: look again.
        while (found := _companion(path, remaining, reach)) is not None:
            path = _united(path, remaining.pop(found))
        joined.append(path)
    return joined


def _companion(path: Path, others: list[Path], reach: float) -> int | None:
    for index, other in enumerate(others):
        if _keeps_with(path, other, reach):
            return index
    return None


def _keeps_with(path: Path, other: Path, reach: float) -> bool:
    common, mine, theirs = np.intersect1d(path.frames_n, other.frames_n, return_indices=True)
    if common.size < max(6, 0.6 * len(other.frames_n)):
        return False
    ours_n4, others_n4 = path.boxes_n4[mine], other.boxes_n4[theirs]
    high = float(np.median(ours_n4[:, 3] - ours_n4[:, 1]))
    aside_n = (others_n4[:, 0] + others_n4[:, 2] - ours_n4[:, 0] - ours_n4[:, 2]) / 2
    gap_n = np.maximum(others_n4[:, 1] - ours_n4[:, 3], ours_n4[:, 1] - others_n4[:, 3])
    travel = abs(float(ours_n4[-1, 0] + ours_n4[-1, 2] - ours_n4[0, 0] - ours_n4[0, 2])) / 2
    return bool(
        np.median(np.abs(aside_n)) < max(0.3 * high, 0.3 * reach)
        and np.ptp(aside_n) < max(0.5 * high, 0.5 * reach, 0.3 * travel)
        and np.median(gap_n) < max(0.8 * high, reach)
    )


def _united(path: Path, other: Path) -> Path:
    _, mine, theirs = np.intersect1d(path.frames_n, other.frames_n, return_indices=True)
    united_n4 = path.boxes_n4.copy()
    united_n4[mine, :2] = np.minimum(path.boxes_n4[mine, :2], other.boxes_n4[theirs, :2])
    united_n4[mine, 2:] = np.maximum(path.boxes_n4[mine, 2:], other.boxes_n4[theirs, 2:])
    return Path(path.frames_n, united_n4, path.seen_n)


def _join_successors(paths: list[Path], frames_per_second: float) -> list[Path]:
    """Joins paths of one walker whose legs, or coat, were lost or found from one frame to the next.

    The tracker takes a piece of another height for another thing.
    """
    remaining = sorted(paths, key=lambda path: path.first)
    joined: list[Path] = []
    while remaining:
        path = remaining.pop(0)
        while (found := _successor(path, remaining, frames_per_second)) is not None:
            path = _followed_by(path, remaining.pop(found))
        joined.append(path)
    return joined


def _successor(path: Path, others: list[Path], frames_per_second: float) -> int | None:
    for index, other in enumerate(others):
        gap = other.first - path.last
        if -_OVERLAP_SECONDS <= gap / frames_per_second <= _LOST_SECONDS and other.last > path.last:
            ours_4, theirs_4 = path.boxes_n4[-1], other.boxes_n4[max(0, path.last - other.first)]
            tall = max(ours_4[3] - ours_4[1], theirs_4[3] - theirs_4[1])
            aside = abs(ours_4[0] + ours_4[2] - theirs_4[0] - theirs_4[2]) / 2
            off = np.abs(ours_4[1::2] - theirs_4[1::2]).min()
            if aside <= _ASIDE * tall and off <= _IN_LINE * tall:
                return index
    return None


def _followed_by(path: Path, other: Path) -> Path:
    """One path from the first frame of the one to the last of the other."""
    rest = other.between(path.last + 1, other.last)
    known_n = np.concatenate([path.frames_n, rest.frames_n])
    boxes_n4 = np.concatenate([path.boxes_n4, rest.boxes_n4])
    frames_n = np.arange(path.first, rest.last + 1)
    filled_n4 = np.stack(
        [np.interp(frames_n, known_n, boxes_n4[:, side]) for side in range(4)], axis=1
    )
    seen_n = np.isin(frames_n, known_n[np.concatenate([path.seen_n, rest.seen_n])])
    return Path(frames_n, filled_n4, seen_n)


def _areas(boxes_n4: NDArray[np.float64]) -> NDArray[np.float64]:
    return (boxes_n4[:, 2] - boxes_n4[:, 0]) * (boxes_n4[:, 3] - boxes_n4[:, 1])
