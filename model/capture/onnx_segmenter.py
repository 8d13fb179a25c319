"""People as a network sees them, frame by frame: needs no background, so the camera may move.

Shape letters: T frames, H rows, W columns, C colour channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.camera import measure_shifts
from model.capture.paths import Path
from model.capture.person_network import PersonNetwork
from model.capture.rivals import pixels_of_others
from model.capture.segmenter import Foreground, Window
from model.capture.small_frames import SmallFrames
from model.capture.stretch import Scene, Stretch
from model.silhouettes import Silhouette, cut_to_box

_PERSON = 0.5
"""Probability."""
_MARGIN = 0.12
"""Around the walker's box, in heights of the walker."""
_PIECE = 0.02
"""Of the walker's area: what is smaller is noise."""
_NOISE_FLOOR = 1.5
"""Grey levels, as for a background."""
_MAD_TO_SIGMA = 1.4826


class OnnxSegmenter:
    """Whoever the network takes for a person.

    Args:
        network: see `PersonNetwork`.
    """

    def __init__(self, network: PersonNetwork) -> None:
        self._network = network

    def segment(self, window: Window) -> _ByNetwork:
        """Asks the network about each frame; frames are not moved."""
        frames_thwc = window.frames_thwc
        small = SmallFrames(frames_thwc)
        frames, height, width, channels = small.shape
        masks_thw = np.empty((frames, height, width), np.uint8)
        percent_t = []
        for mask_hw, frame_hwc in zip(masks_thw, frames_thwc, strict=True):
            person_hw = self._network.person_hw(frame_hwc)
            fitted_hw = cv2.resize(person_hw, (width, height), interpolation=cv2.INTER_LINEAR)
            mask_hw[:] = fitted_hw > _PERSON
            # A byte per pixel will do, and no more pixels than the frame has.
            percent_hw = np.rint(person_hw * 100.0).astype(np.uint8)
            if percent_hw.size > frame_hwc[..., 0].size:
                size = (frame_hwc.shape[1], frame_hwc.shape[0])
                resized = cv2.resize(percent_hw, size, interpolation=cv2.INTER_AREA)
                percent_hw = np.asarray(resized, dtype=np.uint8)
            percent_t.append(percent_hw)
        scene = Scene(
            width,
            height,
            window.frames_per_second,
            np.zeros((frames, 2)),
            _camera_path(small),
        )
        gains_tc = np.ones((frames, channels), np.float32)
        return _ByNetwork(
            foreground=Foreground(small, gains_tc, masks_thw, scene),
            light=float(np.median([small[n] for n in range(0, frames, max(1, frames // 16))])),
            drift=0.0,
            frames_thwc=frames_thwc,
            percent_t=percent_t,
        )


@dataclass(frozen=True, slots=True)
class _ByNetwork:
    """A window whose people a network has pointed out."""

    foreground: Foreground
    light: float
    drift: float
    frames_thwc: NDArray[np.uint8]
    percent_t: Sequence[NDArray[np.uint8]]

    def outlines(
        self, walk: Stretch, others: Sequence[Path], everything: Sequence[Path]
    ) -> Iterator[tuple[int, Silhouette, float]]:
        """See `SegmentedWindow`; there is no background for anything to be kept out of."""
        del everything
        full_n4 = walk.scaled(1 / self.foreground.scale).boxes_n4
        margin = _MARGIN * walk.height / self.foreground.scale
        _, height, width, _ = self.frames_thwc.shape
        for number, frame in enumerate(walk.frames_n.tolist()):
            left, top = (max(0, int(side - margin)) for side in full_n4[number, :2])
            right = min(width, int(np.ceil(full_n4[number, 2] + margin)))
            bottom = min(height, int(np.ceil(full_n4[number, 3] + margin)))
            rows, columns = slice(top, bottom), slice(left, right)
            person_hw = self._part(frame, rows, columns) > 100 * _PERSON
            others_hw = pixels_of_others(
                self.foreground, frame, walk.boxes_n4[number], others, rows, columns
            )
            if others_hw is not None:
                person_hw &= ~others_hw
            cut = cut_to_box(_without_specks(person_hw.astype(np.uint8)))
            if cut is not None:
                contrast = _contrast(self.frames_thwc[frame, rows, columns], cut)
                yield frame, Silhouette(cut.mask_hw, cut.top + top, cut.left + left), contrast

    def _part(self, frame: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Per cent of probability in a part of the frame, at the frame's size."""
        percent_hw = self.percent_t[frame]
        _, height, width, _ = self.frames_thwc.shape
        across, down = percent_hw.shape[1] / width, percent_hw.shape[0] / height
        # The middle of a pixel there is the middle of its share here.
        to_network = np.array(
            [
                [across, 0.0, (columns.start + 0.5) * across - 0.5],
                [0.0, down, (rows.start + 0.5) * down - 0.5],
            ]
        )
        part_hw = cv2.warpAffine(
            percent_hw.astype(np.float32),
            to_network,
            (columns.stop - columns.start, rows.stop - rows.start),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(part_hw, dtype=np.float32)


def _camera_path(frames: SmallFrames) -> NDArray[np.float64]:
    """Where the camera looks in each frame, (T, 2) right and down of where it looked first."""
    steps_t2 = np.zeros((len(frames), 2))
    for number, (last_hwc, frame_hwc) in enumerate(pairwise(frames), start=1):
        shift_12, lost_1 = measure_shifts(frame_hwc[None], last_hwc, 0)
        if not lost_1[0]:
            steps_t2[number] = shift_12[0]
    return np.cumsum(steps_t2, axis=0)


def _without_specks(mask_hw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    count, labels_hw, stats_n5, _ = cv2.connectedComponentsWithStats(mask_hw)
    if count <= 2:
        return mask_hw
    area_n = stats_n5[:, cv2.CC_STAT_AREA]
    kept_n = area_n >= _PIECE * area_n[1:].max()
    kept_n[0] = False
    return np.asarray(kept_n[labels_hw], dtype=np.uint8)


def _contrast(part_hwc: NDArray[np.uint8], walker: Silhouette) -> float:
    """Distance of the walker's pixels from the mean of what is around, in units of noise."""
    inside_hw = np.zeros(part_hwc.shape[:2], dtype=np.bool_)
    rows = slice(walker.top, walker.top + walker.height)
    inside_hw[rows, walker.left : walker.left + walker.width] = walker.mask_hw > 0
    if inside_hw.all():
        return 0.0
    level_hwc = part_hwc.astype(np.float32)
    strayed_hw = np.abs(level_hwc - np.median(level_hwc[~inside_hw], axis=0)).max(axis=2)
    rough_hw = np.abs(level_hwc - cv2.medianBlur(part_hwc, 3).reshape(part_hwc.shape)).max(axis=2)
    noise = max(_NOISE_FLOOR, _MAD_TO_SIGMA * float(np.median(rough_hw)))
    return float(np.median(strayed_hw[inside_hw])) / noise
