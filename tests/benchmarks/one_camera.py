"""Walkers nobody trained on, all before one camera, embedded: people to enrol and strangers.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from model.datasets.walker_recipe import CONDITIONS, WalkerSetConfig, as_captured
from model.encoder import Encoder
from model.gei import GeiConfig, energy_image
from model.progress import progress_bars
from model.recipe import FRAMES, FRAMES_SPREAD
from model.refusals import WalkRefused
from model.walkers import FaultSettings, Identity, Shot, walk_silhouettes

# Outside the seeds of training, validation, calibration, evaluation, CASIA-B's stand-in and the
# other benchmarks.
FIRST_IDENTITY = 20_000_000
PEOPLE_AT_ONCE = 250  # of one file: some ten seconds of work, which an interruption may cost
RECIPE = WalkerSetConfig(frames=FRAMES, frames_spread=FRAMES_SPREAD)  # as those of calibration
_WALKS_SEED = 11


@dataclass(frozen=True, slots=True)
class Walks:
    """Embedded walks, by person.

    Attributes:
        vectors_nd: float32 (N, D), unit vectors.
        person_n: int64 (N,), who walks.
    """

    vectors_nd: NDArray[np.float32]
    person_n: NDArray[np.int64]


def embedded_walks(
    people: range,
    *,
    walk: int,
    camera_degrees: int,
    folder: Path,
    encoder: Encoder,
    console: Console | None,
    recipe: WalkerSetConfig = RECIPE,
) -> Walks:
    """One walk of each of some people; what lies in the folder already is not made again.

    Args:
        people: numbers, from a multiple of `PEOPLE_AT_ONCE` on; whose walk the service would
            refuse is missing.
        walk: which of everybody's walks, from 0.
        camera_degrees: azimuth of the camera that films everybody.
        folder: of this benchmark, kept between runs.
        encoder: of the checkpoint that is measured.
        console: where the progress bar is drawn; None draws none.
        recipe: how long walks are, in which clothes, how many masks have faults.
    """
    checkpoint = encoder.checkpoint
    shelf = folder / f"{recipe.fingerprint()}-{camera_degrees:03d}" / checkpoint.checkpoint_id
    shelf.mkdir(parents=True, exist_ok=True)
    parts = []
    with progress_bars(console, "walkers") as progress:
        bar = progress.add_task(f"walk {walk + 1} at {camera_degrees}°", total=len(people))
        for first in range(people.start, people.stop, PEOPLE_AT_ONCE):
            path = shelf / f"walk-{walk}-people-{first:06d}.npz"
            if not path.exists():
                some = range(first, first + PEOPLE_AT_ONCE)
                _store(
                    path, encoder, list(_geis(some, walk, camera_degrees, checkpoint.gei, recipe))
                )
            with np.load(path) as held:
                parts.append(Walks(held["vectors_nd"], held["person_n"]))
            progress.advance(bar, min(PEOPLE_AT_ONCE, people.stop - first))
    vectors_nd = np.concatenate([part.vectors_nd for part in parts])
    person_n = np.concatenate([part.person_n for part in parts])
    return Walks(vectors_nd[person_n < people.stop], person_n[person_n < people.stop])


def _store(path: Path, encoder: Encoder, walks: list[tuple[int, NDArray[np.uint8]]]) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    with unfinished.open("wb") as file:
        np.savez(
            file,
            vectors_nd=encoder.encode(np.stack([gei_hw for _, gei_hw in walks])),
            person_n=np.array([person for person, _ in walks], dtype=np.int64),
        )
    unfinished.replace(path)


def _geis(
    people: range, walk: int, camera_degrees: int, gei: GeiConfig, recipe: WalkerSetConfig
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Person and GEI; walks that the service would refuse are left out."""
    faults = FaultSettings(share=recipe.fault_share)
    for person in people:
        rng = np.random.default_rng((_WALKS_SEED, FIRST_IDENTITY + person, walk))
        frames = int(recipe.frames + rng.integers(recipe.frames_spread + 1))
        shot = Shot.random(rng, azimuth_degrees=camera_degrees, frames=frames)
        sequence = walk_silhouettes(
            Identity.from_seed(FIRST_IDENTITY + person),
            walk_seed=int(rng.integers(2**31)),
            condition=CONDITIONS[rng.choice(len(CONDITIONS), p=recipe.condition_shares)],
            shot=shot,
            faults=faults,
        )
        try:
            yield person, energy_image(as_captured(sequence), gei).gei_hw
        except WalkRefused:
            continue
