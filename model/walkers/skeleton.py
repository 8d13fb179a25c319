"""Bones to joints: where the parts of the body are while it walks along the ground.

Shape letters: T frames, B bones. Axes: forwards, left, up, in metres; the ground is z = 0 and the
middle of the walk is above the origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.walkers.basis import BONE_INDEX
from model.walkers.gait import Floats, Gait, bone_directions

# The foot lies flat on the ground this long after its heel strike (cycles; Winter 1991).
FLAT_FOOT_CYCLES = (0.16, 0.30)
SINGLE_SUPPORT_CYCLES = (0.12, 0.45)
_CYCLE_T = np.arange(64) / 64.0


@dataclass(frozen=True)
class Leg:
    """One leg; every field is (T, 3).

    `heel`, `ball` (of the foot) and `tip` lie on the sole; `across` and `up` are unit vectors of
    the foot.
    """

    hip: Floats
    knee: Floats
    ankle: Floats
    heel: Floats
    ball: Floats
    tip: Floats
    across: Floats
    up: Floats


@dataclass(frozen=True)
class Arm:
    """One arm; every field is (T, 3)."""

    shoulder: Floats
    elbow: Floats
    wrist: Floats
    fingers: Floats


@dataclass(frozen=True)
class Skeleton:
    """Joints in metres and unit vectors, each (T, 3).

    Attributes:
        pelvis, chest, neck, crown: middle of the hips, top of the lower trunk, base of the neck,
            top of the head.
        shoulders: middle between the shoulder joints.
        hips_left, shoulders_left: unit vectors across the body.
        trunk_up, head_up: unit vectors.
        legs, arms: left, then right.
        speed_metres: per second.
    """

    pelvis: Floats
    chest: Floats
    neck: Floats
    crown: Floats
    shoulders: Floats
    hips_left: Floats
    shoulders_left: Floats
    trunk_up: Floats
    head_up: Floats
    legs: tuple[Leg, Leg]
    arms: tuple[Arm, Arm]
    speed_metres: float


def skeleton_of(gait: Gait) -> Skeleton:
    """Places every joint of a walk."""
    frames = len(gait.phases_t)
    cycle = bone_directions(gait, _CYCLE_T)
    flat = tuple(_flat_pitches(cycle, side) for side in ("left", "right"))
    bones = bone_directions(gait, gait.phases_t, gait.drift_tk, gait.pace_t)
    speed = _speed(gait, _legs(gait, cycle, np.zeros((len(_CYCLE_T), 3)), flat))

    pelvis = np.zeros((frames, 3))
    cycles_t = gait.phases_t - 0.5 * (gait.phases_t[0] + gait.phases_t[-1])
    pelvis[:, 0] = speed * gait.period_seconds * cycles_t
    stature, style = gait.identity.body.stature_metres, gait.style
    # The body is over the standing leg, a quarter of a cycle after its heel strike.
    pelvis[:, 1] = style.sway_fraction * stature * gait.pace_t * np.sin(2.0 * np.pi * gait.phases_t)
    legs = _legs(gait, bones, pelvis, flat)
    lowest_t = np.min([leg_part[:, 2] for leg in legs for leg_part in _soles(leg)], axis=0)
    lift_t3 = np.zeros((frames, 3))
    lift_t3[:, 2] = -lowest_t
    pelvis = pelvis + lift_t3
    legs = _legs(gait, bones, pelvis, flat)

    lengths = gait.identity.body.lengths

    def bone(name: str, fraction: float) -> Floats:
        along: Floats = bones[:, BONE_INDEX[name]] * (fraction * stature)
        return along

    trunk_up = bones[:, BONE_INDEX["lower_trunk"]]
    chest = pelvis + bone("lower_trunk", lengths.lower_trunk)
    neck = chest + bone("upper_trunk", lengths.upper_trunk)
    shoulders = neck - trunk_up * (lengths.shoulder_drop * stature)
    arms = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder = shoulders + bone("shoulders", sign * lengths.shoulder_joint_half_distance)
        elbow = shoulder + bone(f"{side}_upper_arm", lengths.upper_arm)
        wrist = elbow + bone(f"{side}_forearm", lengths.forearm)
        hand = bones[:, BONE_INDEX[f"{side}_forearm"]] + [0.0, 0.0, -0.5]  # hands hang
        hand = hand / np.linalg.norm(hand, axis=1, keepdims=True)
        arms.append(Arm(shoulder, elbow, wrist, wrist + hand * (lengths.hand * stature)))
    return Skeleton(
        pelvis=pelvis,
        chest=chest,
        neck=neck,
        crown=neck + bone("head", lengths.head),
        shoulders=shoulders,
        hips_left=bones[:, BONE_INDEX["pelvis"]],
        shoulders_left=bones[:, BONE_INDEX["shoulders"]],
        trunk_up=trunk_up,
        head_up=bones[:, BONE_INDEX["head"]],
        legs=legs,
        arms=(arms[0], arms[1]),
        speed_metres=speed,
    )


def _flat_pitches(cycle_tb3: Floats, side: str) -> tuple[float, float]:
    """Downward angles of foot and toe bone, in radians, while the foot is flat on the ground."""
    struck_t = (_CYCLE_T - (0.0 if side == "left" else 0.5)) % 1.0
    flat_t = (struck_t >= FLAT_FOOT_CYCLES[0]) & (struck_t <= FLAT_FOOT_CYCLES[1])
    foot, toes = (
        float(np.mean(_pitch(cycle_tb3[flat_t, BONE_INDEX[f"{side}_{bone}"]])))
        for bone in ("foot", "toes")
    )
    return foot, toes


def _pitch(bone_t3: Floats) -> Floats:
    pitch_t: Floats = np.arctan2(-bone_t3[:, 2], np.hypot(bone_t3[:, 0], bone_t3[:, 1]))
    return pitch_t


def _legs(
    gait: Gait, bones: Floats, pelvis: Floats, flat: tuple[tuple[float, float], ...]
) -> tuple[Leg, Leg]:
    stature, lengths = gait.identity.body.stature_metres, gait.identity.body.lengths
    legs = []
    for side, sign, (flat_foot, flat_toes) in zip(
        ("left", "right"), (1.0, -1.0), flat, strict=True
    ):
        half = sign * lengths.hip_joint_half_distance * stature
        hip = pelvis + half * bones[:, BONE_INDEX["pelvis"]]
        knee = hip + bones[:, BONE_INDEX[f"{side}_thigh"]] * (lengths.thigh * stature)
        ankle = knee + bones[:, BONE_INDEX[f"{side}_shank"]] * (lengths.shank * stature)
        sole, foot_up = _foot_frame(bones[:, BONE_INDEX[f"{side}_foot"]], flat_foot)
        toe, _ = _foot_frame(bones[:, BONE_INDEX[f"{side}_toes"]], flat_toes)
        under = ankle - foot_up * (lengths.ankle_height * stature)
        ball = under + sole * (lengths.ball_ahead * stature)
        legs.append(
            Leg(
                hip=hip,
                knee=knee,
                ankle=ankle,
                heel=under - sole * (lengths.heel_back * stature),
                ball=ball,
                tip=ball + toe * (lengths.toes * stature),
                across=np.cross(foot_up, sole),
                up=foot_up,
            )
        )
    return legs[0], legs[1]


def _foot_frame(bone_t3: Floats, flat_pitch: float) -> tuple[Floats, Floats]:
    """Unit vectors along the sole and up from it; level when the bone has its flat pitch."""
    pitch_t = _pitch(bone_t3) - flat_pitch
    turn_t = np.arctan2(bone_t3[:, 1], bone_t3[:, 0])
    ahead = np.stack([np.cos(turn_t), np.sin(turn_t), np.zeros_like(turn_t)], axis=1)
    up = np.array([0.0, 0.0, 1.0])
    cos, sin = np.cos(pitch_t)[:, None], np.sin(pitch_t)[:, None]
    return ahead * cos - up * sin, up * cos + ahead * sin


def _soles(leg: Leg) -> tuple[Floats, Floats, Floats]:
    return leg.heel, leg.ball, leg.tip


def _speed(gait: Gait, legs: tuple[Leg, Leg]) -> float:
    """Metres per second at which the standing foot does not slide, over one mean cycle."""
    speeds = []
    for leg, struck in zip(legs, (0.0, 0.5), strict=True):
        since_t = (_CYCLE_T - struck) % 1.0
        standing_t = (since_t >= SINGLE_SUPPORT_CYCLES[0]) & (since_t <= SINGLE_SUPPORT_CYCLES[1])
        back_t = np.roll(leg.ankle[:, 0], 1) - np.roll(leg.ankle[:, 0], -1)
        speeds.append(float(np.mean(back_t[standing_t])) * len(_CYCLE_T) / 2.0)
    return float(np.mean(speeds)) / gait.period_seconds
