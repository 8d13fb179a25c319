"""Bags: boxes with rounded edges that hang from shoulders, backs and hands."""

from __future__ import annotations

import numpy as np

from model.walkers.attire import Bag
from model.walkers.figure import FigureBuilder, Garment
from model.walkers.gait import Floats
from model.walkers.identity import Identity
from model.walkers.skeleton import Skeleton

_EDGE_RADIUS = 0.012  # of the stature
_STRAP_RADIUS = 0.006


def add_bag(
    builder: FigureBuilder,
    identity: Identity,
    bag: Bag,
    trunk_padding: float,
    skeleton: Skeleton,
) -> None:
    """Adds the bag and its straps to a figure; lengths are fractions of the stature."""
    body = identity.body
    stature, up = body.stature_metres, skeleton.trunk_up
    if bag.kind == "backpack":
        left = skeleton.shoulders_left
        behind = np.cross(up, left)
        depth = body.girths.chest_half_depth + trunk_padding + bag.half_thickness - 0.015
        centre = skeleton.pelvis + up * ((0.66 * body.lengths.lower_trunk - bag.hang) * stature)
        _add_box(
            builder,
            centre + behind * (depth * stature),
            left,
            behind,
            up,
            (bag.half_length, bag.half_thickness, bag.half_height),
        )
        return
    sideways = skeleton.hips_left * float(bag.side)
    level = np.zeros_like(up)
    level[:, 2] = 1.0
    ahead = np.cross(skeleton.hips_left, level)
    half_sizes = (bag.half_length, bag.half_thickness, bag.half_height)
    arm = skeleton.arms[0 if bag.side > 0 else 1]
    if bag.kind == "shoulder bag":
        out = body.girths.hip_half_width + trunk_padding + bag.half_thickness
        centre = skeleton.pelvis + sideways * (out * stature) - level * (bag.hang * stature)
        # The near strap for a long-handled bag, the far shoulder for one worn across.
        shoulder = arm.shoulder if bag.half_thickness < 0.027 else skeleton.shoulders
        builder.part(
            builder.ball(shoulder + up * (0.02 * stature), _STRAP_RADIUS),
            builder.ball(centre + level * (bag.half_height * stature), _STRAP_RADIUS),
            garment=Garment.BAG,
        )
    else:
        lag = 0.35 * (arm.fingers - arm.wrist)  # a hanging bag follows the hand a little late
        centre = arm.fingers + lag - level * ((bag.hang + bag.half_height) * stature)
        builder.part(
            builder.ball(arm.fingers, _STRAP_RADIUS),
            builder.ball(centre + level * (bag.half_height * stature), 0.02),
            garment=Garment.BAG,
        )
    _add_box(builder, centre, ahead, sideways, level, half_sizes)


def _add_box(
    builder: FigureBuilder,
    centre: Floats,
    one: Floats,
    two: Floats,
    three: Floats,
    half_sizes: tuple[float, float, float],
) -> None:
    """A box with rounded edges along three unit vectors; the top is a little narrower."""
    first, second, third = (
        max(half - _EDGE_RADIUS, 0.004) * builder.stature_metres for half in half_sizes
    )
    corners = []
    for high in (-1.0, 1.0):
        narrow = 0.86 if high > 0 else 1.0
        for ahead in (-narrow, narrow):
            for out in (-narrow, narrow):
                corner = centre + high * third * three + ahead * first * one + out * second * two
                corners.append(builder.ball(corner, _EDGE_RADIUS))
    builder.part(*corners, garment=Garment.BAG)
