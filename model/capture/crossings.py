"""Where two people meet in the picture and their pieces of foreground run together.

A merged piece is nobody's silhouette: the paths of both end where it begins, and new ones begin
where it falls apart. Who went on as whom is decided later, from motion and clothes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.capture.paths import Path
from model.capture.stretch import Scene, is_upright

_COVERED = 0.6
"""Share of a person's last box that the merged piece covers."""
_PATIENCE = 3
"""Frames within which one thing's end and another's beginning are one event."""
_RIVAL_HEIGHT = 0.5
"""Of the larger one's; what is smaller is a limb, or too far off to spoil the outline."""
_APART, _APART_AS_TALL = 0.6, 0.4
"""Heights between the middles of two people at some time; the legs of one stay closer. Who is as
tall as the other is no leg."""
_AS_TALL = 0.75
_BROADER = 1.3
"""Of one person's width, that a merged piece reaches at some time."""
_STILL_BROADER = 1.2
_BRIEF_SECONDS = 1.0
"""For so long one person may hide another entirely, and the piece be no broader than one."""
_LIMB_SECONDS = 0.3
"""What is followed for less is no person."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Several people who became one piece and parted again.

    Attributes:
        before: numbers of the parts that end in it.
        after: numbers of the parts that come out of it.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Event:
    """Something happens to the piece that a path follows.

    Attributes:
        frame: the first one after it.
        kind: others run into the piece; come out of it; or it comes out of another path's piece.
        others: numbers of these paths, and the frame of each one's last or first sighting.
    """

    frame: int
    kind: Literal["merges", "parts", "emerges"]
    others: dict[int, int]


@dataclass(slots=True)
class _Merged:
    """A span of one path that shows several people."""

    host: int
    first: int
    last: int
    enter: dict[int, int] = field(default_factory=dict)
    leave: dict[int, int] = field(default_factory=dict)


def part_at_crossings(
    paths: Sequence[Path], scene: Scene
) -> tuple[list[Path], list[Crossing], list[Path]]:
    """Cuts the paths of people where they run together.

    Args:
        paths: of everything that moves.
        scene: what they lie in.

    Returns:
        The parts of all paths, without the merged spans; what runs into and out of each span; and
        the spans.
    """
    events_n = [_events(host, paths, scene) for host in range(len(paths))]
    spans = [
        span
        for host, events in enumerate(events_n)
        for span in _merged_spans(host, [*events, *_emerging(host, events_n)], paths, scene)
    ]
    groups = [group for group in _grouped(spans) if _is_broad(group, paths)]
    merged = [span for group in groups for span in group]
    removed: dict[int, list[tuple[int, int]]] = {number: [] for number in range(len(paths))}
    for span in merged:
        removed[span.host].append((span.first, span.last))
        for other, last_seen in span.enter.items():
            first_seen = _seen_again(paths[other], last_seen)
            if first_seen is not None:
                removed[other].append((last_seen + 1, first_seen - 1))
    parts: list[Path] = []
    ends: dict[tuple[int, int], int] = {}
    starts: dict[tuple[int, int], int] = {}
    for number, path in enumerate(paths):
        for first, last in _kept(path, removed[number]):
            ends[number, last] = starts[number, first] = len(parts)
            parts.append(path.between(first, last))
    crossings = []
    for group in groups:
        into = {key for span in group for key in [(span.host, span.first - 1), *span.enter.items()]}
        out_of = {
            key for span in group for key in [(span.host, span.last + 1), *span.leave.items()]
        }
        crossing = Crossing(
            tuple(sorted(ends[key] for key in into if key in ends)),
            tuple(sorted(starts[key] for key in out_of if key in starts)),
        )
        if crossing.before and crossing.after:
            crossings.append(crossing)
    return parts, crossings, [paths[span.host].between(span.first, span.last) for span in merged]


def _emerging(host: int, events_n: Sequence[Sequence[_Event]]) -> list[_Event]:
    return [
        _Event(event.others[host], "emerges", {})
        for events in events_n
        for event in events
        if event.kind == "parts" and host in event.others
    ]


def _merged_spans(
    host: int, events: Sequence[_Event], paths: Sequence[Path], scene: Scene
) -> list[_Merged]:
    path = paths[host]
    if path.height < scene.least_height:
        return []
    spans: list[_Merged] = []
    # A merged piece may change hands: who comes out with it runs into it in the same frame.
    in_order = sorted(events, key=lambda event: (event.frame, event.kind == "merges"))
    for before, after in pairwise([None, *in_order, None]):
        merges_before = before is not None and before.kind == "merges"
        parts_after = after is not None and after.kind == "parts"
        if not merges_before and not parts_after:
            continue
        span = _Merged(
            host,
            before.frame if before else path.first,
            after.frame - 1 if after else path.last,
            dict(before.others) if before and merges_before else {},
            dict(after.others) if after and parts_after else {},
        )
        usual = _usual_width(span, paths)
        if not merges_before:
            span.first = _broad_since(path, span, usual, scene.frames_per_second)
        elif after is None:
            span.last = _broad_until(path, span, usual, scene.frames_per_second)
        if span.last >= span.first:
            spans.append(span)
    return spans


def _grouped(spans: Sequence[_Merged]) -> list[list[_Merged]]:
    """Spans of one crossing, whose merged piece was taken for one and then for the other."""
    groups: list[list[_Merged]] = []
    for span in sorted(spans, key=lambda span: span.first):
        for group in groups:
            if any(_goes_on(known, span) for known in group):
                group.append(span)
                break
        else:
            groups.append([span])
    return groups


def _goes_on(earlier: _Merged, later: _Merged) -> bool:
    same = {earlier.host, *earlier.enter, *earlier.leave} & {later.host, *later.enter, *later.leave}
    return bool(same) and later.first <= earlier.last + 1 + _PATIENCE


def _events(host: int, paths: Sequence[Path], scene: Scene) -> list[_Event]:
    """What runs into the host's piece and comes out of it."""
    merging: dict[int, dict[int, int]] = {}
    parting: dict[int, dict[int, int]] = {}
    path = paths[host]
    for number, other in enumerate(paths):
        if number == host or not _may_cross(other, path, scene):
            continue
        for first_seen, last_seen in _sightings(other):
            frame = _frame_with_box(path, last_seen, 1)
            if frame is not None and _swallows(path, frame, other, last_seen):
                _add(merging, frame, number, last_seen)
            frame = _frame_with_box(path, first_seen, -1)
            if frame is not None and _swallows(path, frame, other, first_seen):
                _add(parting, frame + 1, number, first_seen)
    # A piece that begins merged, or ends by falling apart, needs two people to make it.
    events = [
        _Event(min(others.values()) + 1, "merges", others)
        for frame, others in merging.items()
        if path.first < frame or _are_two([paths[other] for other in others])
    ]
    events += [
        _Event(max(others.values()), "parts", others)
        for frame, others in parting.items()
        if frame <= path.last or _are_two([paths[other] for other in others])
    ]
    return events


def _are_two(paths: Sequence[Path]) -> bool:
    return any(_were_apart(one, other) for one, other in combinations(paths, 2))


def _were_apart(one: Path, other: Path) -> bool:
    as_tall = min(one.height, other.height) >= _AS_TALL * max(one.height, other.height)
    return _most_apart(one, other) >= (_APART_AS_TALL if as_tall else _APART)


def _most_apart(one: Path, other: Path) -> float:
    """The largest distance aside at the same time, in heights of the taller; 0 if never."""
    both, ones, others = np.intersect1d(one.frames_n, other.frames_n, return_indices=True)
    if both.size == 0:
        return 0.0
    ones_n4, others_n4 = one.boxes_n4[ones], other.boxes_n4[others]
    aside_n = (ones_n4[:, 0] + ones_n4[:, 2] - others_n4[:, 0] - others_n4[:, 2]) / 2
    return float(np.abs(aside_n).max()) / max(one.height, other.height)


def _add(events: dict[int, dict[int, int]], frame: int, number: int, seen: int) -> None:
    for known in events:
        if abs(known - frame) <= _PATIENCE:
            events[known][number] = seen
            return
    events[frame] = {number: seen}


def _may_cross(other: Path, host: Path, scene: Scene) -> bool:
    if len(other.frames_n) < _LIMB_SECONDS * scene.frames_per_second:
        return False
    if not is_upright(other, scene) or other.height < _RIVAL_HEIGHT * host.height:
        return False
    never_together = np.intersect1d(host.frames_n, other.frames_n).size == 0
    return never_together or _were_apart(host, other)


def _sightings(path: Path) -> list[tuple[int, int]]:
    """(first, last) frame of each time in which the path was in sight."""
    seen_n = path.frames_n[path.seen_n]
    breaks = np.flatnonzero(np.diff(seen_n) > 1)
    firsts = [int(seen_n[0]), *seen_n[breaks + 1].tolist()]
    lasts = [*seen_n[breaks].tolist(), int(seen_n[-1])]
    return list(zip(firsts, lasts, strict=True))


def _seen_again(path: Path, last_seen: int) -> int | None:
    for first, _ in _sightings(path):
        if first > last_seen:
            return first
    return None


def _frame_with_box(path: Path, frame: int, step: int) -> int | None:
    for near in range(frame + step, frame + step * (_PATIENCE + 1), step):
        if path.box_4(near) is not None:
            return near
    return None


def _swallows(host: Path, merged_frame: int, other: Path, seen_frame: int) -> bool:
    """Whether the host covers the other's box in one frame and did not in the other."""
    box_4 = other.box_4(seen_frame)
    large_4 = host.box_4(merged_frame)
    if box_4 is None or large_4 is None or _cover(large_4, box_4) < _COVERED:
        return False
    apart_4 = host.box_4(seen_frame)
    return apart_4 is None or _cover(apart_4, box_4) < _COVERED


def _cover(large_4: NDArray[np.float64], small_4: NDArray[np.float64]) -> float:
    wide = min(large_4[2], small_4[2]) - max(large_4[0], small_4[0])
    high = min(large_4[3], small_4[3]) - max(large_4[1], small_4[1])
    area = (small_4[2] - small_4[0]) * (small_4[3] - small_4[1])
    return float(max(wide, 0.0) * max(high, 0.0) / max(area, 1.0))


def _usual_width(span: _Merged, paths: Sequence[Path]) -> float:
    """Of one of the people in a merged piece, in pixels."""
    return float(np.median([paths[other].width for other in {*span.enter, *span.leave}]))


def _widths(path: Path, span: _Merged) -> NDArray[np.float64]:
    boxes_n4 = path.between(span.first, span.last).boxes_n4
    return boxes_n4[:, 2] - boxes_n4[:, 0]


def _is_broad(spans: Sequence[_Merged], paths: Sequence[Path]) -> bool:
    return any(
        np.percentile(_widths(paths[span.host], span), 90) >= _BROADER * _usual_width(span, paths)
        for span in spans
        if _widths(paths[span.host], span).size
    )


def _broad_since(path: Path, span: _Merged, usual: float, rate: float) -> int:
    """The first frame of a merged piece that nobody was seen to run into."""
    return span.last + 1 - _lasts(_widths(path, span)[::-1], usual, rate)


def _broad_until(path: Path, span: _Merged, usual: float, rate: float) -> int:
    """The last frame of a merged piece that nobody was seen to come out of."""
    return span.first - 1 + _lasts(_widths(path, span), usual, rate)


def _lasts(widths_n: NDArray[np.float64], usual: float, rate: float) -> int:
    """For how many frames a piece stays broader than one person, brief moments aside."""
    broad = np.flatnonzero(widths_n > _STILL_BROADER * usual)
    if broad.size == 0:
        return 0
    gaps = np.flatnonzero(np.diff(broad) > _BRIEF_SECONDS * rate)
    if broad[0] > _BRIEF_SECONDS * rate:
        return 0
    return int(broad[gaps[0]] if gaps.size else broad[-1]) + 1


def _kept(path: Path, removed: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """(first, last) frame of each part that remains."""
    keep_n = np.ones(path.frames_n.size, dtype=np.bool_)
    for first, last in removed:
        keep_n[max(0, first - path.first) : max(0, last + 1 - path.first)] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], keep_n, [False]]).astype(int)))
    return [
        (path.first + int(begin), path.first + int(end) - 1)
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
    ]
