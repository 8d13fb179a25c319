"""Pieces of foreground, frame by frame → tracks of things that move.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.binary import close_gaps, majority

_JOIN_DOWN, _JOIN_ACROSS = 0.06, 0.015
"""Gaps that are closed before pieces are told apart, as shares of the frame's height."""
_LEAST_HEIGHT = 0.08
"""Of a piece worth following, as a share of the frame's height."""
_LEAST_FILL = 0.12
"""Share of its box that a piece fills, once gaps are closed."""
_MOST_PIECES = 12
_GATE = 0.35
"""How far a track's box may be from where it was expected, in box heights."""
_SIZE_CHANGE = 1.6
"""Largest factor between the heights of one thing in two frames that follow each other."""
_MEMORY_SECONDS = 0.4
"""A track survives this long unseen."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where something is in a frame, in pixels; right and bottom lie outside."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Columns."""
        return self.right - self.left

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y)."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


Piece = tuple[Box, int]
"""Box and area of a piece of foreground."""


@dataclass(slots=True)
class Track:
    """One moving thing over time."""

    frames: list[int] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    areas: list[int] = field(default_factory=list)

    def add(self, frame: int, box: Box, area: int) -> None:
        """Appends a sighting."""
        self.frames.append(frame)
        self.boxes.append(box)
        self.areas.append(area)

    def expected_centre(self, frame: int) -> tuple[float, float]:
        """Where its centre should be by now, at the speed of the last few sightings."""
        x, y = self.boxes[-1].centre
        back = max(0, len(self.frames) - 6)
        elapsed = self.frames[-1] - self.frames[back]
        if elapsed == 0:
            return x, y
        x_then, y_then = self.boxes[back].centre
        ahead = (frame - self.frames[-1]) / elapsed
        return x + ahead * (x - x_then), y + ahead * (y - y_then)


def pieces_of_frame(foreground_hw: NDArray[np.uint8]) -> list[tuple[Box, int]]:
    """Boxes and areas of the pieces of one frame that are large enough to be followed."""
    height = foreground_hw.shape[0]
    across = max(1, round(_JOIN_ACROSS * height)) | 1
    down = max(3, round(_JOIN_DOWN * height)) | 1
    pieces: list[tuple[Box, int]] = []
    # Pieces are told apart in the box that holds them all: most of the frame is empty.
    left, top, wide, high = cv2.boundingRect(foreground_hw)
    if wide == 0:
        return pieces
    x, y = max(0, left - 1), max(0, top - 1)
    part_hw = majority(foreground_hw[y : top + high + 1, x : left + wide + 1], 3)
    _, _, stats_n5, _ = cv2.connectedComponentsWithStats(
        close_gaps(part_hw, down, across), connectivity=8, ltype=cv2.CV_16U
    )
    for left, top, wide, high, area in stats_n5[1:].tolist():
        if high >= _LEAST_HEIGHT * height and area >= _LEAST_FILL * wide * high:
            box = Box(x + left, y + top, x + left + wide, y + top + high)
            pieces.append((box, area))
    return sorted(pieces, key=lambda piece: -piece[1])[:_MOST_PIECES]


def follow(pieces_t: list[list[tuple[Box, int]]], frames_per_second: float) -> list[Track]:
    """Links the pieces of all frames to tracks, nearest first.

    Args:
        pieces_t: per frame, what `pieces_of_frame` found.
        frames_per_second: to know how long a track may be out of sight.
    """
    memory = max(2, round(_MEMORY_SECONDS * frames_per_second))
    finished: list[Track] = []
    live: list[Track] = []
    for frame, pieces in enumerate(pieces_t):
        finished += [track for track in live if frame - track.frames[-1] > memory]
        live = [track for track in live if frame - track.frames[-1] <= memory]
        links = sorted(
            (_distance(track, frame, box), -area, order, number)
            for order, track in enumerate(live)
            for number, (box, area) in enumerate(pieces)
        )
        taken_tracks: set[int] = set()
        taken_pieces: set[int] = set()
        for distance, _, order, number in links:
            if distance > 1.0 or order in taken_tracks or number in taken_pieces:
                continue
            live[order].add(frame, *pieces[number])
            taken_tracks.add(order)
            taken_pieces.add(number)
        for number, (box, area) in enumerate(pieces):
            if number not in taken_pieces:
                track = Track()
                track.add(frame, box, area)
                live.append(track)
    return finished + live


def _distance(track: Track, frame: int, box: Box) -> float:
    """0 for a perfect continuation, above 1 for an impossible one."""
    last = track.boxes[-1]
    high = max(last.height, box.height)
    growth = max(last.height, box.height) / max(1.0, min(last.height, box.height))
    x, y = track.expected_centre(frame)
    there_x, there_y = box.centre
    away = float(np.hypot(there_x - x, there_y - y)) / high
    patience = 1.0 + 0.15 * (frame - track.frames[-1] - 1)
    if growth > _SIZE_CHANGE * patience:
        return 2.0
    return away / (_GATE * patience) * 0.8 + 0.2 * (growth - 1.0) / (_SIZE_CHANGE - 1.0)
