"""Who walks: body, gait style, head and everyday outfit, all drawn from one integer seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.walkers.basis import gait_basis
from model.walkers.body import Body, random_body

# The basis knows 13 people. Their spread is widened, so that thousands of walkers differ.
STYLE_SPREAD = 1.2
MEAN_PERIOD_SECONDS = 1.08  # free walking: Winter 1991, about 111 steps per minute
PERIOD_SPREAD = 0.075  # of log(period)

HairStyle = Literal["short", "full", "long", "bun", "ponytail", "cap"]
Legwear = Literal["trousers", "skirt", "shorts"]


@dataclass(frozen=True)
class GaitStyle:
    """How this person moves, beyond the mean gait. Angles in degrees, gains around 1."""

    coefficients: tuple[float, ...]
    period_seconds: float
    stride_gain: float
    knee_gain: float
    left_arm_swing_gain: float
    right_arm_swing_gain: float
    left_arm_forward_degrees: float
    right_arm_forward_degrees: float
    arms_apart_degrees: float
    left_elbow_bend_degrees: float
    right_elbow_bend_degrees: float
    trunk_lean_degrees: float
    back_rounding_degrees: float
    head_pitch_degrees: float
    left_toe_out_degrees: float
    right_toe_out_degrees: float
    step_width_degrees: float
    pelvis_gain: float
    shoulder_turn_gain: float
    shoulder_tilt_degrees: float
    sway_fraction: float


@dataclass(frozen=True)
class Head:
    """Hair and headgear; sizes as fractions of the stature."""

    style: HairStyle
    hair_thickness: float
    hair_length: float


@dataclass(frozen=True)
class Outfit:
    """What is worn every day; paddings are added to radii, as fractions of the stature."""

    legwear: Legwear
    thigh_padding: float
    knee_padding: float
    cuff_radius: float
    hem_drop: float
    hem_flare: float
    trunk_padding: float
    sleeve_padding: float
    top_hem_drop: float
    shoe_length: float
    shoe_height: float


@dataclass(frozen=True)
class Identity:
    """One procedural person.

    Attributes:
        seed: the only thing that was chosen; everything else follows from it.
    """

    seed: int
    body: Body
    style: GaitStyle
    head: Head
    outfit: Outfit

    @staticmethod
    def from_seed(seed: int) -> Identity:
        """The person of this seed, 0 or greater; the same in every process."""
        return _identity(seed)


@lru_cache(maxsize=4096)
def _identity(seed: int) -> Identity:
    rng = np.random.default_rng([seed, 0x1D])
    body = random_body(rng)
    return Identity(
        seed=seed, body=body, style=_style(rng), head=_head(rng, body), outfit=_outfit(rng, body)
    )


def _style(rng: np.random.Generator) -> GaitStyle:
    coefficients_k: NDArray[np.float64] = STYLE_SPREAD * rng.normal(
        size=len(gait_basis().between_kf)
    )
    # An outlier in many components at once does not walk like a person.
    coefficients_k = np.clip(coefficients_k, -2.2, 2.2)
    swing = float(np.exp(rng.normal(0.0, 0.30)))
    arm_forward = float(rng.normal(0.0, 4.0))
    elbow = float(rng.gamma(1.5, 5.0) - 6.0)
    toe_out = float(rng.normal(0.0, 5.0))
    return GaitStyle(
        coefficients=tuple(float(c) for c in coefficients_k),
        period_seconds=float(MEAN_PERIOD_SECONDS * np.exp(rng.normal(0.0, PERIOD_SPREAD))),
        stride_gain=float(rng.normal(0.98, 0.06)),
        knee_gain=float(rng.normal(1.0, 0.08)),
        left_arm_swing_gain=swing * float(np.exp(rng.normal(0.0, 0.15))),
        right_arm_swing_gain=swing * float(np.exp(rng.normal(0.0, 0.15))),
        left_arm_forward_degrees=arm_forward + float(rng.normal(0.0, 2.0)),
        right_arm_forward_degrees=arm_forward + float(rng.normal(0.0, 2.0)),
        arms_apart_degrees=float(rng.normal(1.0, 2.5)),
        left_elbow_bend_degrees=elbow + float(rng.normal(0.0, 3.0)),
        right_elbow_bend_degrees=elbow + float(rng.normal(0.0, 3.0)),
        trunk_lean_degrees=float(rng.normal(0.0, 2.0)),
        back_rounding_degrees=float(rng.normal(0.0, 5.0)),
        head_pitch_degrees=float(rng.normal(3.0, 5.5)),
        left_toe_out_degrees=toe_out + float(rng.normal(0.0, 2.5)),
        right_toe_out_degrees=toe_out + float(rng.normal(0.0, 2.5)),
        step_width_degrees=float(rng.normal(-0.6, 1.3)),
        pelvis_gain=float(np.exp(rng.normal(0.0, 0.3))),
        shoulder_turn_gain=float(np.exp(rng.normal(0.0, 0.3))),
        shoulder_tilt_degrees=float(rng.normal(0.0, 1.5)),
        sway_fraction=float(rng.uniform(0.004, 0.018)),
    )


def _head(rng: np.random.Generator, body: Body) -> Head:
    styles: tuple[HairStyle, ...] = ("short", "full", "long", "bun", "ponytail", "cap")
    his, hers = (0.66, 0.16, 0.04, 0.01, 0.03, 0.10), (0.12, 0.16, 0.38, 0.12, 0.18, 0.04)
    chances = np.array(his) + body.womanly * (np.array(hers) - np.array(his))
    style = styles[int(rng.choice(len(styles), p=chances / chances.sum()))]
    thickness = float(
        rng.uniform(0.001, 0.006) if style in ("short", "cap") else rng.uniform(0.004, 0.016)
    )
    return Head(style, thickness, float(rng.uniform(0.05, 0.16)))


def _outfit(rng: np.random.Generator, body: Body) -> Outfit:
    skirt = 0.22 * body.womanly
    kinds: tuple[Legwear, ...] = ("trousers", "skirt", "shorts")
    legwear = kinds[int(rng.choice(3, p=[0.90 - skirt, skirt, 0.10]))]
    looseness = float(rng.gamma(2.0, 0.5))  # about 1; 0 is skin tight
    return Outfit(
        legwear=legwear,
        thigh_padding=0.004 + 0.004 * looseness,
        knee_padding=0.003 + 0.006 * looseness,
        cuff_radius=float(rng.uniform(0.028, 0.038)) + 0.007 * looseness,
        hem_drop=float(rng.uniform(0.14, 0.40)),
        hem_flare=float(rng.uniform(0.0, 0.05)),
        trunk_padding=0.002 + float(rng.gamma(2.0, 0.0055)),
        sleeve_padding=0.003 + float(rng.gamma(2.0, 0.0055)),
        top_hem_drop=float(rng.choice([0.0, rng.uniform(0.0, 0.07)])),
        shoe_length=float(rng.uniform(0.004, 0.018)),
        shoe_height=float(rng.uniform(0.003, 0.016)),
    )
