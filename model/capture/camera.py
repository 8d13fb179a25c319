"""How the camera moved: small drift is measured and taken back, more is refused.

A tripod on grass, a phone against a cup: few cameras are as fixed as their owner thinks, and a
drift of two pixels is enough to outline every blade of grass. The shift of each frame is found by
registering it with a reference (Gauss-Newton on a translation with robust weights, so that the
walker, who moves otherwise, has no say).

Shape letters: T frames, H rows, W columns, C colour channels, P pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.background import estimate_background, sample_frames
from model.capture.medians import median
from model.capture.working_size import scale_down
from model.refusals import CameraMoves

_LONG_SIDE = 320
"""Pixels at which shifts are measured."""
_FINE_BLUR, _COARSE_BLUR = 1.2, 5.0
"""Pixels; their difference keeps texture and drops light and soft shadows."""
_ITERATIONS = 6
_DAMPING = 1.0
"""Grey levels squared per pixel: a plain wall says nothing about a shift, so it stays the last."""
_CONVERGED = 0.03
"""Pixels."""
_LEAST_TEXTURE = 1.5
"""Grey levels, median: below it a scene is too plain to tell whether it was found again."""
_MISMATCH = 1.0
"""Of the texture's strength; two unlike textures differ by 1.4, a scene found again by noise."""
_MOST_LOST = 0.3
"""Of the frames."""
_COMPARED, _THUMB = 48, 32
"""Frames, and pixels of their side, among which the quietest is looked for."""
_HALVED = 8
"""Thumbs across, from which frames are halved first: OpenCV averages other areas slowly."""
_LOOKS_PER_SECOND = 4.0
"""A hand's tremble is quicker, but some of the looks catch it."""
_STILL = 0.15
"""Pixels: a drift below this is left alone."""
_LARGEST_DRIFT = 0.2
"""Of the frame's width; beyond it too little of the scene stays in sight."""
_FASTEST_DRIFT = 0.08
"""Of the frame's width per second, in the median; the drift of a steady hand stays below 0.03."""


@dataclass(frozen=True, slots=True)
class _Target:
    """What frames are registered with: texture, and its slope per pixel in both directions."""

    texture_hw: NDArray[np.float32]
    slope_x_hw: NDArray[np.float32]
    slope_y_hw: NDArray[np.float32]
    strength: float

    @classmethod
    def of(cls, texture_hw: NDArray[np.float32]) -> _Target:
        """Prepares a texture."""
        return cls(
            texture_hw=texture_hw,
            slope_x_hw=np.asarray(cv2.Sobel(texture_hw, cv2.CV_32F, 1, 0, scale=1 / 8), np.float32),
            slope_y_hw=np.asarray(cv2.Sobel(texture_hw, cv2.CV_32F, 0, 1, scale=1 / 8), np.float32),
            strength=_usual(texture_hw),
        )


def stabilise(frames_thwc: NDArray[np.uint8], frames_per_second: float) -> NDArray[np.float64]:
    """Takes the camera's drift back, in place.

    Args:
        frames_thwc: uint8 (T, H, W, C); each frame is moved onto the scene.
        frames_per_second: of the recording.

    Returns:
        (T, 2) how far each frame was moved right and down, in pixels.

    Raises:
        CameraMoves: it pans, shakes or is carried.
    """
    start = quietest_frame(frames_thwc)
    if _stands_still(frames_thwc, start, frames_per_second):
        return np.zeros((len(frames_thwc), 2))
    shifts_t2, lost_t = measure_shifts(frames_thwc, frames_thwc[start], start)
    if lost_t.mean() > _MOST_LOST:
        raise CameraMoves(
            f"In {lost_t.mean():.0%} of the frames the scene is not where it was before.",
            frames_lost=int(lost_t.sum()),
        )
    _refuse_moving_camera(shifts_t2, frames_thwc.shape[2], frames_per_second)
    if np.abs(shifts_t2).max() < _STILL:
        return np.zeros_like(shifts_t2)
    numbers = sample_frames(len(frames_thwc))
    moved_nhwc = np.stack([shift_frame(frames_thwc[n], shifts_t2[n]) for n in numbers])
    scene_hwc = estimate_background(moved_nhwc).level_hwc.astype(np.uint8)
    shifts_t2, _ = measure_shifts(frames_thwc, scene_hwc, start)
    _refuse_moving_camera(shifts_t2, frames_thwc.shape[2], frames_per_second)
    for frame_hwc, shift_2 in zip(frames_thwc, shifts_t2, strict=True):
        if np.abs(shift_2).max() >= _STILL:
            frame_hwc[:] = shift_frame(frame_hwc, shift_2)
        else:
            shift_2[:] = 0.0
    return shifts_t2


def _stands_still(frames_thwc: NDArray[np.uint8], start: int, frames_per_second: float) -> bool:
    """Whether a few looks find the scene where it was; only a drift is followed frame by frame."""
    stride = max(1, round(frames_per_second / _LOOKS_PER_SECOND))
    some_thwc = frames_thwc[start % stride :: stride]
    shifts_n2, lost_n = measure_shifts(some_thwc, frames_thwc[start], start // stride)
    return not lost_n.any() and float(np.abs(shifts_n2).max()) < _STILL


def _refuse_moving_camera(
    shifts_t2: NDArray[np.float64], width: int, frames_per_second: float
) -> None:
    reach = float(np.ptp(shifts_t2, axis=0).max()) / width
    step_t = np.abs(np.diff(shifts_t2, axis=0)).max(axis=1) / width
    pace = float(np.median(step_t)) * frames_per_second
    if reach > _LARGEST_DRIFT or pace > _FASTEST_DRIFT:
        raise CameraMoves(
            f"The picture as a whole moves by {reach:.0%} of its width,"
            f" at {pace:.0%} of it per second.",
            drift=round(reach, 3),
            drift_per_second=round(pace, 3),
        )


def quietest_frame(frames_thwc: NDArray[np.uint8]) -> int:
    """The frame that is most like all others: one in which the walker hides little."""
    numbers = np.linspace(0, len(frames_thwc) - 1, min(len(frames_thwc), _COMPARED)).astype(int)
    small_nhw = np.stack([_thumb(frames_thwc[n]) for n in numbers])
    distance_n = [
        cv2.norm(small_nhw.ravel(), np.tile(one_hw.ravel(), len(small_nhw)), cv2.NORM_L1)
        for one_hw in small_nhw
    ]
    return int(numbers[int(np.argmin(distance_n))])


def measure_shifts(
    frames_thwc: NDArray[np.uint8], target_hwc: NDArray[np.uint8], start: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """By how much each frame must be moved to lie on the target.

    Args:
        frames_thwc: uint8 (T, H, W, C).
        target_hwc: uint8 (H, W, C), a frame or the empty scene.
        start: number of a frame that lies on the target already, or nearly so.

    Returns:
        (T, 2) right and down, in pixels of the frames; and (T,) where that did not succeed.
    """
    frames, height, width = frames_thwc.shape[:3]
    scale = min(1.0, _LONG_SIDE / max(height, width))
    target = _Target.of(_texture(target_hwc, scale))
    shifts_t2 = np.zeros((frames, 2))
    lost_t = np.zeros(frames, dtype=np.bool_)
    for direction in (range(start, frames), range(start - 1, -1, -1)):
        shift_2 = np.zeros(2)
        for frame in direction:
            shift_2, lost_t[frame] = _register(_texture(frames_thwc[frame], scale), target, shift_2)
            shifts_t2[frame] = shift_2 / scale
    return shifts_t2, lost_t


def shift_frame(frame_hwc: NDArray[np.uint8], shift_2: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Moves a frame right and down by a fraction of a pixel or more; edges are repeated."""
    height, width = frame_hwc.shape[:2]
    matrix = np.array([[1.0, 0.0, shift_2[0]], [0.0, 1.0, shift_2[1]]])
    moved = cv2.warpAffine(
        frame_hwc, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, dtype=np.uint8).reshape(frame_hwc.shape)


def _texture(frame_hwc: NDArray[np.uint8], scale: float) -> NDArray[np.float32]:
    grey_hw = _middle(frame_hwc)
    if scale < 1.0:
        small = np.empty([round(side * scale) for side in grey_hw.shape], np.uint8)
        scale_down(grey_hw[..., None], small[..., None])
        grey_hw = small
    level_hw = grey_hw.astype(np.float32)
    fine_hw = cv2.GaussianBlur(level_hw, (0, 0), _FINE_BLUR)
    coarse_hw = cv2.GaussianBlur(level_hw, (0, 0), _COARSE_BLUR)
    return np.asarray(fine_hw - coarse_hw, dtype=np.float32)


def _thumb(frame_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey_hw = _middle(frame_hwc)
    while min(grey_hw.shape) >= _HALVED * _THUMB:
        size = (grey_hw.shape[1] // 2, grey_hw.shape[0] // 2)
        grey_hw = np.asarray(cv2.resize(grey_hw, size, interpolation=cv2.INTER_AREA), np.uint8)
    small = cv2.resize(grey_hw, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def _middle(frame_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The channel in the middle: green, or grey."""
    return np.asarray(cv2.extractChannel(frame_hwc, frame_hwc.shape[2] // 2), dtype=np.uint8)


def _usual(values_hw: NDArray[np.float32]) -> float:
    """Median of the absolute values, of every second row and column."""
    return median(np.abs(values_hw[::2, ::2]))


def _register(
    texture_hw: NDArray[np.float32], target: _Target, last_2: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    height, width = texture_hw.shape
    mismatch = 0.0
    shift_2 = last_2.copy()
    for _ in range(_ITERATIONS):
        matrix = np.array([[1.0, 0.0, shift_2[0]], [0.0, 1.0, shift_2[1]]])
        moved_hw = cv2.warpAffine(texture_hw, matrix, (width, height), flags=cv2.INTER_LINEAR)
        margin_x = min(int(abs(shift_2[0])) + 3, width // 3)
        margin_y = min(int(abs(shift_2[1])) + 3, height // 3)
        inside = (slice(margin_y, height - margin_y), slice(margin_x, width - margin_x))
        error_hw = moved_hw[inside] - target.texture_hw[inside]
        mismatch = _usual(error_hw)
        spread = max(1.0, 2.0 * mismatch)
        error_p = error_hw.ravel()
        weight_p = error_p * np.float32(1 / spread)
        weight_p *= weight_p
        weight_p += np.float32(1.0)
        weight_p *= weight_p
        x_p, y_p = target.slope_x_hw[inside].ravel(), target.slope_y_hw[inside].ravel()
        weighted_x_p, weighted_y_p = x_p / weight_p, y_p / weight_p
        cross = float(weighted_x_p @ y_p)
        damping = _DAMPING * error_p.size
        normal = np.array(
            [
                [float(weighted_x_p @ x_p) + damping, cross],
                [cross, float(weighted_y_p @ y_p) + damping],
            ]
        )
        pull_2 = np.array([float(weighted_x_p @ error_p), float(weighted_y_p @ error_p)])
        step_2 = np.linalg.solve(normal, pull_2 - damping * (shift_2 - last_2))
        shift_2 += step_2
        if np.abs(step_2).max() < _CONVERGED:
            break
    is_lost = target.strength > _LEAST_TEXTURE and mismatch > _MISMATCH * target.strength
    return shift_2, is_lost
