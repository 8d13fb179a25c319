"""One walk's silhouettes to its gait energy image: alignment, gait period, whole cycles, mean.

GEI(x, y) = 1/N · Σ I_t(x, y) over the N aligned silhouettes of whole gait cycles (Han and Bhanu
2006, equation 1). The same functions serve training and the service; their settings travel in the
checkpoint.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.gait_period import GaitPeriod, find_period
from model.refusals import NoWalkerFound, TooFewCycles, TooFewFrames, WalkerStandsStill
from model.silhouettes import Silhouette, SilhouetteSequence

LEAST_ORDER = 0.2  # a walk filmed from the side at 15 frames per second still has 0.3
_SLOW_RATE = 15.0
"""Frames per second up to which legs change places between two frames of a profile walk, so that
order shows in a sharp period only: 0.8 and more of ordered frames, 0.5 and less of shuffled ones
(12 generated walkers, 8 to 15 frames per second)."""
_PROOF_OF_ORDER = 0.65
"""Sharpness of a period."""


@dataclass(frozen=True, slots=True)
class GeiConfig:
    """How silhouettes become a GEI. Lengths are relative, times in seconds, so no camera is
    assumed.

    Attributes:
        height: rows of the GEI, in pixels.
        width: columns of the GEI, in pixels; 44 for 64 rows is the field's usual frame.
        smallest_area: a frame whose walker covers less than this share of the walk's median area
            (both relative to the walker's height squared) is dropped.
        largest_height_jump: a frame whose walker is taller or shorter than the running median by
            more than this share is dropped: head or feet are missing, or a shadow was merged.
        shortest_cycle_seconds: of one gait cycle (two steps); running starts below about 0.75 s.
        longest_cycle_seconds: the slowest walk accepted.
        assumed_frames_per_second: where the recording does not say (bundles of images).
        fewest_frames: usable frames below which a walk is refused.
        fewest_cycles: whole cycles below which a walk is refused.
        least_motion: smallest temporal variance of the lower body per foreground pixel that counts
            as walking; a standing person's ragged outline stays below it.
        least_sharpness: smallest prominence of the gait period's autocorrelation peak.
    """

    height: int = 64
    width: int = 44
    smallest_area: float = 0.5
    largest_height_jump: float = 0.15
    shortest_cycle_seconds: float = 0.72
    longest_cycle_seconds: float = 1.8
    assumed_frames_per_second: float = 25.0
    fewest_frames: int = 12
    fewest_cycles: float = 1.0
    least_motion: float = 0.035
    least_sharpness: float = 0.08


@dataclass(frozen=True, slots=True)
class CaptureQuality:
    """What was used of a recording, and how clear its gait was.

    Attributes:
        frames_seen: frames in the recording.
        frames_used: frames averaged into the GEI.
        frames_dropped: how many were left out, by reason: "out-of-view" before the walker comes and
            after they go, "empty", "small", "height-jump" (head or feet missing, a shadow merged),
            "outside-whole-cycles".
        cycles: whole gait cycles averaged.
        period_frames: length of one cycle, in frames.
        period_seconds: the same in seconds; None where the frame rate is unknown.
        completeness: share of the frames of those cycles that were usable, 0 to 1.
        period_sharpness: prominence of the period's autocorrelation peak, 0 to 2; below 0.2 is
            vague.
    """

    frames_seen: int
    frames_used: int
    frames_dropped: dict[str, int]
    cycles: float
    period_frames: float
    period_seconds: float | None
    completeness: float
    period_sharpness: float

    def to_json(self) -> dict[str, object]:
        """The same as plain JSON values, rounded for reading."""
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class EnergyImage:
    """A gait energy image with the quality of its capture.

    Attributes:
        gei_hw: uint8 (H, W); 255 where the walker always is.
        quality: what it was made from.
    """

    gei_hw: NDArray[np.uint8]
    quality: CaptureQuality


@dataclass(frozen=True, slots=True)
class AlignedWalk:
    """Silhouettes scaled to one height and centred, with their place in time.

    Attributes:
        frames_thw: uint8 0/1, (T, H, W), the usable frames only.
        times_t: int, (T,), each frame's index in the recording, rising.
        frames_seen: frames in the recording.
        dropped: frames left out, by reason.
    """

    frames_thw: NDArray[np.uint8]
    times_t: NDArray[np.int64]
    frames_seen: int
    dropped: dict[str, int]


def energy_image(sequence: SilhouetteSequence, config: GeiConfig) -> EnergyImage:
    """Makes the GEI of one walk.

    Args:
        sequence: one walker's masks in filming order.
        config: the settings the network was trained with.

    Raises:
        NoWalkerFound: no frame shows a walker.
        TooFewFrames: fewer usable frames than `config.fewest_frames`.
        WalkerStandsStill: the lower body does not move.
        TooFewCycles: no period, or less than one whole cycle.
    """
    walk = align(sequence, config)
    period = gait_period(walk, sequence.frames_per_second, config)
    first, last, cycles = _whole_cycles(walk.times_t, period.frames)
    inside_t = (walk.times_t >= first) & (walk.times_t < last)
    used = int(inside_t.sum())
    dropped = walk.dropped | {"outside-whole-cycles": inside_t.size - used}
    rate = sequence.frames_per_second
    quality = CaptureQuality(
        frames_seen=walk.frames_seen,
        frames_used=used,
        frames_dropped={reason: count for reason, count in dropped.items() if count},
        cycles=float(cycles),
        period_frames=period.frames,
        period_seconds=period.frames / rate if rate else None,
        completeness=used / (last - first),
        period_sharpness=period.sharpness,
    )
    return EnergyImage(gei_hw=mean_image(walk.frames_thw[inside_t]), quality=quality)


def mean_image(frames_thw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mean of aligned 0/1 silhouettes as uint8 0 to 255: (T, H, W) → (H, W)."""
    mean_hw = frames_thw.mean(axis=0, dtype=np.float32)
    levels_hw: NDArray[np.uint8] = np.rint(mean_hw * 255.0).astype(np.uint8)
    return levels_hw


def align(sequence: SilhouetteSequence, config: GeiConfig) -> AlignedWalk:
    """Scales every usable silhouette to one height and centres it on the column that halves its
    mass.

    Raises:
        NoWalkerFound: no frame shows a walker.
        TooFewFrames: fewer usable frames than `config.fewest_frames`.
    """
    seen = [(time, one) for time, one in enumerate(sequence.silhouettes) if one is not None]
    if not seen:
        raise NoWalkerFound("No frame shows a walker.", frames=len(sequence.silhouettes))
    heights_t = np.array([one.height for _, one in seen], dtype=np.float64)
    density_t = np.array([one.area for _, one in seen]) / heights_t**2
    running_t = _running_median(heights_t, half_width=12)  # about half a second on either side
    jumps_t = np.abs(heights_t - running_t) > np.maximum(
        config.largest_height_jump * running_t,
        2.0,  # pixels: a walker 20 pixels tall changes by two for no reason
    )
    small_t = density_t < config.smallest_area * np.median(density_t)
    keep_t = ~(jumps_t | small_t)
    in_view = seen[-1][0] - seen[0][0] + 1
    dropped = {
        "out-of-view": len(sequence.silhouettes)
        - in_view,  # before the walker comes, after they go
        "empty": in_view - len(seen),
        "small": int(small_t.sum()),
        "height-jump": int((jumps_t & ~small_t).sum()),
    }
    kept = [pair for pair, keep in zip(seen, keep_t, strict=True) if keep]
    if len(kept) < config.fewest_frames:
        raise TooFewFrames(
            f"{len(kept)} of {len(sequence.silhouettes)} frames show a whole walker;"
            f" at least {config.fewest_frames} are needed.",
            frames=len(sequence.silhouettes),
            usable=len(kept),
        )
    return AlignedWalk(
        frames_thw=np.stack([aligned(one, config.height, config.width) for _, one in kept]),
        times_t=np.array([time for time, _ in kept], dtype=np.int64),
        frames_seen=len(sequence.silhouettes),
        dropped={reason: count for reason, count in dropped.items() if count},
    )


def aligned(silhouette: Silhouette, height: int, width: int) -> NDArray[np.uint8]:
    """One silhouette scaled to `height` rows and centred in `width` columns: uint8 0/1, (H, W).

    The scaling averages areas and cuts at one half, so the result stays binary.
    """
    scale = height / silhouette.height
    scaled_width = max(1, round(silhouette.width * scale))
    shrinking = scale < 1.0
    scaled_hw = cv2.resize(
        silhouette.mask_hw * np.uint8(255),
        (scaled_width, height),
        interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR,
    )
    binary_hw = (scaled_hw > 127).astype(np.uint8)
    mass_w = np.cumsum(binary_hw.sum(axis=0, dtype=np.int64))
    centre = int(np.searchsorted(mass_w, mass_w[-1] / 2.0))
    start = centre - width // 2  # column of the scaled mask that becomes column 0
    out_hw = np.zeros((height, width), dtype=np.uint8)
    source = slice(max(0, start), min(scaled_width, start + width))
    out_hw[:, source.start - start : source.stop - start] = binary_hw[:, source]
    return out_hw


def gait_period(
    walk: AlignedWalk, frames_per_second: float | None, config: GeiConfig
) -> GaitPeriod:
    """Finds the length of one gait cycle from the lower body's movement.

    Raises:
        WalkerStandsStill: the lower body does not move.
        TooFewCycles: no clear period within the configured bounds, or a walk shorter than a cycle.
    """
    rate = frames_per_second or config.assumed_frames_per_second
    lower_thw = walk.frames_thw[:, config.height // 2 :].astype(np.float32)
    motion, order = _leg_motion(lower_thw)
    if motion < config.least_motion:
        raise WalkerStandsStill(
            "A person is seen, but the legs do not move.", motion=round(motion, 4)
        )
    span = int(walk.times_t[-1] - walk.times_t[0]) + 1
    cycle = find_period(
        lower_thw,
        walk.times_t,
        frames_per_second=rate,
        shortest_seconds=config.shortest_cycle_seconds,
        longest_seconds=config.longest_cycle_seconds,
        least_sharpness=config.least_sharpness,
    )
    proven = rate <= _SLOW_RATE and cycle is not None and cycle.sharpness >= _PROOF_OF_ORDER
    if order < LEAST_ORDER and not proven:
        raise TooFewCycles(
            "The legs are at unrelated places from frame to frame;"
            " are the frames in filming order?",
            order=round(order, 2),
        )
    if cycle is None:
        raise TooFewCycles(
            f"No regular gait period shows in {span} frames ({span / rate:.1f} s): the walk is too"
            " short, or the person stops, turns or runs.",
            frames=span,
        )
    if span < config.fewest_cycles * cycle.frames - 1.0:
        raise TooFewCycles(
            f"The walk lasts {span} frames; one gait cycle takes {cycle.frames:.0f}.",
            frames=span,
            period_frames=round(cycle.frames, 1),
        )
    return cycle


def _leg_motion(lower_thw: NDArray[np.float32]) -> tuple[float, float]:
    """How much the lower body moves, and how much of that goes on from one frame to the next.

    Returns:
        The temporal variance per foreground pixel of the frames smoothed over three, which removes
        most of the flicker of a ragged outline, and the share of the variance that neighbouring
        frames have in common (1: smooth movement, 0: unrelated frames).
    """
    deviation_thw = lower_thw - lower_thw.mean(axis=0)
    smooth_thw = (deviation_thw[:-2] + deviation_thw[1:-1] + deviation_thw[2:]) / 3.0
    foreground = max(float(lower_thw.mean(axis=0).sum()), 1.0)
    variance = float(np.square(deviation_thw).mean(axis=0).sum())
    common = float((deviation_thw[:-1] * deviation_thw[1:]).mean(axis=0).sum())
    motion = float(np.square(smooth_thw).mean(axis=0).sum()) / foreground
    return motion, common / max(variance, 1e-9)


def _whole_cycles(times_t: NDArray[np.int64], period: float) -> tuple[int, int, int]:
    """The stretch of whole cycles with the most usable frames: (first, end, cycles), in frame
    numbers."""
    start, span = int(times_t[0]), int(times_t[-1] - times_t[0]) + 1
    cycles = max(1, int((span + 1.0) / period))  # one frame of tolerance: the period is measured
    length = min(span, round(cycles * period))
    present = np.zeros(span, dtype=np.int64)
    present[times_t - start] = 1
    sums = np.concatenate(([0], np.cumsum(present)))
    usable_by_offset = sums[length:] - sums[: span - length + 1]
    best = np.flatnonzero(usable_by_offset == usable_by_offset.max())
    offset = int(best[best.size // 2])  # of equal stretches the middle one
    return start + offset, start + offset + length, cycles


def _running_median(values_t: NDArray[np.float64], half_width: int) -> NDArray[np.float64]:
    padded = np.pad(values_t, half_width, mode="reflect" if values_t.size > half_width else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half_width + 1)
    medians: NDArray[np.float64] = np.median(windows, axis=1)
    return medians
