"""The surroundings of a walker in one frame, and how likely each pixel is when nobody is there.

Shape letters: H rows, W columns, C colour channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background
from model.capture.clothes import BANDS, palette_places
from model.capture.likelihood import SceneLikelihood

_Level = TypeVar("_Level", np.uint8, np.float32)

_ABOVE, _ASIDE = 0.06, 0.09
"""Around the walker's box, in heights of the walker: the limbs of a stride are quicker than the
box, which is smoothed over time."""
_OUTSIDE = 2.0
"""Logarithm of the odds against the walker outside the box."""
_SEED = 2.0
"""Logarithm of the odds from which a pixel is somebody's, whatever they wear."""


@dataclass(frozen=True, slots=True)
class View:
    """A part of a frame, scaled down.

    Attributes:
        rows, columns: of the part, in pixels of the frame; whole multiples of `shrink`.
        shrink: pixels of the frame to one of the arrays'.
        box_4: left, top, right, bottom of the walker's box, in pixels of the frame.
        empty_hw: log density of each pixel under the empty scene or a shadow on it.
        places_hw: of each pixel's colour in the palette of the walker's clothes.
        against_hw: logarithm of the odds against the walker: `_OUTSIDE` outside the box, else 0.
        others_hw: True where somebody else is nearer; None where nobody else is near.
        seed_hw: True where the walker is beyond doubt.
    """

    rows: slice
    columns: slice
    shrink: int
    box_4: NDArray[np.float64]
    empty_hw: NDArray[np.float32]
    places_hw: NDArray[np.intp]
    against_hw: NDArray[np.float32]
    others_hw: NDArray[np.bool_] | None
    seed_hw: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        frame_hwc: NDArray[np.uint8],
        gain_c: NDArray[np.float32],
        scene: SceneLikelihood,
        box_4: NDArray[np.float64],
        others_pixels: Callable[[slice, slice], NDArray[np.bool_] | None],
        *,
        height: float,
        shrink: int,
    ) -> View:
        """Looks at the walker's box and a margin around it.

        Args:
            frame_hwc: uint8 (H, W, C).
            gain_c: how much brighter than the scene the frame is.
            scene: the empty scene, scaled down.
            box_4: of the walker, in pixels of the frame.
            others_pixels: tells which pixels cannot be the walker's.
            height: of the walker, in pixels of the frame.
            shrink: of the scene.
        """
        part = around(box_4, _ABOVE * height, _ASIDE * height, frame_hwc.shape)
        rows, columns = _whole(part, scene, shrink)
        small = (
            slice(rows.start // shrink, rows.stop // shrink),
            slice(columns.start // shrink, columns.stop // shrink),
        )
        seen_hwc = _shrunk(frame_hwc[rows, columns], shrink)
        y_h1 = (np.arange(rows.start, rows.stop, shrink) + (shrink - 1) / 2)[:, None]
        x_w = np.arange(columns.start, columns.stop, shrink) + (shrink - 1) / 2
        share_h1 = (y_h1 - box_4[1]) / (box_4[3] - box_4[1])
        empty_hw = scene.log_density(seen_hwc, gain_c, small, share_h1.astype(np.float32))
        inside_hw = (y_h1 >= box_4[1] - shrink) & (y_h1 <= box_4[3] + shrink - 1)
        inside_hw = inside_hw & (x_w >= box_4[0] - shrink) & (x_w <= box_4[2] + shrink - 1)
        others_hw = others_pixels(rows, columns)
        if others_hw is not None:
            others_hw = others_hw[shrink // 2 :: shrink, shrink // 2 :: shrink]
            inside_hw &= ~others_hw
        bands_h1 = np.minimum(np.maximum(share_h1, 0.0) * BANDS, BANDS - 1).astype(np.intp)
        uniform = -seen_hwc.shape[2] * np.log(256.0)
        return cls(
            rows=rows,
            columns=columns,
            shrink=shrink,
            box_4=box_4,
            empty_hw=empty_hw,
            places_hw=palette_places(seen_hwc, gain_c, bands_h1),
            against_hw=np.where(inside_hw, np.float32(0.0), np.float32(_OUTSIDE)),
            others_hw=others_hw,
            seed_hw=(empty_hw < uniform - _SEED) & inside_hw,
        )


def shrunk_scene(background: Background, shrink: int) -> Background:
    """The empty scene, scaled down; averaging makes it quieter."""
    if shrink == 1:
        return background
    return Background(
        _shrunk(background.level_hwc, shrink),
        _shrunk(background.noise_hw[..., None], shrink)[..., 0] * np.float32(shrink**-0.5),
    )


def around(
    box_4: NDArray[np.float64], above: float, aside: float, shape: tuple[int, ...]
) -> tuple[slice, slice]:
    """Rows and columns of a box and margins, in pixels, inside a frame of some shape."""
    left, top, right, bottom = box_4.tolist()
    return (
        slice(max(0, int(top - above)), min(shape[0], ceil(bottom + above))),
        slice(max(0, int(left - aside)), min(shape[1], ceil(right + aside))),
    )


def _whole(part: tuple[slice, slice], scene: SceneLikelihood, shrink: int) -> tuple[slice, slice]:
    """The part, grown to whole pixels of the scaled-down scene."""
    rows, columns = (
        slice(one.start // shrink * shrink, min(-(-one.stop // shrink), most) * shrink)
        for one, most in zip(part, scene.variance_hw.shape, strict=True)
    )
    return rows, columns


def _shrunk(image_hwc: NDArray[_Level], shrink: int) -> NDArray[_Level]:
    if shrink == 1:
        return image_hwc
    height, width, channels = image_hwc.shape
    high, wide = height // shrink, width // shrink
    whole_hwc = image_hwc[: high * shrink, : wide * shrink]
    small = cv2.resize(whole_hwc, (wide, high), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=image_hwc.dtype).reshape(high, wide, channels)
