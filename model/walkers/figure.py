"""Flesh, clothes and bags around a skeleton: every part is the hull of some balls.

A ball is a point with a radius; rings of points with radius 0 make trunks and hems. The outline of
a convex part is the hull of its projected balls, so nothing needs a mesh.

Shape letters: T frames, N balls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from model.walkers.gait import Floats

RING_POINTS = 14
_RING_ANGLES = 2.0 * np.pi * np.arange(RING_POINTS) / RING_POINTS


class Garment(IntEnum):
    """What a part is made of, in the order of painting: what lies on top comes last.

    Segmentation loses whole garments, those whose colour is that of the background.
    """

    SHADOW = 1
    LEGWEAR = 2
    SHOES = 3
    TOP = 4
    HEAD = 5
    HANDS = 6
    BAG = 7


@dataclass(frozen=True)
class Figure:
    """A body over a whole walk.

    Attributes:
        centres_tn3: (T, N, 3) in metres.
        radii_n: (N,) in metres; 0 for points of rings.
        parts: indices of the balls of each convex part, in the order of painting.
        garments: what each part is made of.
        shadow_parts: those of `parts` that lie near the ground (lower legs, feet).
    """

    centres_tn3: Floats
    radii_n: Floats
    parts: tuple[tuple[int, ...], ...]
    garments: tuple[Garment, ...]
    shadow_parts: tuple[int, ...]


@dataclass
class FigureBuilder:
    """Collects balls and parts; lengths are given as fractions of the stature."""

    stature_metres: float
    _centres: list[Floats] = field(default_factory=list)
    _radii: list[float] = field(default_factory=list)
    _parts: list[tuple[Garment, bool, tuple[int, ...]]] = field(default_factory=list)

    def ball(self, centre_t3: Floats, radius: float) -> tuple[int, ...]:
        """Adds a ball; returns its index, to be handed to `part`."""
        self._centres.append(centre_t3)
        self._radii.append(radius * self.stature_metres)
        return (len(self._radii) - 1,)

    def ring(
        self,
        centre_t3: Floats,
        left_t3: Floats,
        up_t3: Floats,
        *,
        half_width: float,
        half_depth: float,
        forward: float = 0.0,
    ) -> tuple[int, ...]:
        """Adds an ellipse across the body; returns the indices of its points."""
        ahead_t3 = np.cross(left_t3, up_t3)
        first = len(self._radii)
        middle_t3 = centre_t3 + ahead_t3 * (forward * self.stature_metres)
        for angle in _RING_ANGLES:
            across = half_width * self.stature_metres * np.cos(angle)
            along = half_depth * self.stature_metres * np.sin(angle)
            self._centres.append(middle_t3 + across * left_t3 + along * ahead_t3)
            self._radii.append(0.0)
        return tuple(range(first, len(self._radii)))

    def part(self, *members: tuple[int, ...], garment: Garment, casts_shadow: bool = False) -> None:
        """Adds the hull of the given balls and rings."""
        balls = tuple(index for member in members for index in member)
        self._parts.append((garment, casts_shadow, balls))

    def build(self) -> Figure:
        """The figure so far."""
        painted = sorted(self._parts, key=lambda part: part[0])
        return Figure(
            centres_tn3=np.stack(self._centres, axis=1),
            radii_n=np.array(self._radii),
            parts=tuple(balls for _, _, balls in painted),
            garments=tuple(garment for garment, _, _ in painted),
            shadow_parts=tuple(
                place for place, (_, casts_shadow, _) in enumerate(painted) if casts_shadow
            ),
        )
