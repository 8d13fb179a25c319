"""The people in one window of a recording, each followed over crossings, and where they walk.

Shape letters: N frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from model.capture.body_extent import whole_body
from model.capture.crossings import Crossing, part_at_crossings
from model.capture.look import Look, look_of
from model.capture.motion import departure
from model.capture.no_walk import CUT_SHARE, reason
from model.capture.paths import Path, paths_of_tracks
from model.capture.segmenter import Foreground
from model.capture.stretch import (
    Scene,
    Stretch,
    apart_at_sides,
    is_person,
    is_upright,
    stretches,
)
from model.capture.touching import part_touching
from model.capture.tracking import follow, pieces_of_frame

_SAME_PERSON = 0.4
"""Heights between the middles of two stretches that may be head and legs of one person."""
_LOOK_WEIGHT, _LOOK_MOST = 6.0, 3.0
"""Half of the clothes' colours in common weighs as much as going on where one was heading."""
_HEIGHT_WEIGHT = 2.0
_UNLIKE = 3.0
"""Beyond it nobody goes on as somebody else, although nobody else came out of the crossing."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who walks in a window.

    Attributes:
        paths: where they are, in order; gaps are crossings.
        walks: the stretches of it in which they walk, wholly in the picture; none for somebody
            whose head or feet stay outside.
        look: of their clothes.
    """

    paths: tuple[Path, ...]
    walks: tuple[Stretch, ...]
    look: Look

    @property
    def first(self) -> int:
        """Number of the first frame."""
        return self.paths[0].first

    def is_seen_with(self, first: int, last: int) -> int:
        """In how many frames from one to another the person is in the picture."""
        return sum(max(0, min(last, path.last) - max(first, path.first) + 1) for path in self.paths)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who and what moves in a window.

    Attributes:
        people: who walk, in order of appearance.
        paths: of everything upright that moves, the merged pieces of crossings included.
        strays: paths at crossings that are none of these people's: merged pieces, and who was seen
            for too short a time.
    """

    people: tuple[Person, ...]
    paths: tuple[Path, ...]
    strays: tuple[Path, ...]


def find_people(foreground: Foreground) -> Crowd:
    """Follows everything that moves and tells people who walk from the rest.

    Raises:
        NoWalkerFound: nothing like a person moves.
        WalkerStandsStill: somebody moves, but does not get anywhere.
        WalkerCutOff: somebody walks, but head, feet or a side stay outside the picture.
    """
    scene = foreground.scene
    pieces_t = [pieces_of_frame(mask_hw) for mask_hw in foreground.masks_thw]
    pieces_t = part_touching(pieces_t, foreground.masks_thw, scene.frames_per_second)
    tracks = follow(pieces_t, scene.frames_per_second)
    whole_paths = [
        part
        for path in paths_of_tracks(tracks, scene.frames_per_second, scene.height)
        for part in apart_at_sides(path, scene)
    ]
    parts, crossings, merged = part_at_crossings(whole_paths, scene)
    at_crossings = {n for one in crossings for n in (*one.before, *one.after)}
    parts = [whole_body(part, foreground.masks_thw, scene) for part in parts]
    moving = [
        stretches(part, scene, crosses=number in at_crossings) for number, part in enumerate(parts)
    ]
    walking = _without_doubles(
        [[one for one in found if is_person(one, scene)] for found in moving]
    )
    if not any(one.cut_share <= CUT_SHARE for found in walking for one in found):
        raise reason(whole_paths, [one for found in moving for one in found], scene)
    looks = {
        number: _look(parts[number], foreground)
        for number in {
            *(number for number, found in enumerate(walking) if found),
            *at_crossings,
        }
    }
    groups = _linked(parts, crossings, looks, scene)
    walkers = [members for members in groups if any(walking[member] for member in members)]
    people = [_person(members, parts, walking, looks) for members in walkers]
    nobodies = at_crossings.difference(*walkers)
    return Crowd(
        tuple(sorted(people, key=lambda person: person.first)),
        tuple(
            path
            for path in whole_paths
            if is_upright(path, scene) or path.height >= scene.least_height
        ),
        (*merged, *(parts[number] for number in sorted(nobodies))),
    )


def _look(path: Path, foreground: Foreground) -> Look:
    return look_of(path, foreground.frames, foreground.gains_tc, foreground.masks_thw)


def _person(
    members: Sequence[int],
    parts: Sequence[Path],
    walking: Sequence[Sequence[Stretch]],
    looks: dict[int, Look],
) -> Person:
    ordered = sorted(members, key=lambda member: parts[member].first)
    seen = [looks[member] for member in ordered if member in looks]
    look = seen[0]
    for more in seen[1:]:
        look = look.with_more(more)
    return Person(
        tuple(parts[member] for member in ordered),
        tuple(
            walk for member in ordered for walk in walking[member] if walk.cut_share <= CUT_SHARE
        ),
        look,
    )


def _without_doubles(walking: list[list[Stretch]]) -> list[list[Stretch]]:
    """Of stretches that lie over each other, pieces of one person, keeps the largest."""
    ranked = sorted(
        ((one, number) for number, found in enumerate(walking) for one in found),
        key=lambda ranked_one: -len(ranked_one[0].frames_n) * ranked_one[0].height,
    )
    kept: list[list[Stretch]] = [[] for _ in walking]
    for one, number in ranked:
        if not any(_lies_over(one, other) for found in kept for other in found):
            kept[number].append(one)
    return [sorted(found, key=lambda one: int(one.frames_n[0])) for found in kept]


def _lies_over(other: Stretch, walk: Stretch) -> bool:
    """Whether a stretch keeps so close to a walk that it is a piece of the same person."""
    _, theirs, ours = np.intersect1d(other.frames_n, walk.frames_n, return_indices=True)
    if ours.size == 0:
        return False
    others_n4, walk_n4 = other.boxes_n4[theirs], walk.boxes_n4[ours]
    aside_n = (others_n4[:, 0] + others_n4[:, 2] - walk_n4[:, 0] - walk_n4[:, 2]) / 2
    return float(np.median(np.abs(aside_n))) < _SAME_PERSON * max(walk.height, other.height)


def _linked(
    parts: Sequence[Path],
    crossings: Sequence[Crossing],
    looks: dict[int, Look],
    scene: Scene,
) -> list[list[int]]:
    """Numbers of the parts, grouped by the person they show."""
    group = list(range(len(parts)))
    for crossing in crossings:
        cost = np.array(
            [
                [
                    _unlikeness(parts, looks, before, after, scene.frames_per_second)
                    for after in crossing.after
                ]
                for before in crossing.before
            ]
        )
        for row, column in zip(*linear_sum_assignment(cost), strict=True):
            if cost[row, column] < _UNLIKE:
                old, new = group[crossing.after[column]], group[crossing.before[row]]
                group = [new if one == old else one for one in group]
    return [
        [member for member, own in enumerate(group) if own == one] for one in sorted(set(group))
    ]


def _unlikeness(
    parts: Sequence[Path], looks: dict[int, Look], before: int, after: int, rate: float
) -> float:
    """How unlikely it is that who ran into a crossing came out of it as another part."""
    clothes = min(_LOOK_WEIGHT * looks[before].distance(looks[after]), _LOOK_MOST)
    size = _HEIGHT_WEIGHT * abs(np.log(parts[before].height / parts[after].height))
    return float(departure(parts[before], parts[after], rate) + clothes + size)
