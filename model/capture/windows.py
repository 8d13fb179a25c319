"""A recording of any length, read through windows that fit into memory.

Frames are collected until a window is full. Walks that end in it are cut out; the next window
begins where the earliest unfinished walk does, or half a window back. What is kept of a window
that has passed is silhouettes, and for each person the colours of the clothes.

Shape letters: T frames, H rows, W columns, C colour channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model.capture.acquaintances import Acquaintances
from model.capture.channels import largest, smallest
from model.capture.kept_walk import KeptWalk
from model.capture.no_walk import most_telling
from model.capture.people import Crowd, find_people
from model.capture.recording import CapturedWalk, Recording, SceneFacts
from model.capture.segmenter import SegmentedWindow, Segmenter, Window
from model.capture.stretch import LEAST_SECONDS, Stretch
from model.refusals import TooFewFrames, WalkRefused
from model.silhouettes import Silhouette, SilhouetteSequence

_FEWEST_FRAMES = 12
"""As in the GEI: half a gait cycle at 25 frames per second."""
_SMALLEST_WINDOW = 64
"""Frames; however large they are, a background needs some."""
_USUAL_RATE = 25.0
"""Frames per second assumed of a recording that does not say."""
_LEAST_KEPT = 0.25
"""Of a window, repeated in the next one, which may be the last and short."""
_STILL_THERE_SECONDS = 0.5
"""Who was seen so shortly before a window's end goes on in the next one."""
_TOGETHER_SECONDS = 0.2
"""In the picture at the same time for less is not seen together."""
_GREY_TOLERANCE = 3
"""Grey levels by which the channels of a grey recording differ after compression."""


def record(
    frames: Iterable[NDArray[np.uint8]],
    frames_per_second: float | None,
    segmenter: Segmenter,
    max_window_bytes: int,
) -> Recording:
    """Everybody who walks in a recording.

    Args:
        frames: uint8 (H, W, 1 or 3), all of one size.
        frames_per_second: None where the recording does not say.
        segmenter: tells people from the scene.
        max_window_bytes: of the frames that are held at once.

    Raises:
        TooFewFrames: too short to tell anybody from the scene.
        NoWalkerFound, WalkerStandsStill, WalkerCutOff, CameraMoves: there is no walk in it.
    """
    reader = _Reader(segmenter, frames_per_second, max_window_bytes)
    for frame_hwc in frames:
        reader.add(frame_hwc)
    return reader.finish()


class _Reader:
    """The window that is being filled, and what the ones before it gave."""

    def __init__(
        self, segmenter: Segmenter, frames_per_second: float | None, max_window_bytes: int
    ) -> None:
        self._segmenter = segmenter
        self._stated_rate = frames_per_second
        self._rate = frames_per_second or _USUAL_RATE
        self._max_window_bytes = max_window_bytes
        self._frames_thwc = np.empty((0, 0, 0, 0), np.uint8)
        self._shifts_t2 = np.empty((0, 2))
        self._held = 0
        self._start = 0
        self._acquaintances = Acquaintances()
        self._found: list[KeptWalk] = []
        self._lights: list[float] = []
        self._drift = 0.0
        self._refusals: list[WalkRefused] = []

    def add(self, frame_hwc: NDArray[np.uint8]) -> None:
        """Takes one more frame; reads the window once it is full."""
        if self._frames_thwc.size == 0:
            capacity = max(_SMALLEST_WINDOW, self._max_window_bytes // frame_hwc.nbytes)
            # Memory is taken from the system page by page as frames arrive, not here.
            self._frames_thwc = np.empty((capacity, *frame_hwc.shape), np.uint8)
            self._shifts_t2 = np.zeros((capacity, 2))
        elif self._held == len(self._frames_thwc):
            self._go_on_from(self._read(is_last=False))
        self._frames_thwc[self._held] = frame_hwc
        self._shifts_t2[self._held] = 0.0
        self._held += 1

    def finish(self) -> Recording:
        """What the frames add up to."""
        frames = self._start + self._held
        if frames < _FEWEST_FRAMES:
            raise TooFewFrames(f"The recording has {frames} frames.", frames=frames)
        self._read(is_last=True)
        self._frames_thwc = np.empty((0, 0, 0, 0), np.uint8)  # silhouettes take its memory
        if not self._found:
            raise most_telling(self._refusals)
        contrasts = [contrast for found in self._found for contrast in found.contrasts]
        scene = SceneFacts(
            light=float(np.median(self._lights)),
            contrast=float(np.median(contrasts)),
            drift=self._drift,
        )
        return Recording(_in_order([one.unpacked() for one in self._found]), frames, scene)

    def _read(self, *, is_last: bool) -> int:
        """Reads the window; returns the number of its first frame that the next one needs."""
        frames_thwc = self._frames_thwc[: self._held]
        shifts_t2 = self._shifts_t2[: self._held]
        if _is_grey(frames_thwc):
            # A copy: it may be moved, and the frames that the next window reads are not.
            grey_thwc = np.ascontiguousarray(frames_thwc[..., 1:2])
            window = Window(grey_thwc, self._rate, shifts_t2.copy())
        else:
            window = Window(frames_thwc, self._rate, shifts_t2)
        usual = self._held - int(_LEAST_KEPT * self._held)
        try:
            segmented = self._segmenter.segment(window)
            crowd = find_people(segmented.foreground)
        except WalkRefused as refusal:
            self._refusals.append(refusal)
            return usual
        self._lights.append(segmented.light)
        self._drift = max(self._drift, segmented.drift)
        needed = self._held if is_last else min(usual, self._unfinished_since(crowd))
        numbers = self._acquaintances.numbers(crowd.people, self._start)
        for person, number in zip(crowd.people, numbers, strict=True):
            for stretch in person.walks:
                goes_on = int(stretch.frames_n[-1]) >= self._still_there
                if is_last or not goes_on or int(stretch.frames_n[0]) < needed:
                    self._keep(stretch, number, numbers, crowd, segmented)
        return needed

    @property
    def _still_there(self) -> int:
        return self._held - max(1, round(_STILL_THERE_SECONDS * self._rate))

    def _unfinished_since(self, crowd: Crowd) -> int:
        """First frame of what goes on at the window's end, if that is in its second half."""
        begun = [path.first for path in crowd.paths if path.last >= self._still_there]
        begun += [
            int(walk.frames_n[0])
            for person in crowd.people
            for walk in person.walks
            if int(walk.frames_n[-1]) >= self._still_there
        ]
        return min((first for first in begun if first >= self._held // 2), default=self._held)

    def _go_on_from(self, needed: int) -> None:
        for target, source in enumerate(range(needed, self._held)):
            self._frames_thwc[target] = self._frames_thwc[source]
            self._shifts_t2[target] = self._shifts_t2[source]
        self._start += needed
        self._held -= needed

    def _keep(
        self,
        stretch: Stretch,
        number: int,
        numbers: Sequence[int],
        crowd: Crowd,
        segmented: SegmentedWindow,
    ) -> None:
        fresh = self._not_yet_kept(stretch, number)
        if fresh is None:
            return
        first, last = int(fresh.frames_n[0]), int(fresh.frames_n[-1])
        silhouettes: list[Silhouette | None] = [None] * (last - first + 1)
        contrasts = []
        company = [
            (one, theirs)
            for one, theirs in zip(crowd.people, numbers, strict=True)
            if theirs != number
        ]
        others = [*crowd.strays, *(path for one, _ in company for path in one.paths)]
        for frame, silhouette, contrast in segmented.outlines(fresh, others, crowd.paths):
            silhouettes[frame - first] = silhouette
            contrasts.append(contrast)
        if not contrasts:
            return
        _, height, width, _ = self._frames_thwc.shape
        enough = max(1, round(_TOGETHER_SECONDS * self._rate))
        seen_with = frozenset(
            theirs for one, theirs in company if one.is_seen_with(first, last) >= enough
        )
        walk = CapturedWalk(
            sequence=SilhouetteSequence(tuple(silhouettes), height, width, self._stated_rate),
            walker=number,
            first_frame=self._start + first,
            direction=fresh.direction,
            people=1 + len(seen_with),
            cut_share=fresh.cut_share,
            seen_with=seen_with,
        )
        self._found.append(KeptWalk.of(walk, contrasts))

    def _not_yet_kept(self, stretch: Stretch, number: int) -> Stretch | None:
        """The part of a stretch that an earlier window has not given already, if worth a walk."""
        fresh_n = np.ones(stretch.frames_n.size, dtype=np.bool_)
        for found in self._found:
            if found.walk.walker == number:
                first, last = found.walk.first_frame, found.walk.last_frame
                in_recording_n = stretch.frames_n + self._start
                fresh_n &= (in_recording_n < first) | (in_recording_n > last)
        if fresh_n.all():
            return stretch
        if fresh_n.sum() < LEAST_SECONDS * self._rate:
            return None
        return stretch.only(fresh_n)


def _is_grey(frames_thwc: NDArray[np.uint8]) -> bool:
    """Whether frames of three channels hold no colour."""
    if frames_thwc.shape[3] == 1:
        return False
    some_nhwc = frames_thwc[:: max(1, len(frames_thwc) // 16), ::4, ::4]
    spread_nhw = largest(some_nhwc) - smallest(some_nhwc)
    return float((spread_nhw <= _GREY_TOLERANCE).mean()) > 0.999


def _in_order(walks: list[CapturedWalk]) -> tuple[CapturedWalk, ...]:
    """By first frame, with the walkers numbered in this order."""
    ordered = sorted(walks, key=lambda walk: (walk.first_frame, walk.walker))
    numbers: dict[int, int] = {}
    for walk in ordered:
        numbers.setdefault(walk.walker, len(numbers) + 1)
    return tuple(
        replace(
            walk,
            walker=numbers[walk.walker],
            # Who was there but never walked is nobody's rival for a name.
            seen_with=frozenset(numbers[other] for other in walk.seen_with if other in numbers),
        )
        for walk in ordered
    )
