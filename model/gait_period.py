"""How long one gait cycle is: the autocorrelation of a walk's aligned silhouettes.

Every pixel of the lower body is a signal; their mean autocorrelation peaks at the cycle in every
view (from the side also at the step, half of it). A missing frame counts for nothing.

Shape letters: T frames, H rows, W columns, P pixels, L lags.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class GaitPeriod:
    """One gait cycle's length and how clearly it shows.

    Attributes:
        frames: length of a cycle, in frames (fractional).
        sharpness: height of the autocorrelation peak above the trough before it, 0 to 2.
    """

    frames: float
    sharpness: float


def find_period(
    frames_thw: NDArray[np.float32],
    times_t: NDArray[np.int64],
    *,
    frames_per_second: float,
    shortest_seconds: float,
    longest_seconds: float,
    least_sharpness: float,
) -> GaitPeriod | None:
    """Finds the gait cycle between two lengths.

    Args:
        frames_thw: (T, H, W) aligned silhouettes in [0, 1], the lower body.
        times_t: (T,) each frame's index in the recording, rising; gaps are allowed.
        frames_per_second: of the recording.
        shortest_seconds: of a cycle.
        longest_seconds: of a cycle.
        least_sharpness: peaks less prominent than this are no gait.

    Returns:
        The cycle, or None where no peak is sharp enough or the walk is too short to show one.
    """
    span = int(times_t[-1] - times_t[0]) + 1
    shortest = max(4, int(np.floor(shortest_seconds * frames_per_second)))
    if span < shortest:
        return None
    correlation_l = autocorrelation(frames_thw, times_t, frames_per_second)
    least_overlap = max(5, round(0.2 * frames_per_second))
    longest = int(np.ceil(longest_seconds * frames_per_second))
    longest_lag = min(longest, span - least_overlap)
    cycle = _first_high_peak(correlation_l, shortest, longest_lag)
    if cycle is not None and cycle.sharpness >= least_sharpness:
        return cycle
    # A short walk seen from the side may show its step but not its whole cycle.
    step = _first_high_peak(correlation_l, shortest // 2, min(longest // 2, longest_lag))
    if step is not None and step.sharpness >= least_sharpness:
        return GaitPeriod(2.0 * step.frames, step.sharpness)
    return None


def autocorrelation(
    frames_thw: NDArray[np.float32], times_t: NDArray[np.int64], frames_per_second: float
) -> NDArray[np.float64]:
    """Mean autocorrelation of all pixels over lags 0 … span − 1, each pixel freed of its slow
    drift.

    Args:
        frames_thw: (T, H, W) aligned silhouettes in [0, 1], the lower body.
        times_t: (T,) each frame's index in the recording, rising; gaps are allowed.
        frames_per_second: of the recording.

    Returns:
        (L,) from 1 at lag 0.
    """
    window = max(9, round(1.4 * frames_per_second))  # longer than a cycle keeps the gait
    span = int(times_t[-1] - times_t[0]) + 1
    half_tp = cv2.resize(  # half resolution keeps the legs apart and costs a quarter
        frames_thw.transpose(1, 2, 0).reshape(frames_thw.shape[1], -1),
        None,
        fx=1.0,
        fy=0.5,
        interpolation=cv2.INTER_AREA,
    )
    rows = half_tp.shape[0]
    values_tp = (
        half_tp.reshape(rows, frames_thw.shape[2], -1).transpose(2, 0, 1).reshape(len(times_t), -1)
    )
    series_tp = np.zeros((span, values_tp.shape[1]), dtype=np.float32)
    present_t = np.zeros(span, dtype=np.float32)
    series_tp[times_t - times_t[0]] = values_tp
    present_t[times_t - times_t[0]] = 1.0
    series_tp -= _moving_average(series_tp, present_t, window)
    series_tp *= present_t[:, None]
    gram_tt = (series_tp @ series_tp.T).astype(np.float64)
    energy_t = np.diagonal(gram_tt)
    correlation_l = np.zeros(span)
    for lag in range(span):
        both = present_t[: span - lag] * present_t[lag:]
        norm = 0.5 * float(((energy_t[: span - lag] + energy_t[lag:]) * both).sum())
        correlation_l[lag] = float(np.trace(gram_tt, offset=lag)) / norm if norm > 0 else 0.0
    return correlation_l


def _moving_average(
    series_tp: NDArray[np.float32], present_t: NDArray[np.float32], window: int
) -> NDArray[np.float32]:
    """Centred mean over `window` frames of what is present; a short series gets its overall
    mean."""
    span = len(series_tp)
    if span <= window + 2:
        mean_1p: NDArray[np.float32] = series_tp.sum(axis=0, keepdims=True) / present_t.sum()
        return mean_1p
    before = window // 2
    starts = np.clip(np.arange(span) - before, 0, span - window)
    sums_tp = np.concatenate(
        (np.zeros((1, series_tp.shape[1]), np.float32), np.cumsum(series_tp, axis=0))
    )
    counts_t = np.concatenate((np.zeros(1, np.float32), np.cumsum(present_t)))
    totals_tp = sums_tp[starts + window] - sums_tp[starts]
    present_counts = np.maximum(counts_t[starts + window] - counts_t[starts], 1.0)
    averages: NDArray[np.float32] = totals_tp / present_counts[:, None]
    return averages


def _first_high_peak(
    correlation_l: NDArray[np.float64], shortest: int, longest: int
) -> GaitPeriod | None:
    """The smallest lag whose peak is nearly as high as the highest; None without a peak.

    The next multiples of the step are peaks too, so of nearly equal ones the smallest is the cycle.
    """
    longest = min(longest, len(correlation_l) - 2)
    lags = np.arange(max(shortest, 2), longest + 1)
    if lags.size == 0:
        return None
    here = correlation_l[lags]
    is_peak = (here >= correlation_l[lags - 1]) & (here > correlation_l[lags + 1])
    peaks = lags[is_peak & (here > 0.0)]
    if peaks.size == 0:
        return None
    heights = correlation_l[peaks]
    lag = int(peaks[np.flatnonzero(heights >= 0.75 * heights.max())[0]])
    left, middle, right = correlation_l[lag - 1 : lag + 2]
    curvature = left - 2.0 * middle + right
    shift = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    sharpness = float(middle - correlation_l[1:lag].min())
    return GaitPeriod(frames=lag + float(np.clip(shift, -0.5, 0.5)), sharpness=sharpness)
