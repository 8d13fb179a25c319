"""Head, hair, headgear and neck of a figure. Lengths are fractions of the stature."""

from __future__ import annotations

import numpy as np

from model.walkers.attire import Attire
from model.walkers.basis import BONE_INDEX, gait_basis
from model.walkers.figure import FigureBuilder, Garment
from model.walkers.gait import Floats
from model.walkers.identity import Identity
from model.walkers.skeleton import Skeleton


def add_head(
    builder: FigureBuilder, identity: Identity, attire: Attire, skeleton: Skeleton
) -> None:
    """Adds skull, face, neck (with the collar of a coat), hair and cap."""
    body, head = identity.body, identity.head
    lengths, stature = body.lengths, body.stature_metres
    mean_3 = gait_basis().mean_f[: len(BONE_INDEX) * 3].reshape(-1, 3)[BONE_INDEX["head"]]
    # Captured people look ahead on average: the mean direction of neck and head is a level face.
    pitch_t = np.arctan2(skeleton.head_up[:, 0], skeleton.head_up[:, 2])
    pitch_t = pitch_t - float(np.arctan2(mean_3[0], mean_3[2]))
    sideways_t = skeleton.head_up[:, 1]
    up = np.stack([np.sin(pitch_t), sideways_t, np.cos(pitch_t)], axis=1)
    up = up / np.linalg.norm(up, axis=1, keepdims=True)
    left = 0.3 * skeleton.shoulders_left + [0.0, 0.7, 0.0]
    ahead = np.cross(left / np.linalg.norm(left, axis=1, keepdims=True), up)

    def at(forward: float, above: float) -> Floats:
        place: Floats = centre + (forward * stature) * ahead + (above * stature) * up
        return place

    def add(*members: tuple[int, ...]) -> None:
        builder.part(*members, garment=Garment.HEAD)

    width, spread = lengths.head_half_width, lengths.head_half_length - lengths.head_half_width
    centre = skeleton.crown - up * (width * stature)
    hair = width + head.hair_thickness
    brow, back = builder.ball(at(spread, 0.0), width), builder.ball(at(-spread, 0.004), hair)
    jaw = builder.ball(at(0.002, -0.050), 0.030)
    chin = builder.ball(at(lengths.chin_forward, -0.066), 0.018)
    add(brow, back, jaw, chin)
    add(
        builder.ball(at(0.046, -0.006), 0.008),
        builder.ball(at(lengths.head_half_length + 0.004, -0.026), 0.006),
        builder.ball(at(0.042, -0.052), 0.010),
    )
    neck_radius = body.girths.neck_radius
    add(
        builder.ball(skeleton.neck, neck_radius * 1.1 + attire.collar),
        builder.ball(at(-0.006, -0.048), neck_radius * 0.92 + 0.5 * attire.collar),
    )
    if head.style in ("full", "long", "bun", "ponytail"):
        add(builder.ball(at(0.4 * spread, 0.006), hair), back)
    if head.style == "long":
        tips = builder.ball(at(-0.030, -head.hair_length), 0.034)
        add(back, tips, builder.ball(at(-0.01, -0.04), hair * 0.95))
    elif head.style == "bun":
        add(back, builder.ball(at(-0.058, 0.022), 0.020))
    elif head.style == "ponytail":
        add(
            builder.ball(at(-0.055, 0.01), 0.015),
            builder.ball(at(-0.062, -0.8 * head.hair_length), 0.011),
        )
    elif head.style == "cap":
        add(builder.ball(at(0.040, 0.016), 0.012), builder.ball(at(0.088, 0.006), 0.006))
