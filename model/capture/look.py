"""What somebody looks like from afar: the colours of the clothes, from head to foot.

Clothes do not change within a recording, so they tell who came back; across recordings they say
nothing, and nothing of this leaves the capture.

Shape letters: T frames, H rows, W columns, C colour channels, N pixels of a person, B bands of body
height, K colours.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from model.capture.paths import Path
from model.capture.small_frames import SmallFrames

_SAMPLES = 24
"""Frames of a path that are looked at."""
_BAND_EDGES = (0.0, 0.16, 0.34, 0.52, 0.74, 1.0)
"""Of body height, from the top: head, chest, belly, thighs, shins."""
_BAND_WEIGHTS = np.array([0.1, 0.25, 0.25, 0.25, 0.15])
"""Faces are alike, and shoes touch shadows."""
_LIGHT_BINS, _TINT_BINS, _GREY_BINS = 6, 7, 16
_TINT_REACH = 49.0
"""In units of CIE a* and b*: stronger tints than this are counted with it."""
_LIGHT_SPREAD, _TINT_SPREAD = 1.0, 0.6
"""In bins: the light on a coat varies more over the picture than its tint."""


@dataclass(frozen=True, slots=True)
class Look:
    """How often each colour is seen in each band of somebody's body.

    Attributes:
        counts_bk: pixels, smoothed over neighbouring colours.
        height: of the person in the picture, in pixels.
    """

    counts_bk: NDArray[np.float64]
    height: float

    @property
    def is_grey(self) -> bool:
        """Whether only lightness is known."""
        return bool(self.counts_bk.shape[1] == _GREY_BINS)

    @property
    def pixels(self) -> float:
        """On which the look rests."""
        return float(self.counts_bk.sum())

    def distance(self, other: Look) -> float:
        """0 for the same colours in the same places, 1 for none in common (Bhattacharyya)."""
        if self.is_grey != other.is_grey:
            return 0.0
        ours_bk, theirs_bk = _shares(self.counts_bk), _shares(other.counts_bk)
        alike_b = np.sqrt(ours_bk * theirs_bk).sum(axis=1)
        weight_b = _BAND_WEIGHTS * (self.counts_bk.sum(axis=1) > 0)
        weight_b *= other.counts_bk.sum(axis=1) > 0
        if weight_b.sum() == 0.0:
            return 0.0
        return float(1.0 - (weight_b * alike_b).sum() / weight_b.sum())

    def with_more(self, other: Look) -> Look:
        """The look after one more sight of the same person."""
        if self.is_grey != other.is_grey:
            return self
        return Look(self.counts_bk + other.counts_bk, other.height)


def look_of(
    path: Path,
    frames: SmallFrames,
    gains_tc: NDArray[np.float32],
    masks_thw: NDArray[np.uint8],
) -> Look:
    """What somebody on a path looks like.

    Args:
        path: in pixels of the frames.
        frames: grey or blue-green-red.
        gains_tc: by how much brighter than the scene each frame is.
        masks_thw: uint8 (T, H, W), 1 where somebody is.
    """
    channels = frames.shape[3]
    colours = _GREY_BINS if channels == 1 else _LIGHT_BINS * _TINT_BINS**2
    bands = len(_BAND_WEIGHTS)
    counts_bk = np.zeros((bands, colours))
    seen_n = np.flatnonzero(path.seen_n)
    for number in seen_n[np.linspace(0, seen_n.size - 1, min(_SAMPLES, seen_n.size)).astype(int)]:
        frame, box_4 = path.frames_n[number], path.boxes_n4[number]
        left, top = (max(0, int(side)) for side in box_4[:2])
        rows, columns = slice(top, int(np.ceil(box_4[3]))), slice(left, int(np.ceil(box_4[2])))
        inside_hw = _core(masks_thw[frame, rows, columns])
        if not inside_hw.any():
            continue
        seen_nc = frames[int(frame)][rows, columns][inside_hw]
        levelled_nc = np.clip(seen_nc / gains_tc[frame], 0, 255).astype(np.float32)
        share_h = (np.arange(top, top + inside_hw.shape[0]) + 0.5 - box_4[1]) / (
            box_4[3] - box_4[1]
        )
        bands_h = np.clip(np.searchsorted(_BAND_EDGES, share_h) - 1, 0, bands - 1)
        bands_n = np.repeat(bands_h, np.count_nonzero(inside_hw, axis=1))
        counts_bk += np.bincount(
            bands_n * colours + _colour_numbers(levelled_nc), minlength=bands * colours
        ).reshape(bands, colours)
    return Look(_smoothed(counts_bk), path.height)


def _core(mask_hw: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Leaves the edge out, whose pixels show the background too, where enough is left."""
    core_hw = cv2.erode(mask_hw, np.ones((3, 3), np.uint8))
    chosen_hw = core_hw if core_hw.sum() > 0.3 * mask_hw.sum() else mask_hw
    return np.asarray(chosen_hw > 0, dtype=np.bool_)


def _colour_numbers(levelled_nc: NDArray[np.float32]) -> NDArray[np.int_]:
    if levelled_nc.shape[1] == 1:
        return np.asarray(levelled_nc[:, 0] * (_GREY_BINS / 256), dtype=np.int_)
    lab_1nc = cv2.cvtColor(levelled_nc[None] / np.float32(255.0), cv2.COLOR_BGR2LAB)
    lab_cn = np.ascontiguousarray(lab_1nc[0].T)
    light_n = np.clip(lab_cn[0] * (_LIGHT_BINS / 100.0), 0, _LIGHT_BINS - 1).astype(int)
    tint_cn = (lab_cn[1:] / _TINT_REACH + 1.0) * (_TINT_BINS / 2)
    tint_cn = np.clip(tint_cn, 0, _TINT_BINS - 1).astype(int)
    numbers_n = (light_n * _TINT_BINS + tint_cn[0]) * _TINT_BINS + tint_cn[1]
    return np.asarray(numbers_n, dtype=np.int_)


def _smoothed(counts_bk: NDArray[np.float64]) -> NDArray[np.float64]:
    bands, colours = counts_bk.shape
    if colours == _GREY_BINS:
        return np.asarray(gaussian_filter(counts_bk, (0.0, _LIGHT_SPREAD)), dtype=np.float64)
    cube = counts_bk.reshape(bands, _LIGHT_BINS, _TINT_BINS, _TINT_BINS)
    spread = (0.0, _LIGHT_SPREAD, _TINT_SPREAD, _TINT_SPREAD)
    smoothed_bk = gaussian_filter(cube, spread).reshape(bands, colours)
    return np.asarray(smoothed_bk, dtype=np.float64)


def _shares(counts_bk: NDArray[np.float64]) -> NDArray[np.float64]:
    shares_bk = counts_bk / np.maximum(counts_bk.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(shares_bk, dtype=np.float64)
