"""Frames with what was found drawn over them: each walker in a colour of their own.

Shape letters: H rows, W columns, C colour channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture import CapturedWalk
from model.silhouettes import Silhouette

# Blue-green-red; apart from each other also for most colour-blind people (Okabe and Ito 2008).
_COLOURS = ((0, 159, 230), (233, 180, 86), (115, 158, 0), (167, 121, 204), (0, 94, 213))
_VEIL = 0.45
"""How much of the colour lies over the walker."""


def colour_of(walker: int) -> tuple[int, int, int]:
    """Blue-green-red of a walker's number, as in all pictures of a report."""
    return _COLOURS[(walker - 1) % len(_COLOURS)]


def overlaid(
    frames: Iterable[NDArray[np.uint8]], walks: Sequence[CapturedWalk]
) -> Iterator[NDArray[np.uint8]]:
    """Yields copies of the frames, (H, W, 3), with masks, outlines and numbers of the walkers.

    Args:
        frames: (H, W, 3) blue-green-red, from the recording's first one on.
        walks: found in them.
    """
    for number, frame_hwc in enumerate(frames):
        drawn_hwc = np.array(frame_hwc)
        for walk in walks:
            if walk.first_frame <= number <= walk.last_frame:
                silhouette = walk.sequence.silhouettes[number - walk.first_frame]
                if silhouette is not None:
                    _draw(drawn_hwc, silhouette, walk.walker)
        yield drawn_hwc


def _draw(frame_hwc: NDArray[np.uint8], silhouette: Silhouette, walker: int) -> None:
    colour = colour_of(walker)
    rows = slice(silhouette.top, silhouette.top + silhouette.height)
    columns = slice(silhouette.left, silhouette.left + silhouette.width)
    part_hwc = frame_hwc[rows, columns]
    inside_hw = silhouette.mask_hw > 0
    veiled = (1.0 - _VEIL) * part_hwc[inside_hw] + _VEIL * np.array(colour)
    part_hwc[inside_hw] = veiled.astype(np.uint8)
    outlines, _ = cv2.findContours(
        silhouette.mask_hw, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE,
        offset=(silhouette.left, silhouette.top),
    )  # fmt: skip
    cv2.drawContours(frame_hwc, outlines, -1, colour, 1, cv2.LINE_AA)
    place = (silhouette.left, max(12, silhouette.top - 4))
    cv2.putText(
        frame_hwc, str(walker), place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA
    )
