"""The pictures of one walk: its silhouettes side by side, and its gait energy image enlarged.

Shape letters: H rows, W columns.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture import CapturedWalk
from model.gei import aligned

_STRIP_PICTURES = 14
_STRIP_HEIGHT, _STRIP_WIDTH = 128, 88
_GEI_SCALE = 4


def silhouette_strip(walk: CapturedWalk) -> NDArray[np.uint8]:
    """Silhouettes from the walk's beginning to its end, each scaled to one height: (H, W) 0/255."""
    seen = [one for one in walk.sequence.silhouettes if one is not None]
    if not seen:
        return np.zeros((_STRIP_HEIGHT, _STRIP_WIDTH), np.uint8)
    places = np.unique(np.linspace(0, len(seen) - 1, min(len(seen), _STRIP_PICTURES)).astype(int))
    pictures = [aligned(seen[place], _STRIP_HEIGHT, _STRIP_WIDTH) for place in places]
    strip_hw: NDArray[np.uint8] = np.concatenate(pictures, axis=1) * np.uint8(255)
    return strip_hw


def enlarged_gei(gei_hw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image with every pixel as a square, to be looked at."""
    size = (gei_hw.shape[1] * _GEI_SCALE, gei_hw.shape[0] * _GEI_SCALE)
    return cv2.resize(gei_hw, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def png_of(picture: NDArray[np.uint8]) -> bytes:
    """A picture as a file."""
    done, png = cv2.imencode(".png", picture)
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be written as a PNG")
    return png.tobytes()
