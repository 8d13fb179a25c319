"""What a walker wears and carries in one walk, by condition.

`nm` is the everyday outfit of the identity, `bg` adds a bag, `cl` puts a coat or jacket over it.
Sizes are fractions of the stature.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from model.walkers.gait import Load
from model.walkers.identity import Identity, Outfit

Condition = Literal["nm", "bg", "cl"]
BagKind = Literal["backpack", "shoulder bag", "hand bag"]


@dataclass(frozen=True)
class Bag:
    """Half sizes of the bag's box. Side +1 is the walker's left."""

    kind: BagKind
    side: int
    half_length: float
    half_thickness: float
    half_height: float
    hang: float


@dataclass(frozen=True)
class Attire:
    """Clothes as they change the outline.

    Attributes:
        outfit: trousers, skirt and shoes.
        trunk_padding, sleeve_padding: added to half widths and radii.
        boxiness: 0 follows the waist, 1 hides it.
        hem_drop: how far the top or coat reaches below the middle of the hips.
        hem_flare: how much wider it gets on the way.
        collar: added to the radius of the neck.
        bag: what is carried.
        load: what all this does to the gait.
    """

    outfit: Outfit
    trunk_padding: float
    sleeve_padding: float
    boxiness: float
    hem_drop: float
    hem_flare: float
    collar: float
    bag: Bag | None
    load: Load


def attire_of(identity: Identity, condition: Condition, rng: np.random.Generator) -> Attire:
    """Dresses an identity for one walk; ValueError for an unknown condition."""
    outfit = identity.outfit
    everyday = float(rng.normal(1.0, 0.06))  # the same clothes never sit quite the same
    plain = Attire(
        outfit=outfit,
        trunk_padding=outfit.trunk_padding * everyday,
        sleeve_padding=outfit.sleeve_padding * everyday,
        boxiness=min(1.0, outfit.trunk_padding / 0.016),
        hem_drop=outfit.top_hem_drop,
        hem_flare=0.0,
        collar=0.0,
        bag=None,
        load=Load(),
    )
    if condition == "nm":
        return plain
    if condition == "bg":
        return _with_bag(plain, rng)
    if condition == "cl":
        return _with_coat(plain, rng)
    raise ValueError(f"unknown condition: {condition!r}")


def _with_bag(plain: Attire, rng: np.random.Generator) -> Attire:
    kinds: tuple[BagKind, ...] = ("backpack", "shoulder bag", "hand bag")
    kind = kinds[int(rng.choice(3, p=[0.42, 0.33, 0.25]))]
    side = int(rng.choice([-1, 1]))
    if kind == "backpack":
        bag = Bag(
            kind,
            side,
            float(rng.uniform(0.055, 0.085)),
            float(rng.uniform(0.022, 0.055)),
            float(rng.uniform(0.09, 0.14)),
            float(rng.uniform(-0.02, 0.03)),
        )
        load = Load(0.85, 0.85, float(rng.uniform(0.0, 4.0)), 1.5)
    elif kind == "shoulder bag":
        bag = Bag(
            kind,
            side,
            float(rng.uniform(0.06, 0.11)),
            float(rng.uniform(0.015, 0.040)),
            float(rng.uniform(0.045, 0.085)),
            float(rng.uniform(-0.02, 0.08)),
        )
        near = float(rng.uniform(0.3, 0.9))
        load = Load(near if side > 0 else 1.0, near if side < 0 else 1.0, 0.0, 2.0)
    else:
        bag = Bag(
            kind,
            side,
            float(rng.uniform(0.05, 0.11)),
            float(rng.uniform(0.012, 0.040)),
            float(rng.uniform(0.045, 0.10)),
            float(rng.uniform(0.01, 0.06)),
        )
        near = float(rng.uniform(0.15, 0.6))
        load = Load(near if side > 0 else 1.0, near if side < 0 else 1.0, 0.0, 2.0)
    return replace(plain, bag=bag, load=load)


def _with_coat(plain: Attire, rng: np.random.Generator) -> Attire:
    kind = int(rng.choice(3, p=[0.35, 0.35, 0.30]))  # jacket, long coat, down jacket
    trunk = (rng.uniform(0.010, 0.022), rng.uniform(0.010, 0.026), rng.uniform(0.020, 0.042))[kind]
    sleeve = (rng.uniform(0.006, 0.012), rng.uniform(0.006, 0.014), rng.uniform(0.012, 0.024))[kind]
    drop = (rng.uniform(0.02, 0.09), rng.uniform(0.12, 0.36), rng.uniform(0.02, 0.14))[kind]
    flare = (0.0, rng.uniform(0.0, 0.03), rng.uniform(0.0, 0.01))[kind]
    return Attire(
        outfit=plain.outfit,
        trunk_padding=max(plain.trunk_padding, 0.004) + float(trunk),
        sleeve_padding=max(plain.sleeve_padding, 0.002) + float(sleeve),
        boxiness=float(rng.uniform(0.7, 1.0)),
        hem_drop=float(drop),
        hem_flare=float(flare),
        collar=float(rng.uniform(0.002, 0.016)),
        bag=None,
        load=Load(0.9, 0.9, 0.0, float(rng.uniform(1.0, 5.0))),
    )
