"""What capture hands to the GEI: one walker's binary masks, frame by frame.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Silhouette:
    """The walker in one frame, cut to its bounding box.

    Attributes:
        mask_hw: uint8, 0 or 1, no empty border row or column.
        top: first row of the box in the frame, in pixels.
        left: first column of the box in the frame, in pixels.
    """

    mask_hw: NDArray[np.uint8]
    top: int
    left: int

    @property
    def area(self) -> int:
        """Foreground pixels."""
        return int(np.count_nonzero(self.mask_hw))

    @property
    def height(self) -> int:
        """Rows of the bounding box, in pixels."""
        return int(self.mask_hw.shape[0])

    @property
    def width(self) -> int:
        """Columns of the bounding box, in pixels."""
        return int(self.mask_hw.shape[1])


@dataclass(frozen=True, slots=True)
class SilhouetteSequence:
    """One walk as masks, in the order they were filmed.

    Attributes:
        silhouettes: one entry per frame; None where no walker was seen.
        frame_height: rows of the frames the boxes refer to, in pixels.
        frame_width: columns of those frames, in pixels.
        frames_per_second: None where the recording does not say (a bundle of images).
    """

    silhouettes: tuple[Silhouette | None, ...]
    frame_height: int
    frame_width: int
    frames_per_second: float | None

    @classmethod
    def from_stack(
        cls, masks_thw: NDArray[np.uint8], frames_per_second: float | None = None
    ) -> SilhouetteSequence:
        """Builds a sequence from whole-frame masks.

        Args:
            masks_thw: (T, H, W), any integer or bool type; everything above 0 is the walker.
            frames_per_second: of the recording, if known.
        """
        return cls(
            silhouettes=tuple(cut_to_box(mask_hw) for mask_hw in masks_thw),
            frame_height=int(masks_thw.shape[1]),
            frame_width=int(masks_thw.shape[2]),
            frames_per_second=frames_per_second,
        )


def cut_to_box(mask_hw: NDArray[np.uint8]) -> Silhouette | None:
    """Cuts a whole-frame mask to the walker's bounding box; None for an empty mask."""
    foreground_hw = mask_hw > 0
    rows = np.flatnonzero(foreground_hw.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(foreground_hw.any(axis=0))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    return Silhouette(
        mask_hw=foreground_hw[top:bottom, left:right].astype(np.uint8), top=top, left=left
    )
