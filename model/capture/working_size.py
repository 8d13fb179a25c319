"""The size at which the frames of a scene are looked at."""

from __future__ import annotations

from model.capture.limits import CaptureLimits


def working_size(width: int, height: int, limits: CaptureLimits) -> tuple[int, int]:
    """The (width, height) to which frames are scaled down; smaller ones stay as they are.

    Args:
        width: of the recording, in pixels.
        height: of the recording, in pixels.
        limits: see `CaptureLimits`.
    """
    scale = min(
        1.0,
        limits.working_long_side / max(width, height),
        limits.working_short_side / min(width, height),
    )
    return max(1, int(width * scale + 1e-6)), max(1, int(height * scale + 1e-6))
