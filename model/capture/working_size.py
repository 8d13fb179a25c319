"""The size at which the frames of a scene are looked at.

Shape letters: H rows, W columns, C colour channels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

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


def scale_down(frame_hwc: NDArray[np.uint8], target_hwc: NDArray[np.uint8]) -> None:
    """Writes a frame into one that is as large or smaller.

    It is halved as long as it can be, then resampled: OpenCV averages pixels in twos quickly, over
    other areas three to six times as slowly, and the outlines are as good.

    Args:
        frame_hwc: uint8 (H, W, C).
        target_hwc: uint8, of the size that is wanted and as many channels.
    """
    height, width, channels = target_hwc.shape
    if channels == 1:  # OpenCV knows no third axis of one
        frame_hwc, target_hwc = frame_hwc[..., 0], target_hwc[..., 0]
    while frame_hwc.shape[0] >= 2 * height and frame_hwc.shape[1] >= 2 * width:
        halved = (frame_hwc.shape[1] // 2, frame_hwc.shape[0] // 2)
        into = target_hwc if halved == (width, height) else None
        halved_hwc = cv2.resize(frame_hwc, halved, dst=into, interpolation=cv2.INTER_AREA)
        frame_hwc = np.asarray(halved_hwc, dtype=np.uint8)
    if frame_hwc.shape != target_hwc.shape:
        cv2.resize(frame_hwc, (width, height), dst=target_hwc, interpolation=cv2.INTER_LINEAR)
    elif frame_hwc is not target_hwc:
        target_hwc[:] = frame_hwc
