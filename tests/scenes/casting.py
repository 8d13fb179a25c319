"""A crossing → where the person's garments and shadows lie in the picture, exposure by exposure.

Shape letters: T frames, S moments within an exposure, H rows, W columns, P corner points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.walkers import Identity, Shot
from model.walkers.attire import attire_of
from model.walkers.figure import Figure, Garment
from model.walkers.flesh import figure_of
from model.walkers.gait import draw_gait
from model.walkers.render import draw_part, fixed_point, part_corners
from model.walkers.shot import Projection, project
from model.walkers.skeleton import skeleton_of
from tests.scenes.scene import Crossing, Scene

MOMENTS = 3
"""Of an open shutter, that are drawn and laid over each other: limbs blur."""
_MOMENTS_PER_FRAME = 6
"""The shutter is open for half of the time."""
_FIRST_SEED = 9_800_000
"""Lies outside those of training."""
_DISTANCE_METRES = 9.0
_ELEVATION_DEGREES = 4.0
_NEARER_METRES = 25.0
"""From a walker who comes towards the camera or goes away: nearer, and they would leave it."""


@dataclass(frozen=True)
class Exposure:
    """One person in one frame; all in the picture's pixels.

    Attributes:
        garments_shw: (S, H, W) `Garment` at each moment.
        cast_hw: 1 where the sun's shadow falls.
        contact_hw: 1 under the feet.
        middle: column of the body's middle.
        ground: row on which the person stands.
        tall: pixels from the soles to the crown.
    """

    garments_shw: NDArray[np.uint8]
    cast_hw: NDArray[np.uint8]
    contact_hw: NDArray[np.uint8]
    middle: float
    ground: float
    tall: float


class Passage:
    """The exposures of one crossing."""

    def __init__(self, crossing: Crossing, scene: Scene, number: int) -> None:
        self.crossing = crossing
        self._scene = scene
        self.begin = round(crossing.begins_seconds * scene.frames_per_second)
        seconds = min(crossing.seconds, scene.seconds - crossing.begins_seconds)
        self.frames = max(1, round(seconds * scene.frames_per_second))
        identity = Identity.from_seed(_FIRST_SEED + 100 * scene.seed + crossing.person)
        shot = _shot(crossing, scene, self.frames)
        self._figure, picture_of = _performance(identity, shot, [scene.seed, number], crossing)
        facing = -1.0 if np.sin(np.radians(crossing.azimuth_degrees)) > 0.0 else 1.0
        reach = facing * scene.light.shadow_length
        self._sunlit = picture_of((reach, -0.25 * reach))
        self._overcast = picture_of((0.0, 0.0))
        self._move_2 = self._shift(self._sunlit)
        self._body, self._parts = part_corners(
            self._sunlit.points_tn2, self._sunlit.radii_tn, self._figure, self._figure.parts
        )

    def exposure(self, frame: int) -> Exposure | None:
        """The person in a frame of the recording; None before and after the crossing."""
        turn = frame - self.begin
        if not 0 <= turn < self.frames:
            return None
        first = turn * _MOMENTS_PER_FRAME
        corners_p2 = self._body[first] + self._move_2
        low_2, high_2 = corners_p2.min(axis=0), corners_p2.max(axis=0)
        if high_2[0] < 0 or low_2[0] > self._scene.width:
            return None
        garments_shw = np.stack([self._garments(first + step) for step in range(MOMENTS)])
        feet = self._figure.shadow_parts
        return Exposure(
            garments_shw=garments_shw,
            cast_hw=self._shade(self._sunlit, first, range(len(self._figure.parts))),
            contact_hw=self._shade(self._overcast, first, feet),
            middle=float(np.median(corners_p2[:, 0])),
            ground=float(high_2[1]),
            tall=float(high_2[1] - low_2[1]),
        )

    def _garments(self, moment: int) -> NDArray[np.uint8]:
        canvas_hw = self._canvas()
        drawn_p2 = fixed_point(self._body[moment : moment + 1], -self._move_2[None])[0]
        for part, garment in zip(self._parts, self._figure.garments, strict=True):
            draw_part(canvas_hw, drawn_p2[part], garment)
        return canvas_hw

    def _shade(
        self, picture: Projection, moment: int, which: range | tuple[int, ...]
    ) -> NDArray[np.uint8]:
        canvas_hw = self._canvas()
        now = slice(moment, moment + 1)
        parts = tuple(self._figure.parts[index] for index in which)
        corners_tp2, own = part_corners(
            picture.ground_tn2[now], picture.radii_tn[now], self._figure, parts
        )
        drawn_p2 = fixed_point(corners_tp2, -self._move_2[None])[0]
        for part in own:
            draw_part(canvas_hw, drawn_p2[part], Garment.SHADOW)
        return canvas_hw

    def _canvas(self) -> NDArray[np.uint8]:
        return np.zeros((self._scene.height, self._scene.width), np.uint8)

    def _shift(self, picture: Projection) -> NDArray[np.float64]:
        """From the walk's own picture into the scene's."""
        enters = self.crossing.enters * self._scene.width
        middle = len(picture.points_tn2) // 2
        feet = float(picture.points_tn2[middle, :, 1].max())
        return np.array(
            [
                enters - float(np.median(picture.points_tn2[0, :, 0])),
                self.crossing.ground * self._scene.height - feet,
            ]
        )


def _shot(crossing: Crossing, scene: Scene, frames: int) -> Shot:
    along = abs(float(np.cos(np.radians(crossing.azimuth_degrees))))
    return Shot(
        azimuth_degrees=crossing.azimuth_degrees,
        elevation_degrees=_ELEVATION_DEGREES,
        distance_metres=_DISTANCE_METRES + along * _NEARER_METRES,
        frames=frames * _MOMENTS_PER_FRAME,
        frames_per_second=scene.frames_per_second * _MOMENTS_PER_FRAME,
        walker_pixels=crossing.tall * scene.height,
    )


def _performance(
    identity: Identity, shot: Shot, seed: list[int], crossing: Crossing
) -> tuple[Figure, Callable[[tuple[float, float]], Projection]]:
    """The dressed body over the crossing, and its picture under a light."""
    attire_rng = np.random.default_rng([*seed[:1], crossing.person, 0xA7])
    gait_rng = np.random.default_rng([*seed, 0x6A])
    attire = attire_of(identity, "nm", attire_rng)
    gait = draw_gait(
        identity,
        gait_rng,
        frames=shot.frames,
        frames_per_second=shot.frames_per_second,
        load=attire.load,
        halts=crossing.halts,
    )
    figure = figure_of(identity, attire, skeleton_of(gait))

    def picture_of(light_per_metre: tuple[float, float]) -> Projection:
        return project(shot, figure, identity.body.stature_metres, light_per_metre)

    return figure, picture_of
