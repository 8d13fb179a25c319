"""Anthropometry: how long and how thick the parts of one walker are.

All lengths are fractions of the stature unless a name says metres. Segment lengths: Winter 2009,
figure 4.1 (after Drillis and Contini 1964). Breadths, depths and girths: medians of ANSUR II
(Gordon et al. 2014), girths turned into radii of circles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

STATURE_METRES = ((1.63, 0.065), (1.76, 0.070))  # ANSUR II, women and men: mean, spread


@dataclass(frozen=True)
class Girths:
    """Half breadths, half depths and radii of the naked body."""

    shoulder_half_width: float = 0.112
    shoulder_half_depth: float = 0.050
    chest_half_width: float = 0.088
    chest_half_depth: float = 0.071
    waist_half_width: float = 0.084
    waist_half_depth: float = 0.064
    hip_half_width: float = 0.098
    hip_half_depth: float = 0.068
    belly_forward: float = 0.004
    bust_forward: float = 0.004
    buttocks_back: float = 0.010
    thigh_radius: float = 0.050
    knee_radius: float = 0.032
    calf_radius: float = 0.033
    ankle_radius: float = 0.021
    upper_arm_radius: float = 0.031
    elbow_radius: float = 0.024
    wrist_radius: float = 0.017
    neck_radius: float = 0.037


@dataclass(frozen=True)
class Lengths:
    """Bone lengths and the size of head, hands and feet."""

    thigh: float = 0.245
    shank: float = 0.246
    hip_joint_half_distance: float = 0.052
    lower_trunk: float = 0.255
    upper_trunk: float = 0.065
    head: float = 0.160
    shoulder_joint_half_distance: float = 0.106
    shoulder_drop: float = 0.041
    upper_arm: float = 0.176
    forearm: float = 0.146
    hand: float = 0.090
    ankle_height: float = 0.039
    heel_back: float = 0.036
    ball_ahead: float = 0.078
    toes: float = 0.040
    foot_half_width: float = 0.020
    head_half_width: float = 0.045
    head_half_length: float = 0.056
    chin_forward: float = 0.030


@dataclass(frozen=True)
class Body:
    """One person's body.

    Attributes:
        stature_metres: standing height.
        womanly: 0 … 1, shifts breadths from shoulders to hips; also sways hair and outfit.
        stoutness: about -2 … 3 standard deviations of thickness.
    """

    stature_metres: float
    womanly: float
    stoutness: float
    lengths: Lengths
    girths: Girths


Sizes = TypeVar("Sizes", Lengths, Girths)


def random_body(rng: np.random.Generator) -> Body:
    """Draws one adult; the spread of shapes is a little wider than in ANSUR II."""
    womanly = float(rng.beta(0.45, 0.45))
    (woman, woman_spread), (man, man_spread) = STATURE_METRES
    stature = float(
        rng.normal(
            man + (woman - man) * womanly, man_spread + (woman_spread - man_spread) * womanly
        )
    )
    stoutness = float(rng.gamma(4.0, 0.5) - 1.8)
    lengths = _jittered(Lengths(), rng, spread=0.045)
    # Long legs come with a short trunk: the stature is given.
    legs = float(rng.normal(1.0, 0.03))
    trunk = (1.0 - legs * 0.530 - lengths.head) / (0.255 + 0.065)
    lengths = replace(
        lengths,
        thigh=lengths.thigh * legs,
        shank=lengths.shank * legs,
        lower_trunk=0.255 * trunk,
        upper_trunk=0.065 * trunk,
        shoulder_joint_half_distance=lengths.shoulder_joint_half_distance * (1.04 - 0.10 * womanly),
        hip_joint_half_distance=lengths.hip_joint_half_distance * (0.97 + 0.06 * womanly),
    )
    return Body(stature, womanly, stoutness, lengths, _girths(rng, womanly, stoutness))


def _girths(rng: np.random.Generator, womanly: float, stoutness: float) -> Girths:
    drawn = _jittered(Girths(), rng, spread=0.085)
    limbs = 1.0 + 0.085 * stoutness
    trunk = 1.0 + 0.080 * stoutness
    belly = max(0.0, stoutness) * float(rng.uniform(0.2, 1.0))
    muscle = float(rng.normal(1.0, 0.07))
    return replace(
        drawn,
        shoulder_half_width=drawn.shoulder_half_width
        * (1.05 - 0.11 * womanly)
        * (1.0 + 0.03 * stoutness)
        * muscle,
        shoulder_half_depth=drawn.shoulder_half_depth * trunk * muscle,
        chest_half_width=drawn.chest_half_width * (1.03 - 0.07 * womanly) * trunk,
        chest_half_depth=drawn.chest_half_depth * trunk,
        waist_half_width=drawn.waist_half_width * (1.03 - 0.12 * womanly) * (trunk + 0.05 * belly),
        waist_half_depth=drawn.waist_half_depth * (1.0 - 0.05 * womanly) * (trunk + 0.10 * belly),
        hip_half_width=drawn.hip_half_width * (0.95 + 0.10 * womanly) * (trunk - 0.02 * stoutness),
        hip_half_depth=drawn.hip_half_depth * (0.97 + 0.06 * womanly) * trunk,
        belly_forward=0.002 + 0.012 * belly,
        bust_forward=0.003 + womanly * float(rng.uniform(0.002, 0.018)),
        buttocks_back=float(rng.uniform(0.002, 0.020)),
        thigh_radius=drawn.thigh_radius * limbs * (0.97 + 0.06 * womanly),
        knee_radius=drawn.knee_radius * (0.4 + 0.6 * limbs),
        calf_radius=drawn.calf_radius * limbs,
        ankle_radius=drawn.ankle_radius * (0.5 + 0.5 * limbs),
        upper_arm_radius=drawn.upper_arm_radius * limbs * muscle,
        elbow_radius=drawn.elbow_radius * (0.4 + 0.6 * limbs),
        neck_radius=drawn.neck_radius * (1.06 - 0.14 * womanly) * (0.5 + 0.5 * limbs),
    )


def _jittered(sizes: Sizes, rng: np.random.Generator, *, spread: float) -> Sizes:
    values = vars(sizes)
    factors = np.exp(rng.normal(0.0, spread, len(values)))
    return replace(
        sizes,
        **{name: size * float(f) for (name, size), f in zip(values.items(), factors, strict=True)},
    )
