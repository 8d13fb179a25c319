"""How a walk is filmed: a fixed pinhole camera that looks at the middle of the walk.

Shape letters: T frames, N points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.walkers.figure import Figure

Floats = NDArray[np.float64]

NEAREST_METRES = 1.6  # the camera steps back rather than be walked into
_MARGIN = 0.06  # of the walker's height, around a frame that was left to fit itself


@dataclass(frozen=True)
class Shot:
    """One recording.

    Attributes:
        azimuth_degrees: 0 walks towards the camera, 90 is a profile walking to the left of the
            picture, 180 walks away, 270 is a profile walking to the right.
        elevation_degrees: of the camera above the middle of the walker; −10 … 60.
        distance_metres: from the camera to the middle of the walk.
        frames: how many.
        frames_per_second: of the recording.
        walker_pixels: standing height of the walker at the middle of the walk.
        frame_height, frame_width: in pixels; None fits the whole walk.
    """

    azimuth_degrees: float = 90.0
    elevation_degrees: float = 5.0
    distance_metres: float = 6.0
    frames: int = 60
    frames_per_second: float = 25.0
    walker_pixels: float = 120.0
    frame_height: int | None = None
    frame_width: int | None = None

    def __post_init__(self) -> None:
        """Refuses what cannot be filmed.

        Raises:
            ValueError: for less than two frames, or a size, rate or distance that is not positive.
        """
        if self.frames < 2:
            raise ValueError(f"a walk needs at least 2 frames, not {self.frames}")
        if min(self.frames_per_second, self.distance_metres, self.walker_pixels) <= 0.0:
            raise ValueError("frame rate, distance and walker size must be positive")

    @classmethod
    def random(
        cls,
        rng: np.random.Generator,
        *,
        azimuth_degrees: float | None = None,
        frames: int | None = None,
        frames_per_second: float = 25.0,
    ) -> Shot:
        """Draws a recording as surveillance cameras make them.

        Args:
            rng: where the chance comes from.
            azimuth_degrees: None for any direction, 0 … 360.
            frames: None for 40 … 100.
            frames_per_second: of the recording.
        """
        return cls(
            azimuth_degrees=float(
                rng.uniform(0.0, 360.0) if azimuth_degrees is None else azimuth_degrees
            ),
            elevation_degrees=float(
                rng.uniform(-3.0, 15.0) if rng.uniform() < 0.8 else rng.uniform(15.0, 32.0)
            ),
            distance_metres=float(np.exp(rng.uniform(np.log(4.0), np.log(12.0)))),
            frames=int(rng.integers(40, 101)) if frames is None else frames,
            frames_per_second=frames_per_second,
            walker_pixels=float(np.exp(rng.uniform(np.log(45.0), np.log(200.0)))),
        )


@dataclass(frozen=True)
class Projection:
    """A figure in the picture.

    Attributes:
        points_tn2: (T, N, 2) column and row in pixels.
        radii_tn: (T, N) in pixels.
        ground_tn2: where the shadows of the balls fall, the same way.
        frame_height, frame_width: in pixels.
    """

    points_tn2: Floats
    radii_tn: Floats
    ground_tn2: Floats
    frame_height: int
    frame_width: int


def project(
    shot: Shot, figure: Figure, stature_metres: float, light_per_metre: tuple[float, float]
) -> Projection:
    """Puts a figure into the picture.

    Args:
        shot: the recording.
        figure: walking along +x, the middle of the walk above the origin.
        stature_metres: standing height.
        light_per_metre: how far the shadow of a point one metre high falls forwards and left.
    """
    centres_tn3 = figure.centres_tn3
    half_walk = float(np.abs(centres_tn3[..., 0]).max())
    azimuth, elevation = np.radians(shot.azimuth_degrees), np.radians(shot.elevation_degrees)
    towards = abs(np.cos(azimuth) * np.cos(elevation))
    distance = max(shot.distance_metres, half_walk * towards + NEAREST_METRES)
    to_camera_3 = np.array(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
        ]
    )
    right_3 = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    up_3 = np.cross(to_camera_3, right_3)
    axes_33 = np.stack([right_3, -up_3, -to_camera_3])
    target_3 = np.array([0.0, 0.0, 0.5 * stature_metres])
    pixels_at_one_metre = shot.walker_pixels * distance / stature_metres

    def picture(points_tn3: Floats) -> tuple[Floats, Floats]:
        seen_tn3 = (points_tn3 - target_3) @ axes_33.T
        scale_tn = pixels_at_one_metre / (seen_tn3[..., 2] + distance)
        return seen_tn3[..., :2] * scale_tn[..., None], scale_tn

    points_tn2, scale_tn = picture(centres_tn3)
    radii_tn = figure.radii_n * scale_tn
    height_tn = centres_tn3[..., 2]
    ground_tn3 = np.stack(
        [
            centres_tn3[..., 0] + light_per_metre[0] * height_tn,
            centres_tn3[..., 1] + light_per_metre[1] * height_tn,
            np.zeros_like(height_tn),
        ],
        axis=2,
    )
    ground_tn2, _ = picture(ground_tn3)
    reach_tn1 = radii_tn[..., None]
    low_2 = (points_tn2 - reach_tn1).min(axis=(0, 1))
    high_2 = (points_tn2 + reach_tn1).max(axis=(0, 1))
    margin = _MARGIN * shot.walker_pixels
    width, height = (int(np.ceil(size + 2.0 * margin)) for size in high_2 - low_2)
    shift_2 = margin - low_2
    if shot.frame_width is not None:
        width, shift_2[0] = shot.frame_width, shot.frame_width / 2.0
    if shot.frame_height is not None:
        height, shift_2[1] = shot.frame_height, shot.frame_height / 2.0
    return Projection(points_tn2 + shift_2, radii_tn, ground_tn2 + shift_2, height, width)
