"""Random textures from coarse to fine.

Shape letters: H rows, W columns.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


def rough(
    rng: np.random.Generator,
    height: int,
    width: int,
    *,
    grain: float,
    octaves: int = 4,
    stretch: float = 1.0,
) -> Image:
    """A cloudy field of mean 0 and standard deviation 1, (H, W).

    Args:
        rng: where the chance comes from.
        height: rows.
        width: columns.
        grain: size of the largest spots, in pixels; each octave halves size and strength.
        octaves: how many sizes are mixed.
        stretch: height over width of the spots.
    """
    field_hw = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        across = max(1.0, grain / 2**octave)
        down = max(1.0, across * stretch)
        coarse = rng.normal(size=(int(height / down) + 3, int(width / across) + 3))
        fine_hw = cv2.resize(
            coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        )
        field_hw += fine_hw / 2**octave
    return np.asarray((field_hw - field_hw.mean()) / (field_hw.std() + 1e-6), np.float32)
