"""Who has been seen before in a recording: one number per person, over passes and windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from model.capture.look import Look
from model.capture.paths import Path
from model.capture.people import Person

_SAME_CLOTHES, _SAME_GREY_CLOTHES = 0.25, 0.30
"""Distance of two looks of one person, at most; in grey and from afar clothes tell little. Rendered
walkers differ by 0.01 from pass to pass, by 0.1 to 0.5 in grey and 0.5 in colour from others."""
_FEW_PIXELS = 6000.0
"""Of a look, below which it is judged as leniently as grey ones."""
_SIZE_CHANGE = 1.7
"""Between heights in two passes of one person, who may come back on the other side of the road."""
_TOGETHER = 3
"""Frames in which two people are seen at once, so that they are not one."""
_SAME_PATH = 0.35
"""Heights between the places of one person in one frame, as two windows saw it."""


@dataclass(slots=True)
class _Acquaintance:
    """Somebody who has a number.

    Attributes:
        look: over all sights.
        spans: (first, last) frames of the recording in which they were seen.
        paths: in frames of the recording; only the last one and those that a window still holds.
    """

    look: Look
    spans: list[tuple[int, int]] = field(default_factory=list)
    paths: tuple[Path, ...] = ()


class Acquaintances:
    """The people of a recording so far."""

    def __init__(self) -> None:
        self._known: list[_Acquaintance] = []

    def numbers(self, people: Sequence[Person], first_frame: int) -> list[int]:
        """The number of each person in a window, from 1; new people get new numbers.

        Args:
            people: of the window, in order of appearance.
            first_frame: of the window in the recording.
        """
        for known in self._known:
            held = [path for path in known.paths[:-1] if path.last >= first_frame]
            known.paths = (*held, known.paths[-1])
        moved = [tuple(_later(path, first_frame) for path in person.paths) for person in people]
        numbers = [self._seen_on(paths) for paths in moved]
        for index, number in enumerate(numbers):
            if number is not None:
                self._meet(number, people[index].look, moved[index])
        for index, person in enumerate(people):
            if numbers[index] is None:
                found = self._recognise(person.look, moved[index])
                if found is None:
                    self._known.append(_Acquaintance(person.look))
                    found = len(self._known) - 1
                self._meet(found, person.look, moved[index])
                numbers[index] = found
        return [number + 1 for number in numbers if number is not None]

    def _seen_on(self, paths: Sequence[Path]) -> int | None:
        """Who was on the same way in the window before, in the frames that both windows hold."""
        distances = [
            (_distance_between(paths, known.paths), number)
            for number, known in enumerate(self._known)
        ]
        nearest, number = min(distances, default=(np.inf, 0))
        return number if nearest < _SAME_PATH else None

    def _recognise(self, look: Look, paths: Sequence[Path]) -> int | None:
        candidates = [
            (unlikeness, number)
            for number, known in enumerate(self._known)
            if not _meets(paths, known.spans) and (unlikeness := _unlikeness(look, known)) < 1.0
        ]
        return min(candidates)[1] if candidates else None

    def _meet(self, number: int, look: Look, paths: tuple[Path, ...]) -> None:
        known = self._known[number]
        if known.spans:
            known.look = known.look.with_more(look)
        known.spans += [(path.first, path.last) for path in paths]
        known.paths += paths


def _later(path: Path, frames: int) -> Path:
    return Path(path.frames_n + frames, path.boxes_n4, path.seen_n)


def _meets(paths: Sequence[Path], spans: Sequence[tuple[int, int]]) -> bool:
    together = sum(
        max(0, min(path.last, last) - max(path.first, first) + 1)
        for path in paths
        for first, last in spans
    )
    return together >= _TOGETHER


def _unlikeness(look: Look, known: _Acquaintance) -> float:
    """Below 1 for somebody who may be the same person."""
    size = max(look.height, known.look.height) / min(look.height, known.look.height)
    if size > _SIZE_CHANGE:
        return np.inf
    unsure = look.is_grey or min(look.pixels, known.look.pixels) < _FEW_PIXELS
    return look.distance(known.look) / (_SAME_GREY_CLOTHES if unsure else _SAME_CLOTHES)


def _distance_between(paths: Sequence[Path], others: Sequence[Path]) -> float:
    """Median distance of the places in frames that both hold, in heights."""
    aside: list[float] = []
    for path in paths:
        for other in others:
            both, mine, theirs = np.intersect1d(path.frames_n, other.frames_n, return_indices=True)
            if both.size:
                ours_n4, others_n4 = path.boxes_n4[mine], other.boxes_n4[theirs]
                middle_n = (ours_n4[:, :3:2] - others_n4[:, :3:2]).mean(axis=1)
                aside += (np.abs(middle_n) / max(path.height, other.height)).tolist()
    return float(np.median(aside)) if len(aside) >= _TOGETHER else np.inf
