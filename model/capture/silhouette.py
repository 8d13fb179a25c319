"""Frames of a scene → the silhouettes of the one person who walks through it.

Shape letters: T frames, N sampled frames, H rows, W columns, C colour channels.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background, estimate_background, exposure_gain, sample_frames
from model.capture.camera import stabilise
from model.capture.clip import Clip
from model.capture.foreground import SceneModel
from model.capture.outline import cut_out
from model.capture.recording import CapturedWalk, Recording
from model.capture.tracking import follow, pieces_of_frame
from model.capture.walker import Scene, Stretch, choose_walk
from model.refusals import CameraMoves, TooFewFrames
from model.silhouettes import Silhouette, SilhouetteSequence, cut_to_box

_FEWEST_FRAMES = 12
"""As in the GEI: half a gait cycle at 25 frames per second."""
_USUAL_RATE = 25.0
"""Frames per second assumed of a bundle that does not say."""
_COARSE_SHORT_SIDE = 180
"""Pixels of the frames in which the walker is looked for; the outline is cut at full size."""
_BUSY_SHARE = 0.5
"""Share of the picture; if more changes in the usual frame, there is no fixed background."""
_GREY_TOLERANCE = 3
"""Grey levels by which the channels of a grey recording differ after compression."""


def recording_of_silhouettes(sequence: SilhouetteSequence) -> Recording:
    """The one walk that a bundle of silhouettes shows."""
    seen = [frame for frame, one in enumerate(sequence.silhouettes) if one is not None]
    first, last = seen[0], seen[-1]
    walk = CapturedWalk(
        replace(sequence, silhouettes=sequence.silhouettes[first : last + 1]), 1, first, None
    )
    return Recording((walk,), len(sequence.silhouettes), None)


def recording_of_clip(clip: Clip) -> Recording:
    """The one walk that a clip shows.

    Raises:
        WalkRefused: see `silhouettes_of_clip`.
    """
    return recording_of_silhouettes(silhouettes_of_clip(clip))


def silhouettes_of_clip(clip: Clip) -> SilhouetteSequence:
    """Finds the walker against the background of the whole clip.

    Args:
        clip: of a camera that stands still, or nearly so. Its frames are overwritten.

    Raises:
        TooFewFrames: too short to tell the background.
        CameraMoves: there is no fixed background.
        NoWalkerFound, WalkerStandsStill, WalkerCutOff, SeveralWalkers: see `choose_walk`.
    """
    frames_thwc = _without_needless_colour(clip.frames_thwc)
    frames, height, width = frames_thwc.shape[:3]
    if frames < _FEWEST_FRAMES:
        raise TooFewFrames(f"The recording has {frames} frames.", frames=frames)
    rate = clip.frames_per_second or _USUAL_RATE
    shifts_t2 = stabilise(frames_thwc, rate)
    coarse_thwc, scale = _coarse(frames_thwc)
    background, gains_tc = _empty_scene(coarse_thwc)
    model = SceneModel(background)
    pieces_t = []
    busy_t = np.zeros(frames)
    for frame in range(frames):
        foreground_hw = model.foreground(coarse_thwc[frame], gains_tc[frame])
        _hide_outside(foreground_hw, shifts_t2[frame] * scale)
        busy_t[frame] = foreground_hw.mean()
        pieces_t.append(pieces_of_frame(foreground_hw))
    if np.median(busy_t) > _BUSY_SHARE:
        raise CameraMoves("Most of the picture changes all the time.")
    scene = Scene(coarse_thwc.shape[2], coarse_thwc.shape[1], rate, shifts_t2 * scale)
    walk, all_walks = choose_walk(follow(pieces_t, rate), scene)
    silhouettes: list[Silhouette | None] = [None] * frames
    outlines = cut_out(
        frames_thwc,
        gains_tc,
        _at_full_size(walk, scale),
        [_at_full_size(other, scale) for other in all_walks],
    )
    for frame, silhouette in outlines:
        silhouettes[frame] = _moved_back(silhouette, shifts_t2[frame], height, width)
    return SilhouetteSequence(tuple(silhouettes), height, width, clip.frames_per_second)


def _without_needless_colour(frames_thwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if frames_thwc.shape[3] == 1:
        return frames_thwc
    some_nhwc = frames_thwc[:: max(1, len(frames_thwc) // 16), ::2, ::2].astype(np.int16)
    spread_nhw = some_nhwc.max(axis=3) - some_nhwc.min(axis=3)
    if (spread_nhw <= _GREY_TOLERANCE).mean() > 0.999:
        return np.ascontiguousarray(frames_thwc[..., 1:2])
    return frames_thwc


def _coarse(frames_thwc: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    _, height, width, channels = frames_thwc.shape
    scale = min(1.0, _COARSE_SHORT_SIDE / min(height, width))
    if scale == 1.0:
        return frames_thwc, 1.0
    size = (round(width * scale), round(height * scale))
    coarse_thwc = np.empty((len(frames_thwc), size[1], size[0], channels), np.uint8)
    for small_hwc, frame_hwc in zip(coarse_thwc, frames_thwc, strict=True):
        resized = cv2.resize(frame_hwc, size, interpolation=cv2.INTER_AREA)
        small_hwc[:] = resized.reshape(small_hwc.shape)
    return coarse_thwc, size[1] / height


def _empty_scene(
    frames_thwc: NDArray[np.uint8],
) -> tuple[Background, NDArray[np.float32]]:
    """The background, and by how much each frame is brighter than it, (T, C)."""
    numbers = sample_frames(len(frames_thwc))
    rough = estimate_background(frames_thwc[numbers])
    levelled_nhwc = np.stack(
        [
            cv2.convertScaleAbs(frames_thwc[n] / exposure_gain(frames_thwc[n], rough)).reshape(
                frames_thwc.shape[1:]
            )
            for n in numbers
        ]
    )
    background = estimate_background(levelled_nhwc)
    return background, np.stack([exposure_gain(frame, background) for frame in frames_thwc])


def _hide_outside(foreground_hw: NDArray[np.uint8], shift_2: NDArray[np.float64]) -> None:
    """Clears the strips that the camera did not see in this frame, after it was moved."""
    height, width = foreground_hw.shape
    right, down = (int(np.ceil(abs(part))) if abs(part) > 0.2 else 0 for part in shift_2)
    if right:
        columns = slice(0, right) if shift_2[0] > 0 else slice(width - right, width)
        foreground_hw[:, columns] = 0
    if down:
        rows = slice(0, down) if shift_2[1] > 0 else slice(height - down, height)
        foreground_hw[rows] = 0


def _at_full_size(stretch: Stretch, scale: float) -> Stretch:
    return Stretch(stretch.frames_n, stretch.boxes_n4 / scale, stretch.travel)


def _moved_back(
    silhouette: Silhouette, shift_2: NDArray[np.float64], height: int, width: int
) -> Silhouette | None:
    """Puts a silhouette where the camera saw it; what lies outside the frame then is cut off."""
    top, left = silhouette.top - round(shift_2[1]), silhouette.left - round(shift_2[0])
    rows = slice(max(0, -top), max(0, min(silhouette.height, height - top)))
    columns = slice(max(0, -left), max(0, min(silhouette.width, width - left)))
    mask_hw = silhouette.mask_hw[rows, columns]
    cut = cut_to_box(mask_hw) if mask_hw.size else None
    if cut is None:
        return None
    return Silhouette(cut.mask_hw, top + rows.start + cut.top, left + columns.start + cut.left)
