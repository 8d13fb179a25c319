"""What a captured walk shows of its own quality, as numbers: the ground for words and score.

Everything but the walker's size is measured on the aligned silhouettes, in shares of the walker's
height or area, so that it means the same at every distance.

Shape letters: T frames, H rows, W columns, P pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.recording import CapturedWalk
from model.gei import AlignedWalk, EnergyImage, GeiConfig, align

_STILL_MOVEMENT = 0.35
"""Of the legs' usual movement over a quarter of a cycle, below which they stand."""
_USUAL_QUANTILE = 0.75
"""Of that movement: what is usual, also where up to two thirds of a walk are spent standing."""


@dataclass(frozen=True, slots=True)
class WalkEvidence:
    """What was measured of one walk.

    Attributes:
        height_pixels: mean height of the walker in the picture.
        frames_per_second: None where the recording does not say.
        frames_used: frames in the GEI.
        cycles: whole gait cycles in the GEI.
        period_seconds: of one gait cycle; None where the frame rate is unknown.
        period_sharpness: as in `CaptureQuality`.
        completeness: share of the cycles' frames that were usable.
        cut_share: share of the frames in which the picture's border hides a part.
        people: seen at the same time, the walker included.
        flicker: pixels of head and trunk that flip for a single frame, as a share of their area.
        height_jitter: how much the height changes from frame to frame beyond a smooth course, as a
            share of it.
        pieces: mean number of pieces a silhouette falls into.
        holes: mean area enclosed by a silhouette without belonging to it, as a share of its own.
        head_width: mean width of the uppermost eighth, as a share of the height.
        trunk_width: the same from there to the middle.
        leg_width: the same of the lowest quarter.
        lower_share: share of the silhouette's area that lies in its lower half.
        leg_motion: temporal variance of the lowest quarter per foreground pixel, 0 to 1.
        trunk_motion: the same of the upper half.
        fullness: area of the silhouette as a share of its height squared.
        still_share: share of the walk in which the legs stand.
    """

    height_pixels: float
    frames_per_second: float | None
    frames_used: int
    cycles: float
    period_seconds: float | None
    period_sharpness: float
    completeness: float
    cut_share: float
    people: int
    flicker: float
    height_jitter: float
    pieces: float
    holes: float
    head_width: float
    trunk_width: float
    leg_width: float
    lower_share: float
    leg_motion: float
    trunk_motion: float
    fullness: float
    still_share: float


def walk_evidence(walk: CapturedWalk, image: EnergyImage) -> WalkEvidence:
    """Measures one walk.

    Args:
        walk: as captured.
        image: its gait energy image, which says which cycle was found and what was used.

    Raises:
        NoWalkerFound, TooFewFrames: no image could have been made of this walk.
    """
    quality = image.quality
    aligned = align(walk.sequence, GeiConfig())
    frames_thw = aligned.frames_thw
    height = frames_thw.shape[1]
    energy_hw = frames_thw.mean(axis=0, dtype=np.float64)
    area = float(energy_hw.sum())
    pieces, holes = _pieces_and_holes(frames_thw)
    return WalkEvidence(
        height_pixels=walk.height,
        frames_per_second=walk.sequence.frames_per_second,
        frames_used=quality.frames_used,
        cycles=quality.cycles,
        period_seconds=quality.period_seconds,
        period_sharpness=quality.period_sharpness,
        completeness=quality.completeness,
        cut_share=walk.cut_share,
        people=walk.people,
        flicker=_flicker(frames_thw[:, : height // 2]),
        height_jitter=_height_jitter(walk),
        pieces=pieces,
        holes=holes,
        head_width=_mean_width(energy_hw[: height // 8]) / height,
        trunk_width=_mean_width(energy_hw[height // 8 : height // 2]) / height,
        leg_width=_mean_width(energy_hw[3 * height // 4 :]) / height,
        lower_share=float(energy_hw[height // 2 :].sum()) / area,
        leg_motion=_variance_per_foreground(energy_hw[3 * height // 4 :]),
        trunk_motion=_variance_per_foreground(energy_hw[: height // 2]),
        fullness=area / height**2,
        still_share=_still_share(aligned, quality.period_frames),
    )


def _mean_width(energy_hw: NDArray[np.float64]) -> float:
    return float(energy_hw.sum(axis=1).mean())


def _variance_per_foreground(energy_hw: NDArray[np.float64]) -> float:
    """Of 0/1 pixels: mean · (1 − mean), summed, per foreground pixel."""
    return float((energy_hw * (1.0 - energy_hw)).sum() / max(float(energy_hw.sum()), 1.0))


def _flicker(upper_thw: NDArray[np.uint8]) -> float:
    """Pixels that differ from both neighbours in time; arms pass, they do not flip."""
    changed_thw = upper_thw[1:] != upper_thw[:-1]
    flips_thw = changed_thw[1:] & changed_thw[:-1]
    return (
        float(flips_thw.sum(axis=(1, 2)).mean()) / max(float(upper_thw.sum()), 1.0) * len(upper_thw)
    )


def _height_jitter(walk: CapturedWalk) -> float:
    heights_t = np.array([one.height for one in walk.sequence.silhouettes if one is not None])
    bends_t = np.abs(heights_t[2:] - 2 * heights_t[1:-1] + heights_t[:-2])
    # A silhouette is a whole number of rows tall, which alone bends its course by about one.
    return float(np.maximum(bends_t - 1.0, 0.0).mean() / heights_t.mean())


def _pieces_and_holes(frames_thw: NDArray[np.uint8]) -> tuple[float, float]:
    pieces, holes = 0, 0
    for frame_hw in frames_thw:
        pieces += cv2.connectedComponents(frame_hw, connectivity=8, ltype=cv2.CV_16U)[0] - 1
        around_hw = np.pad(1 - frame_hw, 1, constant_values=1)
        count, _, stats_n5, _ = cv2.connectedComponentsWithStats(
            around_hw, connectivity=4, ltype=cv2.CV_16U
        )
        # The background outside is the component that holds the corner: the first one.
        holes += int(stats_n5[2:, cv2.CC_STAT_AREA].sum()) if count > 2 else 0
    return pieces / len(frames_thw), holes / max(int(frames_thw.sum()), 1)


def _still_share(aligned: AlignedWalk, period_frames: float) -> float:
    """Compares the legs with themselves a quarter of a cycle later.

    After a quarter of a cycle legs that walk are elsewhere, but for a moment when one passes the
    other; legs that stand are where they were, for longer than that.
    """
    lag = max(1, round(period_frames / 4.0))
    frames = aligned.times_t.size
    later_t = np.minimum(np.searchsorted(aligned.times_t, aligned.times_t + lag), frames - 1)
    paired_t = aligned.times_t[later_t] == aligned.times_t + lag
    if not paired_t.any():
        return 0.0
    lower_thw = aligned.frames_thw[:, aligned.frames_thw.shape[1] // 2 :]
    moved_t = (lower_thw[paired_t] != lower_thw[later_t[paired_t]]).sum(axis=(1, 2))
    usual = float(np.quantile(moved_t, _USUAL_QUANTILE))
    still_t = np.concatenate(([False], moved_t < _STILL_MOVEMENT * usual, [False]))
    begin_n, end_n = np.flatnonzero(np.diff(still_t)).reshape(-1, 2).T
    stands_n = end_n - begin_n >= lag
    still_frames = int((end_n - begin_n + lag)[stands_n].sum())
    return min(1.0, still_frames / frames)
