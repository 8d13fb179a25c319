"""What tells people from everything else in the frames of a recording.

Two ways stand: against the background that a fixed camera sees (`background_segmenter`), and by a
network that knows people (`onnx_segmenter`). What follows, tracks, walks and numbers, is the same.

Shape letters: T frames, H rows, W columns, C colour channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.capture.paths import Path
from model.capture.small_frames import SmallFrames
from model.capture.stretch import Scene, Stretch
from model.silhouettes import Silhouette


@dataclass(frozen=True, slots=True)
class Window:
    """Frames that follow each other, as many as are held at once.

    Attributes:
        frames_thwc: uint8 (T, H, W, 1 or 3), grey or blue-green-red; a segmenter may move them
            to take back the camera's drift.
        frames_per_second: of the recording, or what is assumed of it.
        shifts_t2: by how much each frame was moved right and down so far, in pixels; a segmenter
            that moves frames adds to it.
    """

    frames_thwc: NDArray[np.uint8]
    frames_per_second: float
    shifts_t2: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Foreground:
    """Where somebody or something is that is not the scene, in small frames.

    Attributes:
        frames: the small frames.
        gains_tc: (T, C) by how much brighter than the scene each frame is.
        masks_thw: uint8 (T, H, W), 1 where somebody is.
        scene: what these frames show.
    """

    frames: SmallFrames
    gains_tc: NDArray[np.float32]
    masks_thw: NDArray[np.uint8]
    scene: Scene

    @property
    def scale(self) -> float:
        """Of the small frames to those of the window."""
        return self.frames.scale


class SegmentedWindow(Protocol):
    """A window in which a segmenter has found what is in front."""

    @property
    def foreground(self) -> Foreground:
        """The first guess, for finding people and following them."""

    @property
    def light(self) -> float:
        """Median grey level of the scene, 0 to 255."""

    @property
    def drift(self) -> float:
        """How far a camera that should stand still moved, as a share of the frame's width."""

    def outlines(
        self, walk: Stretch, others: Sequence[Path], everything: Sequence[Path]
    ) -> Iterator[tuple[int, Silhouette, float]]:
        """The walker's outline in each frame of a walk in which it is found.

        Args:
            walk: in pixels of the small frames.
            others: everybody else; their pixels are not the walker's.
            everything: whatever moves in the window, the walker included: no background.

        Yields:
            Frame number; silhouette, where the camera saw it, in pixels of the window's frames;
            distance between walker and surroundings, in units of the scene's noise.
        """


class Segmenter(Protocol):
    """Finds people in frames."""

    def segment(self, window: Window) -> SegmentedWindow:
        """Looks at a window as a whole.

        Raises:
            CameraMoves: the segmenter needs a camera that stands still.
        """
