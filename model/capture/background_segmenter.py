"""People against the background that a fixed camera sees: needs no network, no training.

Shape letters: T frames, N sampled frames, H rows, W columns, C colour channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background
from model.capture.camera import stabilise
from model.capture.channels import largest
from model.capture.exposure import empty_scene
from model.capture.foreground import SceneModel
from model.capture.light_field import even_out, uneven_light
from model.capture.medians import median
from model.capture.outline import cut_out
from model.capture.paths import Path
from model.capture.rivals import pixels_of_others
from model.capture.scene_behind import background_beside
from model.capture.segmenter import Foreground, Window
from model.capture.small_frames import SmallFrames
from model.capture.stretch import Scene, Stretch
from model.refusals import CameraMoves
from model.silhouettes import Silhouette, cut_to_box

_CONTRAST_ROWS = 40
"""Of the walker that are compared with the scene to tell the contrast."""
_BUSY_SHARE = 0.5
"""Share of the picture; if more changes in the usual frame, there is no fixed background."""


class BackgroundSegmenter:
    """Whoever is not background, in front of a camera that stands still, or nearly so."""

    def segment(self, window: Window) -> _AgainstBackground:
        """Takes the camera's drift and uneven light back, in place, and compares each frame with
        the empty scene.

        Raises:
            CameraMoves: there is no fixed background.
        """
        frames_thwc = window.frames_thwc
        shifts_t2 = window.shifts_t2
        shifts_t2 += stabilise(frames_thwc, window.frames_per_second)
        small = SmallFrames(frames_thwc)
        background, gains_tc = empty_scene(small)
        light_tk = uneven_light(small, background)
        if light_tk is not None:
            even_out(frames_thwc, light_tk)
            background, gains_tc = empty_scene(small)
        model = SceneModel(background)
        masks_thw = np.empty(small.shape[:3], np.uint8)
        for mask_hw, frame_hwc, gain_c, shift_2 in zip(
            masks_thw, small, gains_tc, shifts_t2 * small.scale, strict=True
        ):
            mask_hw[:] = model.foreground(frame_hwc, gain_c)
            _hide_outside(mask_hw, shift_2)
        busy_t = np.array([cv2.countNonZero(mask_hw) for mask_hw in masks_thw])
        if np.median(busy_t) > _BUSY_SHARE * masks_thw[0].size:
            raise CameraMoves("Most of the picture changes all the time.")
        scene = Scene(
            small.shape[2],
            small.shape[1],
            window.frames_per_second,
            shifts_t2 * small.scale,
            np.zeros_like(shifts_t2),
        )
        return _AgainstBackground(
            foreground=Foreground(small, gains_tc, masks_thw, scene),
            light=median(background.level_hwc),
            drift=float(np.ptp(shifts_t2, axis=0).max()) / frames_thwc.shape[2],
            frames_thwc=frames_thwc,
            shifts_t2=shifts_t2.copy(),
        )


@dataclass(slots=True)
class _AgainstBackground:
    """A window whose background is known."""

    foreground: Foreground
    light: float
    drift: float
    frames_thwc: NDArray[np.uint8]
    shifts_t2: NDArray[np.float64]
    background: Background | None = None

    def outlines(
        self, walk: Stretch, others: Sequence[Path], everything: Sequence[Path]
    ) -> Iterator[tuple[int, Silhouette, float]]:
        """See `SegmentedWindow`."""
        scale, gains_tc = self.foreground.scale, self.foreground.gains_tc
        if self.background is None:
            self.background = background_beside(self.frames_thwc, gains_tc, everything, scale)

        def others_pixels(number: int, rows: slice, columns: slice) -> NDArray[np.bool_] | None:
            frame, box_4 = int(walk.frames_n[number]), walk.boxes_n4[number]
            return pixels_of_others(self.foreground, frame, box_4, others, rows, columns)

        _, height, width, _ = self.frames_thwc.shape
        for frame, silhouette in cut_out(
            self.frames_thwc, gains_tc, self.background, walk.scaled(1 / scale), others_pixels
        ):
            seen = _moved_back(silhouette, self.shifts_t2[frame], height, width)
            if seen is not None:
                contrast = _contrast(
                    self.frames_thwc[frame], gains_tc[frame], self.background, silhouette
                )
                yield frame, seen, contrast


def _hide_outside(foreground_hw: NDArray[np.uint8], shift_2: NDArray[np.float64]) -> None:
    """Clears the strips that the camera did not see in this frame, after it was moved."""
    height, width = foreground_hw.shape
    right, down = (int(np.ceil(abs(part))) if abs(part) > 0.2 else 0 for part in shift_2)
    if right:
        columns = slice(0, right) if shift_2[0] > 0 else slice(width - right, width)
        foreground_hw[:, columns] = 0
    if down:
        rows = slice(0, down) if shift_2[1] > 0 else slice(height - down, height)
        foreground_hw[rows] = 0


def _contrast(
    frame_hwc: NDArray[np.uint8],
    gain_c: NDArray[np.float32],
    background: Background,
    silhouette: Silhouette,
) -> float:
    """Median distance of the walker's pixels from the scene behind, in units of its noise."""
    step = max(1, silhouette.height // _CONTRAST_ROWS)
    rows = slice(silhouette.top, silhouette.top + silhouette.height, step)
    columns = slice(silhouette.left, silhouette.left + silhouette.width, step)
    inside_hw = silhouette.mask_hw[::step, ::step] > 0
    expected_hwc = background.level_hwc[rows, columns] * gain_c
    strayed_hw = largest(np.abs(frame_hwc[rows, columns] - expected_hwc))
    strayed_hw = strayed_hw / background.noise_hw[rows, columns]
    return median(strayed_hw[inside_hw])


def _moved_back(
    silhouette: Silhouette, shift_2: NDArray[np.float64], height: int, width: int
) -> Silhouette | None:
    """Puts a silhouette where the camera saw it; what lies outside the frame then is cut off."""
    if not shift_2.any():
        return silhouette
    top, left = silhouette.top - round(shift_2[1]), silhouette.left - round(shift_2[0])
    rows = slice(max(0, -top), max(0, min(silhouette.height, height - top)))
    columns = slice(max(0, -left), max(0, min(silhouette.width, width - left)))
    mask_hw = silhouette.mask_hw[rows, columns]
    cut = cut_to_box(mask_hw) if mask_hw.size else None
    if cut is None:
        return None
    return Silhouette(cut.mask_hw, top + rows.start + cut.top, left + columns.start + cut.left)
