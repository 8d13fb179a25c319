"""Who walks in the demo. All of them were generated, from seeds the network was never trained on.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.walkers import Condition, Identity, Shot, walk_masks_thw

FIRST_SEED = 9_000_000
"""Seeds from here on are the demo's; training uses those below 1,000,000."""
NAMES = (
    "ada", "ben", "cleo", "dan", "eva", "finn", "gul", "hugo", "iris", "jon", "kim", "leo",
)  # fmt: skip
STRANGERS = ("stranger-1", "stranger-2", "stranger-3", "stranger-4")


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk of one person.

    Attributes:
        person: an id of `NAMES` or `STRANGERS`.
        walk_seed: which walk; no two walks of a person share one.
        condition: "nm" everyday clothes, "bg" with a bag, "cl" with a coat.
        azimuth_degrees: 90 is a profile walking left, 270 one walking right, 0 comes closer.
    """

    person: str
    walk_seed: int
    condition: Condition
    azimuth_degrees: float

    @property
    def label(self) -> str:
        """The walk in a few words."""
        dress = {"nm": "", "bg": ", bag", "cl": ", coat"}[self.condition]
        return f"{self.person}{dress}, {self.azimuth_degrees:.0f}°"

    def masks_thw(self) -> NDArray[np.uint8]:
        """The walk as silhouettes, (T, H, W), 0 or 255."""
        seed = FIRST_SEED + (*NAMES, *STRANGERS).index(self.person)
        shot = Shot(azimuth_degrees=self.azimuth_degrees, frames=60)
        return walk_masks_thw(
            Identity.from_seed(seed), walk_seed=self.walk_seed, condition=self.condition, shot=shot
        )


def enrolled_walks(person: str) -> list[Walk]:
    """What is enrolled of one person: three ordinary walks, one with a bag, one in a coat."""
    return [
        Walk(person, 1, "nm", 90.0),
        Walk(person, 2, "nm", 70.0),
        Walk(person, 3, "nm", 110.0),
        Walk(person, 4, "bg", 90.0),
        Walk(person, 5, "cl", 90.0),
    ]


def known_probes() -> list[Walk]:
    """Other walks of enrolled people, in changing clothes and views."""
    conditions: tuple[Condition, ...] = ("nm", "nm", "bg", "cl")
    azimuths_degrees = (90.0, 80.0, 100.0)
    return [
        Walk(person, 50 + place, conditions[place % 4], azimuths_degrees[place % 3])
        for place, person in enumerate(NAMES[:10])
    ]


def stranger_probes() -> list[Walk]:
    """Walks of people who are not enrolled."""
    conditions: tuple[Condition, ...] = ("nm", "nm", "bg", "cl")
    return [
        Walk(person, 50, condition, 90.0)
        for person, condition in zip(STRANGERS, conditions, strict=True)
    ]
