"""How one person moves in one walk: the directions of all bones, frame by frame.

Shape letters: T frames, B bones, F features, K components. Axes: forwards, left, up.
Angles of limbs that hang (legs, arms) grow when the limb swings forwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.walkers.basis import BONE_INDEX, directions, gait_basis
from model.walkers.identity import GaitStyle, Identity

Floats = NDArray[np.float64]

PACE_SPREAD = 0.05  # of a person's own speed from walk to walk
WITHIN_SPREAD = 0.75  # the captured spread includes people told to walk slowly or briskly
DRIFTING_COMPONENTS = 6
# Starting, stopping and turning to look take a second or so of a clip; the rest is walking.
HALT_SHARES = (0.10, 0.35)
STEP_OFF_SECONDS = 0.5

# The capture's skeleton bends the knees about 15 degrees more than people do (29 degrees in
# mid-stance; Winter 1991 has 10 to 15): its hip centres lie too far in front. Its feet are also
# nearer to each other than the usual step width of 0.06 of the stature.
THIGH_BACK_DEGREES = 6.0
SHANK_FORWARD_DEGREES = 8.0
LEGS_APART_DEGREES = 1.0
TRUNK_FORWARD_DEGREES = 3.0
# Half of what differs between the captured heads is where the markers sat on them.
HEAD_SHARE = 0.5


@dataclass(frozen=True)
class Load:
    """How something carried or worn changes the gait."""

    left_swing_gain: float = 1.0
    right_swing_gain: float = 1.0
    lean_degrees: float = 0.0
    arms_apart_degrees: float = 0.0


@dataclass(frozen=True)
class Gait:
    """One walk of one person.

    Attributes:
        identity: who walks.
        style: of this walk: the identity's, as it came out on this day.
        features_f: (F,) Fourier coefficients of this walk.
        stride_gain: of this walk; 1 is the stride of the captured people.
        period_seconds: of one gait cycle, left heel strike to left heel strike.
        phases_t: (T,) in cycles, 0 at a left heel strike.
        pace_t: (T,) 1 while walking, 0 while standing still.
        drift_tk: (T, K) how far each frame is from the walk's mean, per within-person component.
        load: what is carried.
    """

    identity: Identity
    style: GaitStyle
    features_f: Floats
    stride_gain: float
    period_seconds: float
    phases_t: Floats
    pace_t: Floats
    drift_tk: Floats
    load: Load


def draw_gait(
    identity: Identity,
    rng: np.random.Generator,
    *,
    frames: int,
    frames_per_second: float,
    load: Load,
    halts: bool = False,
) -> Gait:
    """Draws one walk of a person: pace, posture of the day, and how its cycles differ.

    Args:
        identity: who walks.
        rng: where the chance comes from.
        frames: T.
        frames_per_second: of the recording.
        load: what is carried.
        halts: whether the person stands still at the start, at the end or in between.
    """
    basis = gait_basis()
    pace = float(np.clip(rng.normal(0.0, PACE_SPREAD), -0.12, 0.12))
    spread_k = np.clip(rng.normal(0.0, WITHIN_SPREAD, len(basis.within_kf)), -1.5, 1.5)
    features_f = (
        basis.mean_f
        + np.array(identity.style.coefficients) @ basis.between_kf
        + spread_k @ basis.within_kf
    )
    # A faster walk has both longer and quicker steps.
    period_seconds = identity.style.period_seconds * float(np.exp(-0.6 * pace))
    seconds_t1 = np.arange(frames)[:, None] / frames_per_second
    first_phase, wobble = float(rng.uniform()), 0.010 * float(rng.normal())
    waves_seconds = rng.uniform(1.2, 5.0, DRIFTING_COMPONENTS + 1)
    waves_tk = np.sin(
        2.0 * np.pi * (seconds_t1 / waves_seconds + rng.uniform(size=DRIFTING_COMPONENTS + 1))
    )
    style = _style_of_the_day(identity.style, rng)
    pace_t = _halting(rng, frames, frames_per_second) if halts else np.ones(frames)
    return Gait(
        identity=identity,
        style=style,
        features_f=features_f,
        stride_gain=identity.style.stride_gain * (1.0 + 0.5 * pace),
        period_seconds=period_seconds,
        phases_t=first_phase
        + np.cumsum(pace_t) / (frames_per_second * period_seconds)
        + wobble * waves_tk[:, -1] * pace_t,
        pace_t=pace_t,
        drift_tk=0.35 * rng.normal(size=DRIFTING_COMPONENTS) * waves_tk[:, :-1],
        load=load,
    )


def bone_directions(
    gait: Gait,
    phases_t: Floats,
    drift_tk: Floats | None = None,
    pace_t: Floats | None = None,
) -> Floats:
    """(T, B, 3) unit vectors of every bone, with this person's style put on.

    Args:
        gait: the walk.
        phases_t: (T,) in cycles.
        drift_tk: (T, K) as in `Gait`; None for the walk's mean cycle.
        pace_t: (T,) as in `Gait`; None for walking all the time.
    """
    bones_tb3 = directions(gait.features_f, phases_t, drift_tk)
    means_b3 = gait.features_f[: bones_tb3[0].size].reshape(bones_tb3[0].shape)
    if pace_t is not None:  # who stands is in the middle of every swing
        bones_tb3 = means_b3 + pace_t[:, None, None] * (bones_tb3 - means_b3)
    style, load = gait.style, gait.load
    for side, outwards in (("left", 1.0), ("right", -1.0)):
        thigh, shank, foot, toes, upper_arm, forearm = (
            BONE_INDEX[f"{side}_{bone}"]
            for bone in ("thigh", "shank", "foot", "toes", "upper_arm", "forearm")
        )
        hip_t = _gained(bones_tb3[:, thigh], means_b3[thigh], gait.stride_gain)
        hip_t = hip_t - np.radians(THIGH_BACK_DEGREES)
        lower_t = _gained(bones_tb3[:, shank], means_b3[shank], gait.stride_gain)
        lower_t = lower_t + np.radians(SHANK_FORWARD_DEGREES)
        knee_t = np.maximum(style.knee_gain * (hip_t - lower_t), np.radians(2.0))
        _set_swing(bones_tb3, thigh, hip_t)
        _set_swing(bones_tb3, shank, hip_t - knee_t)
        for bone in (thigh, shank):
            _tilt(bones_tb3, bone, outwards * (LEGS_APART_DEGREES + style.step_width_degrees))
        toe_out = style.left_toe_out_degrees if side == "left" else style.right_toe_out_degrees
        for bone in (foot, toes):
            _turn(bones_tb3, bone, outwards * toe_out)

        left = side == "left"
        carried = load.left_swing_gain if left else load.right_swing_gain
        swing = carried * (style.left_arm_swing_gain if left else style.right_arm_swing_gain)
        ahead = style.left_arm_forward_degrees if left else style.right_arm_forward_degrees
        bend = style.left_elbow_bend_degrees if left else style.right_elbow_bend_degrees
        arm_t = _gained(bones_tb3[:, upper_arm], means_b3[upper_arm], swing) + np.radians(ahead)
        hand_t = _gained(bones_tb3[:, forearm], means_b3[forearm], swing)
        elbow_t = np.clip(
            hand_t - arm_t + np.radians(bend + ahead), np.radians(4.0), np.radians(62.0)
        )
        _set_swing(bones_tb3, upper_arm, arm_t)
        _set_swing(bones_tb3, forearm, arm_t + elbow_t)
        apart = style.arms_apart_degrees + load.arms_apart_degrees
        apart += 1.5 * max(0.0, gait.identity.body.stoutness)
        _tilt(bones_tb3, upper_arm, outwards * apart)
        _tilt(bones_tb3, forearm, outwards * 0.5 * apart)

    head, basis_mean = BONE_INDEX["head"], gait_basis().mean_f[: means_b3.size]
    bones_tb3[:, head] *= HEAD_SHARE
    bones_tb3[:, head] += (1.0 - HEAD_SHARE) * basis_mean.reshape(means_b3.shape)[head]
    lean = style.trunk_lean_degrees + load.lean_degrees
    _lean(bones_tb3, BONE_INDEX["lower_trunk"], lean + TRUNK_FORWARD_DEGREES)
    _lean(bones_tb3, BONE_INDEX["upper_trunk"], lean + style.back_rounding_degrees)
    _lean(bones_tb3, BONE_INDEX["head"], style.head_pitch_degrees + 0.5 * lean)
    for name, gain in (("pelvis", style.pelvis_gain), ("shoulders", style.shoulder_turn_gain)):
        bones_tb3[:, BONE_INDEX[name], 0] *= gain
    bones_tb3[:, BONE_INDEX["shoulders"], 2] += np.sin(np.radians(style.shoulder_tilt_degrees))
    unit_tb3: Floats = bones_tb3 / np.linalg.norm(bones_tb3, axis=2, keepdims=True)
    return unit_tb3


def _style_of_the_day(style: GaitStyle, rng: np.random.Generator) -> GaitStyle:
    """Nobody holds arms, back, head and feet twice in exactly the same way."""

    def gain() -> float:
        return float(np.exp(rng.normal(0.0, 0.16)))

    def tilt(spread_degrees: float) -> float:
        return float(rng.normal(0.0, spread_degrees))

    elbows, toes = tilt(3.5), tilt(1.2)
    return replace(
        style,
        left_arm_swing_gain=style.left_arm_swing_gain * gain(),
        right_arm_swing_gain=style.right_arm_swing_gain * gain(),
        arms_apart_degrees=style.arms_apart_degrees + tilt(1.0),
        left_elbow_bend_degrees=style.left_elbow_bend_degrees + elbows + tilt(1.5),
        right_elbow_bend_degrees=style.right_elbow_bend_degrees + elbows + tilt(1.5),
        trunk_lean_degrees=style.trunk_lean_degrees + tilt(1.0),
        head_pitch_degrees=style.head_pitch_degrees + tilt(2.5),
        left_toe_out_degrees=style.left_toe_out_degrees + toes,
        right_toe_out_degrees=style.right_toe_out_degrees + toes,
        step_width_degrees=style.step_width_degrees + tilt(0.5),
    )


def _halting(rng: np.random.Generator, frames: int, frames_per_second: float) -> Floats:
    """(T,) pace of a walk that begins from standing, ends in it, or is interrupted by it."""
    still = float(rng.uniform(*HALT_SHARES)) * frames
    begin = float(rng.choice([0.0, frames - still, rng.uniform(0.3, 0.7) * (frames - still)]))
    frame_t = np.arange(frames)
    outside_t = np.maximum(begin - frame_t, frame_t - (begin + still))
    ramp_t = np.clip(outside_t / (STEP_OFF_SECONDS * frames_per_second), 0.0, 1.0)
    pace_t: Floats = ramp_t * ramp_t * (3.0 - 2.0 * ramp_t)
    return pace_t


def _gained(bone_t3: Floats, mean_3: Floats, gain: float) -> Floats:
    """(T,) swing angles in radians, further from or nearer to their mean."""
    mean = float(np.arctan2(mean_3[0], -mean_3[2]))
    swing_t: Floats = np.arctan2(bone_t3[:, 0], -bone_t3[:, 2])
    return mean + gain * (swing_t - mean)


def _set_swing(bones_tb3: Floats, bone: int, swing_t: Floats) -> None:
    """Turns a hanging bone about the left-right axis to the given angles in radians."""
    length_t = np.hypot(bones_tb3[:, bone, 0], bones_tb3[:, bone, 2])
    bones_tb3[:, bone, 0] = length_t * np.sin(swing_t)
    bones_tb3[:, bone, 2] = -length_t * np.cos(swing_t)


def _lean(bones_tb3: Floats, bone: int, degrees: float) -> None:
    """Turns a standing bone forwards."""
    _rotate(bones_tb3, bone, 0, 2, -degrees)


def _tilt(bones_tb3: Floats, bone: int, degrees: float) -> None:
    """Turns a hanging bone to the left."""
    _rotate(bones_tb3, bone, 1, 2, degrees)


def _turn(bones_tb3: Floats, bone: int, degrees: float) -> None:
    """Turns a lying bone to the left."""
    _rotate(bones_tb3, bone, 0, 1, degrees)


def _rotate(bones_tb3: Floats, bone: int, one: int, two: int, degrees: float) -> None:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first_t, second_t = bones_tb3[:, bone, one].copy(), bones_tb3[:, bone, two]
    bones_tb3[:, bone, one] = cos * first_t - sin * second_t
    bones_tb3[:, bone, two] = sin * first_t + cos * second_t
