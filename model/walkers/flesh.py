"""Builds one walker's figure: trunk, arms, legs, shoes and coat; head and bag stand elsewhere.

Fractions of the stature unless a name says metres; positions are (T, 3).
"""

from __future__ import annotations

import numpy as np

from model.walkers.attire import Attire
from model.walkers.carried import add_bag
from model.walkers.figure import Figure, FigureBuilder, Garment
from model.walkers.gait import Floats
from model.walkers.head import add_head
from model.walkers.identity import Identity
from model.walkers.skeleton import Arm, Leg, Skeleton

# How far a hem stands off the thigh.
_HEM_SLACK = 0.006


def figure_of(identity: Identity, attire: Attire, skeleton: Skeleton) -> Figure:
    """Puts flesh and clothes on a skeleton."""
    builder = FigureBuilder(identity.body.stature_metres)
    _add_trunk(builder, identity, attire, skeleton)
    add_head(builder, identity, attire, skeleton)
    for arm in skeleton.arms:
        _add_arm(builder, identity, attire, arm)
    for leg in skeleton.legs:
        _add_leg(builder, identity, attire, leg)
    if attire.bag is not None:
        add_bag(builder, identity, attire.bag, attire.trunk_padding, skeleton)
    return builder.build()


def _add_trunk(
    builder: FigureBuilder, identity: Identity, attire: Attire, skeleton: Skeleton
) -> None:
    girths, lengths = identity.body.girths, identity.body.lengths
    stature, pad, up = identity.body.stature_metres, attire.trunk_padding, skeleton.trunk_up
    middle_left = skeleton.hips_left + skeleton.shoulders_left
    middle_left = middle_left / np.linalg.norm(middle_left, axis=1, keepdims=True)

    waist_width, waist_depth = girths.waist_half_width, girths.waist_half_depth
    straight_width = min(girths.chest_half_width, girths.hip_half_width)
    straight_depth = min(girths.chest_half_depth, girths.hip_half_depth)
    waist_width += attire.boxiness * max(0.0, straight_width - waist_width)
    waist_depth += attire.boxiness * max(0.0, straight_depth - waist_depth)

    def at(height: float) -> Floats:
        above: Floats = skeleton.pelvis + up * (height * stature)
        return above

    crotch = builder.ring(
        at(-0.040),
        skeleton.hips_left,
        up,
        half_width=0.86 * girths.hip_half_width,
        half_depth=0.72 * girths.hip_half_depth,
        forward=-0.5 * girths.buttocks_back,
    )
    hips = builder.ring(
        at(0.012),
        skeleton.hips_left,
        up,
        half_width=girths.hip_half_width + pad,
        half_depth=girths.hip_half_depth + pad,
        forward=-girths.buttocks_back,
    )
    waist = builder.ring(
        at(0.45 * lengths.lower_trunk),
        middle_left,
        up,
        half_width=waist_width + 1.2 * pad,
        half_depth=waist_depth + 1.2 * pad,
        forward=girths.belly_forward,
    )
    chest = builder.ring(
        at(0.88 * lengths.lower_trunk),
        middle_left,
        up,
        half_width=girths.chest_half_width + pad,
        half_depth=girths.chest_half_depth + pad,
        forward=girths.bust_forward,
    )
    shoulders = builder.ring(
        skeleton.shoulders - up * (0.012 * stature),
        skeleton.shoulders_left,
        up,
        half_width=0.88 * girths.shoulder_half_width + 0.4 * pad,
        half_depth=girths.shoulder_half_depth + 0.7 * pad,
    )
    # The line from the neck to the shoulders slopes.
    nape = builder.ball(skeleton.neck, girths.neck_radius + 0.006)
    joints = [
        builder.ball(arm.shoulder, 0.8 * girths.upper_arm_radius + 0.8 * attire.sleeve_padding)
        for arm in skeleton.arms
    ]
    builder.part(nape, *joints, garment=Garment.TOP)
    for lower, upper in ((crotch, hips), (hips, waist), (waist, chest), (chest, shoulders)):
        builder.part(lower, upper, garment=Garment.TOP)
    if attire.hem_drop > 0.0:
        _add_hem(
            builder,
            identity,
            skeleton,
            hips,
            drop=attire.hem_drop,
            slack=pad + _HEM_SLACK + attire.hem_flare,
            garment=Garment.TOP,
        )
    if identity.outfit.legwear == "skirt":
        _add_hem(
            builder,
            identity,
            skeleton,
            hips,
            drop=identity.outfit.hem_drop,
            slack=_HEM_SLACK + identity.outfit.hem_flare,
            garment=Garment.LEGWEAR,
        )


def _add_hem(
    builder: FigureBuilder,
    identity: Identity,
    skeleton: Skeleton,
    hips: tuple[int, ...],
    *,
    drop: float,
    slack: float,
    garment: Garment,
) -> None:
    """A coat or skirt from the hips to its hem hangs around both legs."""
    body = identity.body
    thigh_share = min(1.0, drop / body.lengths.thigh)
    shank_share = max(0.0, min(0.6, (drop - body.lengths.thigh) / body.lengths.shank))
    radius = body.girths.thigh_radius
    radius += thigh_share * (body.girths.knee_radius - body.girths.thigh_radius)
    members = [hips]
    for leg in skeleton.legs:
        around = leg.hip + thigh_share * (leg.knee - leg.hip)
        # below the knee cloth falls nearly straight down
        around = around + shank_share * (0.4 * (leg.ankle - leg.knee) + 0.6 * _down(leg))
        members.append(builder.ball(around, radius + slack))
    # A coat closed around a stride bridges the gap between the legs, but not in a straight line.
    builder.part(*members, garment=garment)


def _down(leg: Leg) -> Floats:
    length = np.linalg.norm(leg.ankle - leg.knee, axis=1)
    down: Floats = np.zeros_like(leg.knee)
    down[:, 2] = -length
    return down


def _add_arm(builder: FigureBuilder, identity: Identity, attire: Attire, arm: Arm) -> None:
    girths, sleeve = identity.body.girths, attire.sleeve_padding
    elbow = builder.ball(arm.elbow, girths.elbow_radius + sleeve)
    shoulder = builder.ball(arm.shoulder, 0.95 * girths.upper_arm_radius + sleeve)
    cuff = builder.ball(arm.wrist, girths.wrist_radius + 0.8 * sleeve)
    builder.part(shoulder, elbow, garment=Garment.TOP)
    builder.part(elbow, cuff, garment=Garment.TOP)
    builder.part(
        builder.ball(arm.wrist, girths.wrist_radius),
        builder.ball(0.5 * (arm.wrist + arm.fingers), 0.021),
        builder.ball(arm.fingers, 0.012),
        garment=Garment.HANDS,
    )


def _add_leg(builder: FigureBuilder, identity: Identity, attire: Attire, leg: Leg) -> None:
    body, outfit = identity.body, attire.outfit
    girths, stature = body.girths, body.stature_metres
    trousers = outfit.legwear == "trousers"
    thigh_pad = outfit.thigh_padding if outfit.legwear != "skirt" else 0.0
    knee_pad = outfit.knee_padding if trousers else 0.0
    knee = builder.ball(leg.knee, girths.knee_radius + knee_pad)
    thigh = builder.ball(leg.hip, girths.thigh_radius + thigh_pad)
    builder.part(thigh, knee, garment=Garment.LEGWEAR)
    back = leg.ankle - leg.knee
    calf_behind = np.cross(leg.across, back)  # the calf bulges backwards
    calf_behind = calf_behind / np.linalg.norm(calf_behind, axis=1, keepdims=True)
    calf = builder.ball(
        leg.knee + 0.28 * back + calf_behind * (0.006 * stature),
        girths.calf_radius + 0.7 * knee_pad,
    )
    ankle_radius = max(outfit.cuff_radius, girths.ankle_radius) if trousers else girths.ankle_radius
    ankle_height = 0.92 if trousers else 1.0
    ankle = builder.ball(leg.knee + ankle_height * back, ankle_radius)
    builder.part(knee, calf, ankle, garment=Garment.LEGWEAR, casts_shadow=True)
    if outfit.legwear == "shorts":
        builder.part(
            thigh,
            builder.ball(
                leg.hip + 0.8 * (leg.knee - leg.hip),
                girths.knee_radius + 0.008 + outfit.knee_padding,
            ),
            garment=Garment.LEGWEAR,
        )
    _add_shoe(builder, identity, leg)


def _add_shoe(builder: FigureBuilder, identity: Identity, leg: Leg) -> None:
    stature, outfit = identity.body.stature_metres, identity.outfit
    half_width = identity.body.lengths.foot_half_width
    thickness = 0.5 * outfit.shoe_height

    def on_sole(point: Floats, *, across: float, radius: float) -> tuple[int, ...]:
        raised = point + leg.up * (radius * stature) + leg.across * (across * stature)
        return builder.ball(raised, radius)

    heel = on_sole(leg.heel + 0.08 * (leg.ball - leg.heel), across=0.0, radius=0.020 + thickness)
    inner = on_sole(leg.ball, across=half_width - 0.016, radius=0.017 + thickness)
    outer = on_sole(leg.ball, across=0.016 - half_width, radius=0.017 + thickness)
    ahead = leg.tip - leg.ball
    ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    tip = on_sole(
        leg.tip + ahead * ((outfit.shoe_length - 0.011) * stature),
        across=0.0,
        radius=0.011 + thickness,
    )
    builder.part(
        heel,
        inner,
        outer,
        builder.ball(leg.ankle, identity.body.girths.ankle_radius),
        garment=Garment.SHOES,
        casts_shadow=True,
    )
    builder.part(inner, outer, tip, garment=Garment.SHOES, casts_shadow=True)
