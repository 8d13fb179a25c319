"""Which pixels beside a walker are somebody else's.

Shape letters: H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.paths import Path
from model.capture.segmenter import Foreground

_NEAR = 0.3
"""Heights of the walker around the box within which others matter."""


def pixels_of_others(
    foreground: Foreground,
    frame: int,
    box_4: NDArray[np.float64],
    others: Sequence[Path],
    rows: slice,
    columns: slice,
) -> NDArray[np.bool_] | None:
    """Pixels that lie nearer to others' first guess than to the walker's.

    Args:
        foreground: the first guess.
        frame: number of the frame.
        box_4: of the walker, in pixels of the small frames.
        others: everybody else.
        rows: of the part asked for, in pixels of the full frames.
        columns: likewise.

    Returns:
        bool (H, W) of that part; None where nobody else is near.
    """
    reach = _NEAR * (box_4[3] - box_4[1])
    near = [
        theirs_4
        for other in others
        if (theirs_4 := other.box_4(frame)) is not None and _are_near(box_4, theirs_4, reach)
    ]
    if not near:
        return None
    mask_hw = foreground.masks_thw[frame]
    left, top = (max(0, int(side - reach)) for side in box_4[:2])
    right, bottom = (int(np.ceil(side + reach)) for side in box_4[2:])
    part_hw = mask_hw[top:bottom, left:right]
    _, labels_hw, stats_n5, centres_n2 = cv2.connectedComponentsWithStats(part_hw)
    belongs_n = np.array(
        [
            _is_others(stats_4, centre_2, (left, top), box_4, near)
            for stats_4, centre_2 in zip(stats_n5[:, :4], centres_n2, strict=True)
        ]
    )
    belongs_n[0] = False
    theirs_hw = belongs_n[labels_hw]
    if not theirs_hw.any():
        return None
    ours_hw = (labels_hw > 0) & ~theirs_hw
    if not ours_hw.any():
        return None
    nearer_hw = _distance_from(theirs_hw) < _distance_from(ours_hw)
    return _at_full_size(nearer_hw, left, top, foreground.scale, rows, columns)


def _are_near(box_4: NDArray[np.float64], theirs_4: NDArray[np.float64], reach: float) -> bool:
    return bool(
        (theirs_4[:2] < box_4[2:] + reach).all() and (theirs_4[2:] > box_4[:2] - reach).all()
    )


def _is_others(
    stats_4: NDArray[np.int32],
    centre_2: NDArray[np.float64],
    origin: tuple[int, int],
    box_4: NDArray[np.float64],
    near: Sequence[NDArray[np.float64]],
) -> bool:
    """Whether a piece fits somebody else's box better than the walker's."""
    left, top = stats_4[0] + origin[0], stats_4[1] + origin[1]
    piece_4 = np.array([left, top, left + stats_4[2], top + stats_4[3]], dtype=np.float64)
    x = centre_2[0] + origin[0]
    ours = _misfit(piece_4, x, box_4)
    return min(_misfit(piece_4, x, theirs_4) for theirs_4 in near) < ours


def _misfit(piece_4: NDArray[np.float64], x: float, box_4: NDArray[np.float64]) -> float:
    """How far a piece strays outside a box and from its middle, in widths of the box."""
    outside = np.maximum(box_4[:2] - piece_4[:2], 0) + np.maximum(piece_4[2:] - box_4[2:], 0)
    aside = abs(x - (box_4[0] + box_4[2]) / 2)
    return float((outside.sum() + aside) / max(box_4[2] - box_4[0], 1.0))


def _distance_from(mask_hw: NDArray[np.bool_]) -> NDArray[np.float32]:
    outside_hw = (~mask_hw).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(outside_hw, cv2.DIST_L2, 5), dtype=np.float32)


def _at_full_size(
    part_hw: NDArray[np.bool_], left: int, top: int, scale: float, rows: slice, columns: slice
) -> NDArray[np.bool_]:
    """The part of the full frame, from a part of the small one; nothing outside it is others'."""
    y_h = ((np.arange(rows.start, rows.stop) + 0.5) * scale).astype(int) - top
    x_w = ((np.arange(columns.start, columns.stop) + 0.5) * scale).astype(int) - left
    height, width = part_hw.shape
    known_hw = ((y_h >= 0) & (y_h < height))[:, None] & ((x_w >= 0) & (x_w < width))
    clipped_hw = part_hw[np.clip(y_h, 0, height - 1)[:, None], np.clip(x_w, 0, width - 1)]
    return np.asarray(known_hw & clipped_hw, dtype=np.bool_)
