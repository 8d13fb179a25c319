"""Whether one path may go on as another, by where it was heading.

Shape letters: N frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.capture.paths import Path

_FIT_SECONDS = 0.7
"""Over which speed is measured; about one step."""
_MOST = 2.0
"""Heights: who is further from where they should be is somebody else, however far."""


def departure(earlier: Path, later: Path, frames_per_second: float) -> float:
    """How badly a later path continues an earlier one at constant speed; 0 is perfectly.

    Args:
        earlier: ends before `later` begins.
        later: the possible continuation.
        frames_per_second: of the recording.

    Returns:
        0 to 4: distance from the expected place, in heights, per second out of sight once that is
        more than one, plus the change of speed, in heights per second.
    """
    before = _Motion.at_end(earlier, frames_per_second)
    after = _Motion.at_start(later, frames_per_second)
    seconds = (later.first - earlier.last) / frames_per_second
    ahead_2 = before.place_2 + before.speed_2 * seconds - after.place_2
    back_2 = after.place_2 - after.speed_2 * seconds - before.place_2
    height = (earlier.height + later.height) / 2
    away = float(np.hypot(*ahead_2) + np.hypot(*back_2)) / (2 * height * max(1.0, seconds))
    change = float(np.hypot(*(after.speed_2 - before.speed_2))) / height
    return min(away, _MOST) + min(change, _MOST)


@dataclass(frozen=True, slots=True)
class _Motion:
    """Place (x, y) in pixels and speed in pixels per second at one end of a path."""

    place_2: NDArray[np.float64]
    speed_2: NDArray[np.float64]

    @classmethod
    def at_end(cls, path: Path, rate: float) -> _Motion:
        """Where the path ends, and how fast."""
        return cls._of(path.boxes_n4[-max(2, round(_FIT_SECONDS * rate)) :], rate, last=True)

    @classmethod
    def at_start(cls, path: Path, rate: float) -> _Motion:
        """Where the path begins, and how fast."""
        return cls._of(path.boxes_n4[: max(2, round(_FIT_SECONDS * rate))], rate, last=False)

    @classmethod
    def _of(cls, boxes_n4: NDArray[np.float64], rate: float, *, last: bool) -> _Motion:
        centres_n2 = (boxes_n4[:, :2] + boxes_n4[:, 2:]) / 2
        if len(centres_n2) < 2:
            return cls(centres_n2[0], np.zeros(2))
        seconds_n = np.arange(len(centres_n2)) / rate
        slope_2, start_2 = np.polyfit(seconds_n, centres_n2, 1)
        return cls(start_2 + slope_2 * (seconds_n[-1] if last else 0.0), slope_2)
