"""What a camera's place costs: `make bench-filming`, the tables of docs/enrol-well.md.

    python -m tests.benchmarks.bench_filming [--people 100]

Generated people are enrolled and looked for before the same camera, and one thing at a time is
changed: its height, its distance, the direction, the light, the rate, the length, how many walks
are enrolled. Half of the walks have a segmenter's usual faults.

Shape letters: P people, G walks enrolled of each, N walks looked for, D embedding size.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from model.encoder import Encoder
from model.gei import GeiConfig, energy_image
from model.refusals import WalkRefused
from model.walkers import Condition, FaultSettings, Identity, Shot
from tests.spoiled_walks import Take, film

FIRST_IDENTITY = 7_800_000
"""Seed of the first person; nobody of them was trained, calibrated or fitted on."""
MIDDLE_METRES = 0.85  # height of a walker's middle, which the camera looks at
PIXELS_AT_SIX_METRES = 120.0  # standing height: a 720-row camera of some 60° across
RESAMPLES = 1000
EMBEDDING_SIZE = 256  # D of the shipped weights
_USUAL = FaultSettings()
_SHADOW = FaultSettings(
    share=1.0, camouflage=0.0, ragged=0.0, frayed=0.0, shadow=1.0, speckles=0.0, swelling=0.0,
    dropouts=0.0, feet_lost=0.0, coarse=0.0,
)  # fmt: skip
_PATCHES = replace(_SHADOW, shadow=0.0, camouflage=1.0)


@dataclass(frozen=True)
class Camera:
    """Where a camera stands, and what becomes of its pictures.

    Attributes:
        height_metres: above the ground.
        distance_metres: to the middle of the walk.
        azimuth_degrees: of the walk: 90 is a profile, 0 comes towards the camera.
        seconds: that somebody is seen.
        frames_per_second: of the recording.
        faults: of the segmenter.
    """

    height_metres: float = 1.5
    distance_metres: float = 6.0
    azimuth_degrees: float = 90.0
    seconds: float = 3.0
    frames_per_second: float = 25.0
    faults: FaultSettings = _USUAL

    def take(self) -> Take:
        """How a walk before this camera is filmed."""
        rise = self.height_metres - MIDDLE_METRES
        shot = Shot(
            azimuth_degrees=self.azimuth_degrees,
            elevation_degrees=math.degrees(math.atan(rise / self.distance_metres)),
            distance_metres=math.hypot(self.distance_metres, rise),
            frames=round(self.seconds * self.frames_per_second),
            frames_per_second=self.frames_per_second,
            walker_pixels=PIXELS_AT_SIX_METRES * 6.0 / self.distance_metres,
        )
        return Take(shot, faults=self.faults)


@dataclass(frozen=True)
class Setup:
    """One row of a table.

    Attributes:
        what: that was changed.
        enrolled: the cameras that people are enrolled from, a walk each; in everyday clothes.
        looked_for: the camera they are looked for from.
        conditions: their clothes then.
    """

    what: str
    enrolled: tuple[Camera, ...] = (Camera(), Camera())
    looked_for: Camera = Camera()
    conditions: tuple[Condition, ...] = ("nm", "nm")

    @classmethod
    def same(cls, what: str, camera: Camera, enrolled: int = 2) -> Setup:
        """Enrolled and looked for before one camera."""
        return cls(what, (camera,) * enrolled, camera)


def setups() -> dict[str, list[Setup]]:
    """All rows, by the title of their table."""
    one = Camera()
    heights = [replace(one, height_metres=height) for height in (1.0, 1.5, 2.5, 4.0, 6.0, 9.0)]
    distances = [replace(one, distance_metres=metres) for metres in (3.0, 6.0, 12.0, 18.0, 24.0)]
    views = [replace(one, azimuth_degrees=degrees) for degrees in (90.0, 60.0, 30.0, 0.0)]
    lengths = [replace(one, seconds=seconds) for seconds in (1.5, 2.0, 3.0, 5.0)]
    rates = [replace(one, frames_per_second=rate) for rate in (8.0, 12.5, 15.0, 25.0)]
    masks = {
        "clean masks": FaultSettings.none(),
        "half of the walks with a segmenter's faults": FaultSettings(),
        "clothes like the background on every walk": _PATCHES,
        "a shadow on every walk": _SHADOW,
    }
    other_clothes: tuple[Condition, ...] = ("bg", "cl")
    return {
        "Camera height at 6 m, the same for both": [
            Setup.same(f"{camera.height_metres:g} m", camera) for camera in heights
        ],
        "Enrolled at 1.5 m, looked for from": [
            Setup(f"{camera.height_metres:g} m", looked_for=camera) for camera in heights[1:]
        ],
        "Distance, and the walker's height in the picture": [
            Setup.same(f"{camera.distance_metres:g} m, {_pixels(camera)} pixels", camera)
            for camera in distances
        ],
        "Direction, the same for both": [
            Setup.same(f"{camera.azimuth_degrees:g}°", camera) for camera in views
        ],
        "Enrolled at 90°, looked for at": [
            Setup(f"{camera.azimuth_degrees:g}°", looked_for=camera) for camera in views
        ],
        "Seconds in the picture": [
            Setup.same(f"{camera.seconds:g} s", camera) for camera in lengths
        ],
        "Frames a second": [
            Setup.same(f"{camera.frames_per_second:g}", camera) for camera in rates
        ],
        "Light and background, as masks show them": [
            Setup.same(name, replace(one, faults=faults)) for name, faults in masks.items()
        ],
        "Walks enrolled, looked for in everyday clothes": [
            Setup.same(str(walks), one, walks) for walks in (1, 2, 3, 5, 8)
        ],
        "Walks enrolled, looked for with a bag and in a coat": [
            Setup(str(walks), (one,) * walks, one, other_clothes) for walks in (1, 2, 3, 5, 8)
        ],
        "Directions enrolled, two walks each, looked for at 60°": [
            Setup(name, tuple(replace(one, azimuth_degrees=at) for at in enrolled), views[1])
            for name, enrolled in {
                "90°": (90.0, 90.0),
                "90° and 0°": (90.0, 90.0, 0.0, 0.0),
                "90°, 45° and 0°": (90.0, 90.0, 45.0, 45.0, 0.0, 0.0),
            }.items()
        ],
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100)
    asked = parser.parse_args()
    encoder = Encoder.load(device="cpu", threads=1)
    console, progress = Console(), Console(stderr=True)
    console.print(f"{asked.people} people, checkpoint {encoder.checkpoint.checkpoint_id}")
    for title, rows in setups().items():
        table = Table(title=title, title_justify="left")
        table.add_column("")
        for column in ("right person first", "95 % over people", "refused"):
            table.add_column(column, justify="right")
        for setup in track(rows, title, console=progress):
            table.add_row(setup.what, *_figures(measure(encoder, setup, asked.people)))
        console.print(table)


def measure(encoder: Encoder, setup: Setup, people: int) -> NDArray[np.float64]:
    """Looks for everybody among everybody.

    Args:
        encoder: the network.
        setup: the row.
        people: how many are enrolled.

    Returns:
        (P, N): 1 where the right person came first, 0 where somebody else did, NaN where the walk,
        or every enrolled walk of its person, was refused.
    """
    seeds = range(FIRST_IDENTITY, FIRST_IDENTITY + people)
    everyday: Condition = "nm"
    clothes = (everyday,) * len(setup.enrolled)
    gallery_pgd = _encoded(encoder, seeds, setup.enrolled, clothes, 1000)
    probes = (setup.looked_for,) * len(setup.conditions)
    probe_pnd = _encoded(encoder, seeds, probes, setup.conditions, 0)
    score_pnpg = np.einsum("pnd,qgd->pnqg", probe_pnd, gallery_pgd)
    # A refused walk has no score with anybody; as NaN it would win every comparison.
    best_pnp = np.where(np.isnan(score_pnpg), -np.inf, score_pnpg).max(axis=3)
    first_pn = best_pnp.argmax(axis=2) == np.arange(people)[:, None]
    nobody_p = np.isnan(gallery_pgd[..., 0]).all(axis=1, keepdims=True)
    usable_pn = ~(np.isnan(probe_pnd[..., 0]) | nobody_p)
    return np.where(usable_pn, first_pn.astype(np.float64), np.nan)


def _encoded(
    encoder: Encoder,
    seeds: Sequence[int],
    cameras: tuple[Camera, ...],
    conditions: tuple[Condition, ...],
    first_walk: int,
) -> NDArray[np.float32]:
    """(P, walks, D); NaN for a walk that was refused."""
    walks = [
        (camera, condition, first_walk + walk)
        for walk, (camera, condition) in enumerate(zip(cameras, conditions, strict=True))
    ]
    return np.stack([np.stack([_vector(encoder, seed, *walk) for walk in walks]) for seed in seeds])


@cache
def _vector(
    encoder: Encoder, seed: int, camera: Camera, condition: Condition, walk: int
) -> NDArray[np.float32]:
    """(D,); NaN for a walk that was refused. Many rows share their walks: each is made once."""
    walked = film(Identity.from_seed(seed), condition, walk, camera.take())
    try:
        gei_hw = energy_image(walked.sequence, GeiConfig()).gei_hw
    except WalkRefused:
        return np.full(EMBEDDING_SIZE, np.nan, np.float32)
    return np.asarray(encoder.encode(gei_hw[None])[0], np.float32)


def _figures(first_pn: NDArray[np.float64]) -> tuple[str, str, str]:
    """Share of right answers, its interval over people, share of walks refused; in percent."""
    refused = float(np.isnan(first_pn).mean())
    if refused == 1.0:
        return "", "", "100 %"
    rng = np.random.default_rng(1)
    people = first_pn.shape[0]
    shares = [np.nanmean(first_pn[rng.integers(people, size=people)]) for _ in range(RESAMPLES)]
    low, high = np.percentile(shares, (2.5, 97.5))
    return f"{np.nanmean(first_pn):.1%}", f"{low:.0%} – {high:.0%}", f"{refused:.0%}"


def _pixels(camera: Camera) -> int:
    return round(camera.take().shot.walker_pixels)


if __name__ == "__main__":
    main()
