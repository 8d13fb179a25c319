"""The walker's outline in each frame of a walk, at full working size.

Each pixel near the walker is asked how likely it is under three explanations: the empty scene,
the scene in the walker's shadow, and the walker, whose colours at each body height are learnt from
the whole walk. Neighbours then have a say (a mean-field approximation of a Markov random field).
This is done on the scale of `_ROWS`; the last pixel is then settled at full size.

Shape letters: H rows, W columns, C colour channels, B bands of body height, K colours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background
from model.capture.body_shape import SHAPE_MOST, BodyShape, PlacedMask
from model.capture.clothes import learn_clothes
from model.capture.edge import settle_edge
from model.capture.likelihood import SceneLikelihood
from model.capture.stretch import Stretch
from model.capture.view import View, shrunk_scene
from model.silhouettes import Silhouette

_ROWS = 100
"""Pixels of the walker's height from half as many again of which frames are scaled down."""
_SPECK = 0.005
"""Of the largest piece's area: what is smaller is noise."""
_STRANGE = 0.7
"""Of `SHAPE_MOST`: a loose piece this unlikely is not the walker's."""
_SURE = 5.0
"""Logarithm of the odds beyond which a single pixel may not go."""
_NEIGHBOURS, _NEIGHBOUR_REACH = 3.0, 0.012
"""Weight of the neighbourhood's opinion, and its radius in heights of the walker."""
_FIRST_ROUNDS, _ROUNDS = 2, 3
"""In which neighbours are heard, for the first guess and for the outline. With four for each, the
outlines of the rendered scenes are no nearer to the truth."""
_LARGEST_HOLE = 0.02
"""Holes smaller than this share of the silhouette are closed..."""
_OPEN = -1.5
"""...unless the mean logarithm of the odds in it says that the scene shows through."""

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
    height = walk.height
    shrink = max(1, round(height / _ROWS))
    scene = SceneLikelihood.of(shrunk_scene(background, shrink))
    views = [
        View.of(
            frames_thwc[frame],
            gains_tc[frame],
            scene,
            box_4,
            partial(others_pixels, number),
            height=height,
            shrink=shrink,
        )
        for number, (frame, box_4) in enumerate(zip(walk.frames_n, walk.boxes_n4, strict=True))
    ]
    channels = frames_thwc.shape[3]
    reach = max(0.8, _NEIGHBOUR_REACH * height / shrink)
    palette_bk = learn_clothes([(view.places_hw, view.seed_hw) for view in views], channels)
    guesses = [_opinion(view, _odds(view, palette_bk), reach, _FIRST_ROUNDS) > 0 for view in views]
    # Clothes that a shadow explains as well give no seeds; the neighbours' guesses show them.
    palette_bk = learn_clothes(
        [(view.places_hw, guess) for view, guess in zip(views, guesses, strict=True)], channels
    )
    shape = BodyShape(
        [
            PlacedMask(
                guess, view.rows.start / shrink, view.columns.start / shrink, view.box_4 / shrink
            )
            for view, guess in zip(views, guesses, strict=True)
        ]
    )
    for number, (frame, view) in enumerate(zip(walk.frames_n, views, strict=True)):
        mask_hw = _outline(view, palette_bk, shape.prior(number), reach)
        settled_hw = settle_edge(
            mask_hw,
            (view.rows.start, view.columns.start),
            frames_thwc[frame],
            gains_tc[frame],
            background,
            doubt=shrink,
        )
        left, top, wide, high = cv2.boundingRect(settled_hw)
        if wide:
            cut_hw = settled_hw[top : top + high, left : left + wide].copy()
            yield int(frame), Silhouette(cut_hw, top + view.rows.start, left + view.columns.start)


def _odds(view: View, palette_bk: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithm of the odds for the walker, each pixel by itself, (H, W)."""
    odds_hw = palette_bk.take(view.places_hw)
    odds_hw -= view.empty_hw
    np.maximum(odds_hw, np.float32(-_SURE), out=odds_hw)
    return np.minimum(odds_hw, np.float32(_SURE), out=odds_hw)


def _opinion(
    view: View, odds_hw: NDArray[np.float32], reach: float, rounds: int
) -> NDArray[np.float32]:
    """What each pixel is taken for once the neighbours were heard, −1 (scene) to 1 (walker)."""
    against_hw = view.against_hw - odds_hw
    if view.others_hw is not None:
        against_hw[view.others_hw] = _SURE
    # tanh(x / 2) is 2 / (1 + exp(−x)) − 1, and OpenCV's exponential takes a fifth of the time.
    share_hw = _share(against_hw.copy())
    against_hw += np.float32(_NEIGHBOURS)
    side = 2 * ceil(3 * reach) + 1
    for _ in range(rounds):
        around_hw = cv2.GaussianBlur(share_hw, (side, side), reach)
        cv2.scaleAdd(around_hw, -2.0 * _NEIGHBOURS, against_hw, dst=share_hw)
        _share(share_hw)
    share_hw *= np.float32(2.0)
    share_hw -= np.float32(1.0)
    if view.others_hw is not None:
        share_hw[view.others_hw] = -1.0
    return share_hw


def _share(against_hw: NDArray[np.float32]) -> NDArray[np.float32]:
    """What logarithms of odds against the walker leave of a pixel to the walker, in place."""
    cv2.exp(against_hw, dst=against_hw)
    against_hw += np.float32(1.0)
    return np.reciprocal(against_hw, out=against_hw)


def _outline(
    view: View, palette_bk: NDArray[np.float32], prior_hw: NDArray[np.float32], reach: float
) -> NDArray[np.uint8]:
    """The walker in a view, 0/1, at the frame's size."""
    odds_hw = _odds(view, palette_bk)
    opinion_hw = _opinion(view, odds_hw + prior_hw, reach, _ROUNDS)
    walker_hw = _without_strangers(opinion_hw > 0, prior_hw)
    walker_hw = _without_holes(walker_hw, odds_hw)
    if view.shrink == 1:
        return walker_hw
    # The doubt of the small pixels along the edge places it between them at full size.
    sure_hw = np.where(walker_hw > 0, np.maximum(opinion_hw, 0.1), np.minimum(opinion_hw, -0.1))
    high, wide = (side * view.shrink for side in walker_hw.shape)
    full_hw = cv2.resize(sure_hw, (wide, high), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full_hw > 0, dtype=np.bool_).view(np.uint8)


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


def _without_holes(mask_hw: NDArray[np.uint8], odds_hw: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Closes small holes, but not the gaps between legs and under arms."""
    # With a rim around the walker, outside which all is one piece.
    left, top, wide, high = cv2.boundingRect(mask_hw)
    part = (slice(max(0, top - 1), top + high + 1), slice(max(0, left - 1), left + wide + 1))
    mask_hw, odds_hw, whole_hw = mask_hw[part], odds_hw[part], mask_hw.copy()
    _, labels_hw, stats_n5, _ = cv2.connectedComponentsWithStats(1 - mask_hw, connectivity=4)
    largest = _LARGEST_HOLE * cv2.countNonZero(mask_hw)
    closed_hw = whole_hw[part]
    for hole, (left, top, wide, high, area) in enumerate(stats_n5[1:].tolist(), start=1):
        if area < largest:
            box = (slice(top, top + high), slice(left, left + wide))
            hole_hw = labels_hw[box] == hole
            if odds_hw[box][hole_hw].mean() > _OPEN:
                closed_hw[box][hole_hw] = 1
    return whole_hw
