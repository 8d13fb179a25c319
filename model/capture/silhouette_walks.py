"""A bundle of silhouettes → the walk it shows, or the walks of two people it jumps between.

Each frame of a bundle gives the largest silhouette in it. With two people of one size, now the one
is the largest and now the other: what looks like one walker who is in two places by turns is two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from model.capture.recording import CapturedWalk, Direction, Recording
from model.capture.tracking import Box, Track, follow
from model.silhouettes import Silhouette, SilhouetteSequence

_USUAL_RATE = 25.0
"""Frames per second assumed of a bundle that does not say."""
_PERSON_SHARE = 0.15
"""Of the silhouettes, that lie on one way, to be a person's; the rest are faults."""
_LEAST_TRAVEL = 0.5
"""Heights from the first to the last place; who is cut to the frame seems to stay."""


def recording_of_silhouettes(sequence: SilhouetteSequence) -> Recording:
    """Tells whether a bundle shows one walk or several people at the same time.

    Args:
        sequence: at least one silhouette.
    """
    frames = len(sequence.silhouettes)
    people = _people(sequence)
    walks = [
        _walk(sequence, chosen, number, len(people)) for number, chosen in enumerate(people, 1)
    ]
    return Recording(tuple(walks), frames, None)


def _people(sequence: SilhouetteSequence) -> list[list[int]]:
    """The frames of each person, the one who is seen first at first."""
    seen = [frame for frame, one in enumerate(sequence.silhouettes) if one is not None]
    boxes_t = [[_place(one)] if one else [] for one in sequence.silhouettes]
    tracks = [
        track
        for track in follow(boxes_t, sequence.frames_per_second or _USUAL_RATE)
        if len(track.frames) >= _PERSON_SHARE * len(seen)
    ]
    if any(_take_turns(one, other) for one, other in combinations(tracks, 2)):
        return sorted((track.frames for track in tracks), key=lambda own: own[0])
    return [seen]


def _place(silhouette: Silhouette) -> tuple[Box, int]:
    right, bottom = silhouette.left + silhouette.width, silhouette.top + silhouette.height
    return Box(silhouette.left, silhouette.top, right, bottom), silhouette.area


def _take_turns(one: Track, other: Track) -> bool:
    """Whether two tracks are followed at the same time."""
    first, last = max(one.frames[0], other.frames[0]), min(one.frames[-1], other.frames[-1])
    shorter = min(one.frames[-1] - one.frames[0], other.frames[-1] - other.frames[0])
    return last - first >= 0.5 * shorter


def _walk(
    sequence: SilhouetteSequence, chosen: Sequence[int], number: int, people: int
) -> CapturedWalk:
    first, last = chosen[0], chosen[-1]
    own = set(chosen)
    silhouettes = tuple(
        sequence.silhouettes[frame] if frame in own else None for frame in range(first, last + 1)
    )
    return CapturedWalk(
        sequence=replace(sequence, silhouettes=silhouettes),
        walker=number,
        first_frame=first,
        direction=_direction([one for one in silhouettes if one is not None]),
        people=people,
        seen_with=frozenset(range(1, people + 1)) - {number},
    )


def _direction(found: Sequence[Silhouette]) -> Direction | None:
    edge = max(1, len(found) // 6)
    middle_n = np.array([one.left + one.width / 2 for one in found])
    height = float(np.median([one.height for one in found]))
    across = (np.median(middle_n[-edge:]) - np.median(middle_n[:edge])) / height
    if abs(across) < _LEAST_TRAVEL:
        return None
    return "right" if across > 0 else "left"
