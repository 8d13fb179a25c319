"""The walker's outline in each frame of a walk, at full working size.

Each pixel near the walker is asked how likely it is under three explanations: the empty scene,
the scene in the walker's shadow, and the walker, whose colours at each body height are learnt from
the whole walk. Neighbours then have a say (a mean-field approximation of a Markov random field).

Shape letters: H rows, W columns, C colour channels, B bands of body height, K colours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background, estimate_background, sample_frames
from model.capture.body_shape import SHAPE_MOST, BodyShape, PlacedMask
from model.capture.edge import settle_edge
from model.capture.likelihood import log_density_of_scene
from model.capture.paths import Path
from model.capture.stretch import Stretch
from model.silhouettes import Silhouette, cut_to_box

_MARGIN = 0.12
"""Around the walker's box, in heights of the walker."""
_BANDS = 8
_GREY_BINS, _COLOUR_BINS = 32, 8
_UNKNOWN_CLOTHES = 0.15
"""Share of the walker's pixels whose colour the walk has not shown before."""
_SPECK = 0.005
"""Of the largest piece's area: what is smaller is noise."""
_STRANGE = 0.7
"""Of `SHAPE_MOST`: a loose piece this unlikely is not the walker's."""
_SURE = 5.0
"""Logarithm of the odds beyond which a single pixel may not go."""
_NEIGHBOURS, _NEIGHBOUR_REACH = 3.0, 0.012
"""Weight of the neighbourhood's opinion, and its radius in heights of the walker."""
_ROUNDS = 6
_OUTSIDE = 2.0
"""Logarithm of the odds against the walker outside the box."""
_LARGEST_HOLE = 0.02
"""Holes smaller than this share of the silhouette are closed."""


OthersPixels = Callable[[int, slice, slice], NDArray[np.bool_] | None]
"""(number in the walk, rows, columns) → True where somebody else is nearer; None for nobody."""


def cut_out(
    frames_thwc: NDArray[np.uint8],
    gains_tc: NDArray[np.float32],
    background: Background,
    walk: Stretch,
    others_pixels: OthersPixels,
) -> Iterator[tuple[int, Silhouette]]:
    """Yields (frame number, silhouette) for the frames of a walk in which the walker is found.

    Args:
        frames_thwc: uint8 (T, H, W, C), stabilised.
        gains_tc: (T, C) how much brighter than the background each frame is.
        background: see `background_beside`.
        walk: frames and boxes of the walk.
        others_pixels: tells which pixels cannot be the walker's.
    """
    views = [
        _View.of(
            frames_thwc[frame],
            gains_tc[frame],
            background,
            box_4,
            walk.height,
            partial(others_pixels, number),
        )
        for number, (frame, box_4) in enumerate(zip(walk.frames_n, walk.boxes_n4, strict=True))
    ]
    palette_bk = _learn_clothes([(view, view.seed_hw) for view in views])
    shape = BodyShape(
        [
            PlacedMask(_walker_pixels(view, palette_bk, walk.height), view.top, view.left, box_4)
            for view, box_4 in zip(views, walk.boxes_n4, strict=True)
        ]
    )
    for number, (frame, view) in enumerate(zip(walk.frames_n, views, strict=True)):
        silhouette = _outline(view, palette_bk, walk.height, shape.prior(number))
        if silhouette is not None:
            yield int(frame), silhouette


@dataclass(frozen=True, slots=True)
class _View:
    """The surroundings of the walker in one frame.

    Attributes:
        top: first row in the frame.
        left: first column in the frame.
        empty_hw: log density of each pixel under the empty scene or a shadow on it.
        colours_hw: number of each pixel's colour.
        bands_hw: number of each pixel's band of body height.
        inside_hw: True in the walker's box.
        others_hw: True where somebody else is nearer; None where nobody else is near.
        seed_hw: True where the walker is beyond doubt.
        seen_hwc: the pixels.
        expected_hwc: the empty scene at this frame's exposure.
        noise_hw: standard deviation of the scene.
    """

    top: int
    left: int
    empty_hw: NDArray[np.float32]
    colours_hw: NDArray[np.int32]
    bands_hw: NDArray[np.int32]
    inside_hw: NDArray[np.bool_]
    others_hw: NDArray[np.bool_] | None
    seed_hw: NDArray[np.bool_]
    seen_hwc: NDArray[np.float32]
    expected_hwc: NDArray[np.float32]
    noise_hw: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        frame_hwc: NDArray[np.uint8],
        gain_c: NDArray[np.float32],
        background: Background,
        box_4: NDArray[np.float64],
        height: float,
        others_pixels: Callable[[slice, slice], NDArray[np.bool_] | None],
    ) -> _View:
        """Looks at the walker's box and a margin around it."""
        rows, columns = _around(box_4, _MARGIN * height, frame_hwc.shape)
        seen_hwc = frame_hwc[rows, columns].astype(np.float32)
        expected_hwc = background.level_hwc[rows, columns] * gain_c
        noise_hw = background.noise_hw[rows, columns]
        empty_hw = log_density_of_scene(seen_hwc, expected_hwc, noise_hw)
        uniform = -seen_hwc.shape[2] * np.log(256.0)
        steps = np.arange(rows.start, rows.stop, dtype=np.float64)
        bands_h = np.clip((steps - box_4[1]) / (box_4[3] - box_4[1]) * _BANDS, 0, _BANDS - 1)
        inside_hw = _inside(box_4, rows, columns)
        others_hw = others_pixels(rows, columns)
        if others_hw is not None:
            inside_hw &= ~others_hw
        return cls(
            top=rows.start,
            left=columns.start,
            empty_hw=empty_hw,
            colours_hw=_colour_numbers(frame_hwc[rows, columns], gain_c),
            bands_hw=np.broadcast_to(bands_h.astype(np.int32)[:, None], empty_hw.shape),
            inside_hw=inside_hw,
            others_hw=others_hw,
            seed_hw=(uniform - empty_hw > 2.0) & inside_hw,
            seen_hwc=seen_hwc,
            expected_hwc=expected_hwc,
            noise_hw=noise_hw,
        )


def _around(
    box_4: NDArray[np.float64], margin: float, shape: tuple[int, ...]
) -> tuple[slice, slice]:
    left, top = (max(0, int(side - margin)) for side in box_4[:2])
    right = min(shape[1], int(np.ceil(box_4[2] + margin)))
    bottom = min(shape[0], int(np.ceil(box_4[3] + margin)))
    return slice(top, bottom), slice(left, right)


def _inside(box_4: NDArray[np.float64], rows: slice, columns: slice) -> NDArray[np.bool_]:
    y_h = np.arange(rows.start, rows.stop)
    x_w = np.arange(columns.start, columns.stop)
    inside_h = (y_h >= box_4[1] - 1) & (y_h <= box_4[3])
    inside_w = (x_w >= box_4[0] - 1) & (x_w <= box_4[2])
    return np.asarray(inside_h[:, None] & inside_w, dtype=np.bool_)


def background_beside(
    frames_thwc: NDArray[np.uint8],
    gains_tc: NDArray[np.float32],
    paths: Sequence[Path],
    scale: float,
) -> Background:
    """The scene as it is where nobody stands.

    Args:
        frames_thwc: uint8 (T, H, W, C), stabilised.
        gains_tc: (T, C) how much brighter than the scene each frame is.
        paths: of everybody; none of them is background.
        scale: of the paths' pixels to those of the frames.
    """
    numbers = sample_frames(len(frames_thwc))
    levelled_nhwc = frames_thwc[numbers].copy()
    hidden_nhw = np.zeros(levelled_nhwc.shape[:3], dtype=np.bool_)
    place = {int(number): index for index, number in enumerate(numbers)}
    for levelled_hwc, number in zip(levelled_nhwc, numbers, strict=True):
        if np.abs(gains_tc[number] - 1.0).max() > 0.01:
            levelled_hwc[:] = np.clip(levelled_hwc / gains_tc[number], 0, 255).astype(np.uint8)
    for path in paths:
        margin = _MARGIN / 2 * path.height / scale
        for number, box_4 in zip(path.frames_n, path.boxes_n4 / scale, strict=True):
            if int(number) in place:
                rows, columns = _around(box_4, margin, frames_thwc.shape[1:])
                hidden_nhw[place[int(number)], rows, columns] = True
    return estimate_background(levelled_nhwc, hidden_nhw)


def _colour_numbers(seen_hwc: NDArray[np.uint8], gain_c: NDArray[np.float32]) -> NDArray[np.int32]:
    levelled_hwc = np.clip(seen_hwc / gain_c, 0, 255).astype(np.int32)
    if seen_hwc.shape[2] == 1:
        return levelled_hwc[..., 0] * _GREY_BINS // 256
    binned_hwc = levelled_hwc * _COLOUR_BINS // 256
    return (binned_hwc[..., 0] * _COLOUR_BINS + binned_hwc[..., 1]) * _COLOUR_BINS + binned_hwc[
        ..., 2
    ]


def _colours(channels: int) -> int:
    return _GREY_BINS if channels == 1 else _COLOUR_BINS**3


def _learn_clothes(
    views: Sequence[tuple[_View, NDArray[np.bool_]]],
) -> NDArray[np.float32]:
    """Log density of the walker's colours in each band, (B, K)."""
    colours = (
        _GREY_BINS
        if max(int(v.colours_hw.max()) for v, _ in views) < _GREY_BINS
        else _COLOUR_BINS**3
    )
    counts_bk = np.zeros((_BANDS, colours))
    for view, walker_hw in views:
        numbers = view.bands_hw[walker_hw] * colours + view.colours_hw[walker_hw]
        counts_bk += np.bincount(numbers, minlength=_BANDS * colours).reshape(_BANDS, colours)
    above_bk, below_bk = np.roll(counts_bk, 1, axis=0), np.roll(counts_bk, -1, axis=0)
    above_bk[0], below_bk[-1] = 0.0, 0.0
    counts_bk = counts_bk + 0.3 * (above_bk + below_bk)
    share_bk = counts_bk / np.maximum(counts_bk.sum(axis=1, keepdims=True), 1.0)
    mixed_bk = (1 - _UNKNOWN_CLOTHES) * share_bk + _UNKNOWN_CLOTHES / colours
    volume = 256 / _GREY_BINS if colours == _GREY_BINS else (256 / _COLOUR_BINS) ** 3
    return np.asarray(np.log(mixed_bk / volume), dtype=np.float32)


def _walker_pixels(
    view: _View,
    palette_bk: NDArray[np.float32],
    height: float,
    prior_hw: NDArray[np.float32] | None = None,
) -> NDArray[np.bool_]:
    odds_hw = np.clip(palette_bk[view.bands_hw, view.colours_hw] - view.empty_hw, -_SURE, _SURE)
    odds_hw -= np.where(view.inside_hw, 0.0, _OUTSIDE).astype(np.float32)
    if prior_hw is not None:
        odds_hw += prior_hw
    if view.others_hw is not None:
        odds_hw[view.others_hw] = -_SURE
    reach = max(0.8, _NEIGHBOUR_REACH * height)
    opinion_hw = np.tanh(odds_hw / 2)
    for _ in range(_ROUNDS):
        around_hw = cv2.GaussianBlur(opinion_hw, (0, 0), reach)
        opinion_hw = np.tanh((odds_hw + _NEIGHBOURS * around_hw) / 2)
    walker_hw = opinion_hw > 0
    if view.others_hw is not None:
        walker_hw &= ~view.others_hw
    return np.asarray(walker_hw, dtype=np.bool_)


def _outline(
    view: _View,
    palette_bk: NDArray[np.float32],
    height: float,
    prior_hw: NDArray[np.float32],
) -> Silhouette | None:
    walker_hw = _walker_pixels(view, palette_bk, height, prior_hw)
    whole_hw = _without_holes(_without_strangers(walker_hw, prior_hw))
    silhouette = cut_to_box(
        settle_edge(whole_hw, view.seen_hwc, view.expected_hwc, view.noise_hw, height)
    )
    if silhouette is None:
        return None
    return Silhouette(silhouette.mask_hw, silhouette.top + view.top, silhouette.left + view.left)


def _without_strangers(
    walker_hw: NDArray[np.bool_], prior_hw: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Drops pieces that lie where this walker's body hardly ever is."""
    count, labels_hw, stats_n5, _ = cv2.connectedComponentsWithStats(walker_hw.view(np.uint8))
    if count <= 2:
        return walker_hw.view(np.uint8)
    prior_n = np.bincount(labels_hw.ravel(), prior_hw.ravel(), count)
    area_n = stats_n5[:, cv2.CC_STAT_AREA]
    kept_n = prior_n / area_n > -_STRANGE * SHAPE_MOST
    kept_n &= area_n >= _SPECK * area_n[1:].max()
    kept_n[1 + int(np.argmax(area_n[1:]))] = True
    kept_n[0] = False
    return np.asarray(kept_n[labels_hw], dtype=np.uint8)


def _without_holes(mask_hw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    padded_hw = cv2.copyMakeBorder(1 - mask_hw, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, labels_hw, stats_n5, _ = cv2.connectedComponentsWithStats(padded_hw, connectivity=4)
    small_n = stats_n5[:, cv2.CC_STAT_AREA] < _LARGEST_HOLE * mask_hw.sum()
    small_n[0] = False
    return np.asarray(mask_hw | small_n[labels_hw[1:-1, 1:-1]], dtype=np.uint8)
