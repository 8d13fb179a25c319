"""Frames of a scene, small enough to be held together.

Shape letters: T frames, H rows, W columns, C colour channels (1 grey, 3 blue-green-red).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.capture.limits import CaptureLimits


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording at working size.

    Attributes:
        frames_thwc: uint8 (T, H, W, 1 or 3).
        frames_per_second: of these frames; None where the recording does not say.
    """

    frames_thwc: NDArray[np.uint8]
    frames_per_second: float | None


def working_size(
    width: int, height: int, *, frames: int, channels: int, limits: CaptureLimits
) -> tuple[int, int]:
    """The (width, height) to which frames are scaled down so that all can be held in memory.

    Args:
        width: of the recording, in pixels.
        height: of the recording, in pixels.
        frames: how many will be kept.
        channels: bytes per pixel.
        limits: see `CaptureLimits`.
    """
    budget = limits.max_kept_bytes / (max(frames, 1) * channels)
    scale = min(
        1.0,
        limits.working_long_side / max(width, height),
        limits.working_short_side / min(width, height),
        math.sqrt(budget / (width * height)),
    )
    return max(1, int(width * scale + 1e-6)), max(1, int(height * scale + 1e-6))
