"""What a decision about one walk rests on, for people to look at: masks, aligned silhouettes, gait.

Nothing of it is needed to decide; it is made again from what capture kept, when somebody asks.

Shape letters: T frames, H rows, W columns, L lags.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.recording import CapturedWalk
from model.gait_period import autocorrelation
from model.gei import AlignedWalk, GeiConfig, align, gait_period

MOST_MASKS = 600
"""Of one walk; of a longer one every second, third … mask is kept."""
STRIP_SILHOUETTES = 12
_FOOT_SHARE = 0.25
"""Of the height, from below, in which the legs' spread is measured: shins and feet."""


@dataclass(frozen=True, slots=True)
class PlacedMask:
    """The walker in one frame.

    Attributes:
        frame: its number in the recording, from 0.
        top: first row of the mask in the frame, in pixels.
        left: first column of the mask in the frame, in pixels.
        png: the mask, black and white.
    """

    frame: int
    top: int
    left: int
    png: bytes


@dataclass(frozen=True, slots=True)
class WalkExplanation:
    """One walk as the service saw it.

    Attributes:
        frame_width: of the frames that masks are placed in, in pixels.
        frame_height: likewise.
        frames_per_second: of those frames; None where the recording does not say.
        masks: where the walker was seen.
        strip_png: aligned silhouettes of one gait cycle side by side.
        strip_silhouettes: how many they are.
        legs: (frame, how far shins and feet are apart as a share of the height), in order.
        correlation: how like itself the walk is so many frames later, from 0 on; at most 1.
        period_frames: length of one gait cycle, the peak of that.
    """

    frame_width: int
    frame_height: int
    frames_per_second: float | None
    masks: tuple[PlacedMask, ...]
    strip_png: bytes
    strip_silhouettes: int
    legs: tuple[tuple[int, float], ...]
    correlation: tuple[float, ...]
    period_frames: float


def explained_walk(walk: CapturedWalk, config: GeiConfig) -> WalkExplanation:
    """Looks at a walk that has a gait energy image once more.

    Args:
        walk: as captured.
        config: the settings its image was made with.

    Raises:
        WalkRefused: it has none.
    """
    sequence = walk.sequence
    aligned = align(sequence, config)
    period = gait_period(aligned, sequence.frames_per_second, config)
    rate = sequence.frames_per_second or config.assumed_frames_per_second
    lower_thw = aligned.frames_thw[:, config.height // 2 :].astype(np.float32)
    correlation_l = autocorrelation(lower_thw, aligned.times_t, rate)
    chosen = _one_cycle(aligned, period.frames)
    strip_hw = np.concatenate(list(aligned.frames_thw[chosen]), axis=1)
    return WalkExplanation(
        frame_width=sequence.frame_width,
        frame_height=sequence.frame_height,
        frames_per_second=sequence.frames_per_second,
        masks=_masks(walk),
        strip_png=_png(strip_hw),
        strip_silhouettes=len(chosen),
        legs=tuple(
            (walk.first_frame + int(time), round(_spread(frame_hw), 4))
            for time, frame_hw in zip(aligned.times_t, aligned.frames_thw, strict=True)
        ),
        correlation=tuple(round(float(each), 4) for each in correlation_l[: 2 * int(rate) + 1]),
        period_frames=round(period.frames, 2),
    )


def _masks(walk: CapturedWalk) -> tuple[PlacedMask, ...]:
    silhouettes = walk.sequence.silhouettes
    step = -(-len(silhouettes) // MOST_MASKS)
    return tuple(
        PlacedMask(walk.first_frame + number, one.top, one.left, _png(one.mask_hw))
        for number, one in enumerate(silhouettes)
        if one is not None and number % step == 0
    )


def _one_cycle(walk: AlignedWalk, period_frames: float) -> NDArray[np.int64]:
    """Places of silhouettes in the middle of the walk, evenly over one gait cycle."""
    middle = (walk.times_t[0] + walk.times_t[-1]) / 2.0
    wanted = middle + period_frames * (np.arange(STRIP_SILHOUETTES) / STRIP_SILHOUETTES - 0.5)
    nearest = np.abs(walk.times_t[:, None] - wanted[None, :]).argmin(axis=0)
    chosen: NDArray[np.int64] = np.unique(nearest)
    return chosen


def _spread(frame_hw: NDArray[np.uint8]) -> float:
    """How far apart the outermost pixels of the lowest part are, as a share of the height."""
    height = frame_hw.shape[0]
    columns = np.flatnonzero(frame_hw[round(height * (1.0 - _FOOT_SHARE)) :].any(axis=0))
    return float(columns[-1] - columns[0] + 1) / height if columns.size else 0.0


def _png(mask_hw: NDArray[np.uint8]) -> bytes:
    done, png = cv2.imencode(".png", mask_hw * np.uint8(255), [cv2.IMWRITE_PNG_BILEVEL, 1])
    if not done:
        raise ValueError("a mask cannot be written as a PNG")
    return png.tobytes()
