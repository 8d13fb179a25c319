"""What a walk set keeps of a walk's pictures: packed silhouettes and a GEI.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.datasets.shard import pack_frames
from model.gei import AlignedWalk, GeiConfig, align, energy_image, mean_image
from model.refusals import WalkRefused
from model.silhouettes import SilhouetteSequence


@dataclass(frozen=True, slots=True)
class PackedPictures:
    """Pictures of one walk.

    Attributes:
        aligned: the silhouettes as they were aligned.
        frames_packed_tb: the same, uint8 (T, H · W / 8), one bit a pixel.
        gei_hw: uint8 (H, W), over whole cycles, or over all frames where no period was found.
        period_frames: length of a gait cycle, nan where none was found.
    """

    aligned: AlignedWalk
    frames_packed_tb: NDArray[np.uint8]
    gei_hw: NDArray[np.uint8]
    period_frames: float


def pack_pictures(sequence: SilhouetteSequence, gei: GeiConfig) -> PackedPictures:
    """Aligns and packs a walk; one without a period is still good enough to learn a shape from.

    Raises:
        WalkRefused: too few usable frames.
    """
    aligned = align(sequence, gei)
    try:
        image = energy_image(sequence, gei)
        gei_hw, period_frames = image.gei_hw, image.quality.period_frames
    except WalkRefused:
        gei_hw, period_frames = mean_image(aligned.frames_thw), float("nan")
    return PackedPictures(aligned, pack_frames(aligned.frames_thw), gei_hw, period_frames)
