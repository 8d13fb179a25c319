"""A recording beside the truth: masks, people, passes.

Shape letters: X crossings, T frames, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from model.capture import CapturedWalk, Recording
from model.gei import GeiConfig, energy_image
from model.refusals import WalkRefused
from model.silhouettes import Silhouette
from tests.scenes import RecordedScene

_SLOW = 0.12
"""Heights of the walker per second, below which one stands."""
_SMOOTH_SECONDS = 0.4
_MOSTLY_SEEN = 0.7
"""Of a person's usual area; what is hidden by others or the picture's side is not asked for."""
_SAME = 0.4
"""Intersection over union from which a silhouette is of that person, be it good or bad."""
_SOMEBODY = 0.2
"""Mean intersection over union of a walk with its best person, below which it shows nobody."""
_PASS_COVERED = 0.5
"""Share of a pass's frames that a captured walk must show."""


@dataclass(frozen=True)
class SceneScore:
    """What capture made of one scene.

    Attributes:
        overlaps_n: intersection over union of every silhouette with the person it shows.
        passes: times that somebody walks through the picture.
        found: of them, that came out as walks.
        usable: of them, of which a walk makes a gait energy image.
        covered: share of the passes' frames that came out as silhouettes.
        false_walks: walks that show nobody.
        strayed: silhouettes that carry another person's number.
        renumbered: passes of a person who carried another number before.
        refused: the problem that the recording was answered with, if it was.
    """

    overlaps_n: NDArray[np.float64]
    passes: int
    found: int
    usable: int
    covered: float
    false_walks: int
    strayed: int
    renumbered: int
    refused: str | None = None


def refused_score(recorded: RecordedScene, problem: str) -> SceneScore:
    """The score of a recording in which no walk was found at all."""
    passes = len(_true_passes(recorded))
    return SceneScore(np.zeros(0), passes, 0, 0, 0.0, 0, 0, 0, problem)


def score(recorded: RecordedScene, recording: Recording) -> SceneScore:
    """Compares what was captured with the truth."""
    passes = _true_passes(recorded)
    sightings = [_sightings(recorded, walk) for walk in recording.walks]
    false_walks = sum(not one for one in sightings)
    seen_by_crossing: dict[int, set[int]] = {}
    numbers: dict[int, list[int]] = {}
    overlaps = []
    usable: set[int] = set()
    for walk, shown in zip(recording.walks, sightings, strict=True):
        crossings = [sighting.crossing for sighting in shown]
        if crossings and _makes_an_image(walk):
            usable.add(max(set(crossings), key=crossings.count))
        for sighting in shown:
            overlaps.append(sighting.overlap)
            seen_by_crossing.setdefault(sighting.crossing, set()).add(sighting.frame)
            numbers.setdefault(sighting.crossing, []).append(walk.walker)
    owner = _owners(recorded, numbers)
    strayed = sum(
        owner.get(number) != _person(recorded, crossing)
        for crossing, each in numbers.items()
        for number in each
    )
    found, wanted, got = 0, 0, 0
    for crossing, frames_t in passes:
        seen = len(seen_by_crossing.get(crossing, set()) & set(frames_t.tolist()))
        found += seen >= _PASS_COVERED * len(frames_t)
        wanted += len(frames_t)
        got += seen
    return SceneScore(
        overlaps_n=np.array(overlaps),
        passes=len(passes),
        found=found,
        usable=sum(crossing in usable for crossing, _ in passes),
        covered=got / max(wanted, 1),
        false_walks=false_walks,
        strayed=strayed,
        renumbered=_renumbered(recorded, numbers),
    )


def _makes_an_image(walk: CapturedWalk) -> bool:
    try:
        energy_image(walk.sequence, GeiConfig())
    except WalkRefused:
        return False
    return True


@dataclass(frozen=True)
class _Sighting:
    crossing: int
    frame: int
    overlap: float


def _person(recorded: RecordedScene, crossing: int) -> int:
    return recorded.scene.crossings[crossing].person


def _owners(recorded: RecordedScene, numbers: dict[int, list[int]]) -> dict[int, int]:
    """Whose silhouettes most carry each number."""
    votes: dict[int, dict[int, int]] = {}
    for crossing, each in numbers.items():
        for number in each:
            of_number = votes.setdefault(number, {})
            person = _person(recorded, crossing)
            of_number[person] = of_number.get(person, 0) + 1
    return {number: max(each, key=lambda one: each[one]) for number, each in votes.items()}


def _renumbered(recorded: RecordedScene, numbers: dict[int, list[int]]) -> int:
    known: dict[int, int] = {}
    changes = 0
    for crossing in sorted(numbers):
        each = numbers[crossing]
        main = max(set(each), key=each.count)
        changes += known.setdefault(_person(recorded, crossing), main) != main
    return changes


def _true_passes(recorded: RecordedScene) -> list[tuple[int, NDArray[np.intp]]]:
    """Crossing and frames of each pass: the person walks and is wholly seen."""
    rate = recorded.scene.frames_per_second
    window = max(3, round(_SMOOTH_SECONDS * rate)) | 1
    passes = []
    for crossing, masks_thw in enumerate(recorded.masks_xthw):
        columns_tw = masks_thw.any(axis=1)
        area_t = masks_thw.sum(axis=(1, 2))
        present = np.flatnonzero(area_t)
        if present.size == 0:
            continue
        usual = float(np.median(area_t[present]))
        inside_t = ~(columns_tw[:, 0] | columns_tw[:, -1])
        wholly_t = inside_t & (area_t >= _MOSTLY_SEEN * _unhidden(area_t, usual))
        walking_t = _walking(masks_thw, present, window, rate)
        frames = np.flatnonzero(wholly_t & walking_t)
        if frames.size >= rate / 2:
            passes.append((crossing, frames))
    return passes


def _unhidden(area_t: NDArray[np.int_], usual: float) -> NDArray[np.float64]:
    """A person's area when nothing hides them, who may come nearer on the way, (T,)."""
    present = np.flatnonzero(area_t)
    line = np.polynomial.Polynomial.fit(present, area_t[present], 1)
    expected_t = line(np.arange(area_t.size))
    return np.asarray(np.clip(expected_t, 0.5 * usual, 1.5 * usual), np.float64)


def _walking(
    masks_thw: NDArray[np.bool_], present: NDArray[np.intp], window: int, rate: float
) -> NDArray[np.bool_]:
    columns = np.arange(masks_thw.shape[2])
    heights_t = masks_thw.any(axis=2).sum(axis=1)
    tall = float(np.median(heights_t[present]))
    centre_n = np.array(
        [np.average(columns, weights=masks_thw[frame].sum(axis=0)) for frame in present]
    )
    walking_t = np.zeros(len(masks_thw), dtype=np.bool_)
    across_n = np.gradient(uniform_filter1d(centre_n, window, mode="nearest")) * rate / tall
    tall_n = uniform_filter1d(heights_t[present].astype(float), 2 * window, mode="nearest")
    nearer_n = 3.0 * np.gradient(np.log(tall_n)) * rate
    walking_t[present] = np.hypot(across_n, nearer_n) >= _SLOW
    return walking_t


def _sightings(recorded: RecordedScene, walk: CapturedWalk) -> list[_Sighting]:
    """Whom each silhouette of a walk shows; nothing at all for a walk that shows nobody."""
    masks_xthw, sequence = recorded.masks_xthw, walk.sequence
    frames, overlaps = [], []
    for step, silhouette in enumerate(sequence.silhouettes):
        frame = walk.first_frame + step
        if silhouette is None or frame >= masks_xthw.shape[1]:
            continue
        mask_hw = _on_frame(silhouette, sequence.frame_height, sequence.frame_width)
        frames.append(frame)
        overlaps.append([_overlap(mask_hw, truth_hw) for truth_hw in masks_xthw[:, frame]])
    if not frames:
        return []
    overlaps_nx = np.array(overlaps)
    usual = int(np.argmax(overlaps_nx.mean(axis=0)))
    if overlaps_nx[:, usual].mean() < _SOMEBODY:
        return []
    best_n = np.argmax(overlaps_nx, axis=1)
    shown_n = np.where(overlaps_nx.max(axis=1) >= _SAME, best_n, usual)
    return [
        _Sighting(int(crossing), frame, float(overlaps_nx[row, crossing]))
        for row, (frame, crossing) in enumerate(zip(frames, shown_n, strict=True))
    ]


def _on_frame(silhouette: Silhouette, height: int, width: int) -> NDArray[np.bool_]:
    mask_hw = np.zeros((height, width), dtype=np.bool_)
    rows = slice(silhouette.top, silhouette.top + silhouette.height)
    mask_hw[rows, silhouette.left : silhouette.left + silhouette.width] = silhouette.mask_hw > 0
    return mask_hw


def _overlap(mask_hw: NDArray[np.bool_], truth_hw: NDArray[np.bool_]) -> float:
    if truth_hw.shape != mask_hw.shape:
        size = (mask_hw.shape[1], mask_hw.shape[0])
        truth_hw = (
            cv2.resize(truth_hw.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
        )
    return float((mask_hw & truth_hw).sum() / max(1, (mask_hw | truth_hw).sum()))
