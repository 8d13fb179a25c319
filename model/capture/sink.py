"""Where decoded frames go: one after the other, never all at once.

Shape letters: H rows, W columns.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.silhouettes import Silhouette


class FrameSink(Protocol):
    """Takes the frames of one recording: of a scene, or silhouettes, never both."""

    def start_scene(self, width: int, height: int, frames_per_second: float | None) -> None:
        """Announces the size of the frames that are wanted, in pixels, and their rate."""

    def frame(self, frame_hwc: NDArray[np.uint8]) -> None:
        """Takes (H, W, 3) blue-green-red; scales it to the announced size if it has another."""

    def start_silhouettes(self, width: int, height: int) -> None:
        """Announces the size of the frames that silhouettes were cut out of, in pixels."""

    def silhouette(self, silhouette: Silhouette | None) -> None:
        """Takes the walker of one frame; None where there is none."""
