"""Pictures that are silhouettes already: telling them, and cutting the walker out of one.

Shape letters: H rows, W columns, N pieces.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from model.refusals import NoWalkerFound, WalkerCutOff
from model.silhouettes import Silhouette

_TWO_LEVEL_SHARE = 0.99
"""Of the pixels, as the capture contract has it."""
_RINGING = 0.12
"""How far JPEG ringing strays from black or white, as a share of their distance."""
_LOW_LEVEL_MAX, _HIGH_LEVEL_MIN = 16, 128
"""Black and white of a silhouette that went through JPEG."""
_SPECK_SHARE = 0.004
"""Pieces below this share of the largest piece are noise."""
_PIECE_GAP = 0.12
"""Pieces of a broken walker lie closer than this share of the height that they make together."""
_INVERTED_SHARE = 0.7
"""Of the picture that is white: even a frame cut to the walker is half black."""
_CUT_SHARE = 0.5
"""Of the frames; head, feet or a side outside in more than this is of no use."""


def as_mask(grey_hw: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The 0/1 mask that a picture shows, or None when it shows a scene.

    Two levels (any two) are a mask, the brighter one being the walker; so is a picture that is
    black and white but for compression noise. An evenly black picture is an empty mask.
    """
    low, high, _, _ = cv2.minMaxLoc(grey_hw)
    if high == low:
        return np.zeros_like(grey_hw) if high == 0 else None
    between = cv2.countNonZero(cv2.inRange(grey_hw, low + 1, high - 1)) if high > low + 1 else 0
    if between == 0:
        return _above(grey_hw, low)
    if low > _LOW_LEVEL_MAX or high < _HIGH_LEVEL_MIN:
        return None
    margin = _RINGING * (high - low)
    between = cv2.countNonZero(cv2.inRange(grey_hw, low + margin, high - margin))
    if between > (1.0 - _TWO_LEVEL_SHARE) * grey_hw.size:
        return None
    return _above(grey_hw, (low + high) / 2)


def _above(grey_hw: NDArray[np.uint8], level: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.threshold(grey_hw, level, 1, cv2.THRESH_BINARY)[1], dtype=np.uint8)


def cut_out_walker(mask_hw: NDArray[np.uint8]) -> Silhouette | None:
    """The largest piece of a whole-frame mask together with its broken-off parts.

    A real mask falls to pieces at the neck, at sleeves and at trousers; pieces that lie near the
    others belong to the walker, specks and pieces far off do not.

    Args:
        mask_hw: (H, W) uint8, 0 or any other value.
    """
    left, top, width, height = cv2.boundingRect(mask_hw)
    if width == 0:
        return None
    box_hw = np.ascontiguousarray(mask_hw[top : top + height, left : left + width])
    count, labels_hw, stats_n5, _ = cv2.connectedComponentsWithStats(
        box_hw, connectivity=8, ltype=cv2.CV_16U
    )
    if count == 2:
        return Silhouette(mask_hw=(box_hw > 0).view(np.uint8), top=top, left=left)
    kept = _pieces_of_walker(np.asarray(stats_n5[1:], dtype=np.int32))
    belongs_n = np.zeros(count, np.uint8)
    belongs_n[1:][kept] = 1
    walker_hw = belongs_n[labels_hw]
    x, y, w, h = cv2.boundingRect(walker_hw)
    return Silhouette(mask_hw=walker_hw[y : y + h, x : x + w].copy(), top=top + y, left=left + x)


def check_masks(found: Sequence[Silhouette], height: int, width: int) -> None:
    """Refuses silhouettes that are blank, inverted, or cut off by the picture's edge.

    Frames that were cut to the walker touch opposite edges at once and are welcome.

    Args:
        found: the silhouettes of the frames that are not blank.
        height: of the frames, in pixels.
        width: of the frames, in pixels.

    Raises:
        NoWalkerFound: nothing is white, or nearly all is.
        WalkerCutOff: in most frames the walker goes on beyond one edge.
    """
    if not found:
        raise NoWalkerFound("All frames are black.")
    share = float(np.median([one.area for one in found])) / (height * width)
    if share > _INVERTED_SHARE:
        raise NoWalkerFound(
            f"{share:.0%} of the picture is white; a silhouette is white on black.",
            white_share=round(share, 3),
        )
    touches_n4 = np.array(
        [
            (
                one.top == 0,
                one.top + one.height == height,
                one.left == 0,
                one.left + one.width == width,
            )
            for one in found
        ]
    )
    for first, second in ((0, 1), (2, 3)):
        cut_share = float((touches_n4[:, first] ^ touches_n4[:, second]).mean())
        if cut_share > _CUT_SHARE:
            raise WalkerCutOff(
                f"In {cut_share:.0%} of the frames the walker goes on beyond the picture's edge.",
                frames_cut=round(cut_share * len(found)),
            )


def _pieces_of_walker(stats_n5: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Grows the walker from the largest piece (x, y, width, height, area per row)."""
    left_n, top_n, width_n, height_n, area_n = stats_n5.T
    right_n, bottom_n = left_n + width_n, top_n + height_n
    main = int(np.argmax(area_n))
    candidates_n = area_n >= max(2.0, _SPECK_SHARE * area_n[main])
    kept_n = np.zeros(area_n.size, dtype=np.bool_)
    kept_n[main] = True
    while True:
        x0, x1 = left_n[kept_n].min(), right_n[kept_n].max()
        y0, y1 = top_n[kept_n].min(), bottom_n[kept_n].max()
        reach = max(1.0, _PIECE_GAP * max(y1 - y0, x1 - x0))
        gap_x_n = np.maximum(left_n - x1, x0 - right_n)
        gap_y_n = np.maximum(top_n - y1, y0 - bottom_n)
        near_n = candidates_n & ~kept_n & (gap_x_n <= reach) & (gap_y_n <= reach)
        if not near_n.any():
            return kept_n
        kept_n |= near_n
