"""Which ingredients of the walkers buy accuracy on real masks: `make bench-ingredients`.

    python -m tests.benchmarks.bench_ingredients [--casia-a DIR] [--people 200]

One ingredient at a time is left out of the training walkers; PCA + LDA is fitted on what remains
and scored on real silhouettes (if a copy of CASIA-A is at hand) and on complete walkers nobody
trained on. The linear model stands in for the network, which would need hours for every row: its
figures rank ingredients, they do not predict the network's.

Shape letters: N walks, H rows, W columns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from model.baselines import LinearBaseline
from model.datasets.casia_a import build_casia_a, goes_right_or_closer
from model.datasets.labelled import LabelledGeis
from model.datasets.recorded_set import Caching
from model.datasets.walker_recipe import CONDITIONS, WalkerSetConfig, as_captured
from model.gei import GeiConfig, energy_image
from model.protocols import Cell, cross_view_cells, opposite_cells, same_view_cells
from model.ranking import identify
from model.refusals import WalkRefused
from model.scores import cosine_scores
from model.walkers import Condition, FaultSettings, Identity, Shot, walk_silhouettes
from model.walkers.body import Body, Girths, Lengths

WALKS = 10
FRAMES = 50
UNSEEN_IDENTITY = 5_500_000
UNSEEN_PEOPLE = 60
USUAL = WalkerSetConfig()


@dataclass(frozen=True)
class Take:
    """What is about to be filmed; an ingredient is left out by changing it."""

    identity: Identity
    condition: Condition
    shot: Shot
    faults: FaultSettings
    halts: bool


Change = Callable[[Take], Take]


def _complete(take: Take) -> Take:
    return take


def _average_bodies(take: Take) -> Take:
    body = Body(1.70, 0.5, 0.0, Lengths(), Girths())
    return replace(take, identity=replace(take.identity, body=body))


def _one_gait(take: Take) -> Take:
    return replace(take, identity=replace(take.identity, style=Identity.from_seed(0).style))


def _one_outfit(take: Take) -> Take:
    other = Identity.from_seed(0)
    return replace(take, identity=replace(take.identity, outfit=other.outfit, head=other.head))


def _no_bags_no_coats(take: Take) -> Take:
    return replace(take, condition="nm")


def _clean_masks(take: Take) -> Take:
    return replace(take, faults=FaultSettings.none())


def _faults_everywhere(take: Take) -> Take:
    return replace(take, faults=FaultSettings(share=1.0))


def _no_halts(take: Take) -> Take:
    return replace(take, halts=False)


def _three_views(take: Take) -> Take:
    azimuth = 45.0 * round(take.shot.azimuth_degrees / 45.0)
    return replace(take, shot=replace(take.shot, azimuth_degrees=azimuth))


def _far_and_level(take: Take) -> Take:
    shot = replace(take.shot, elevation_degrees=0.0, distance_metres=30.0)
    return replace(take, shot=shot)


INGREDIENTS: dict[str, Change] = {
    "complete": _complete,
    "everybody has the same body": _average_bodies,
    "everybody has the same gait style": _one_gait,
    "everybody wears the same": _one_outfit,
    "no bags, no coats": _no_bags_no_coats,
    "clean masks": _clean_masks,
    "faults on every walk": _faults_everywhere,
    "no halts": _no_halts,
    "views in steps of 45° only": _three_views,
    "far and level cameras: no perspective": _far_and_level,
}


def main() -> None:
    """Generates, fits, scores and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--casia-a", type=Path, help="folder of a copy of CASIA-A")
    parser.add_argument("--people", type=int, default=200, help="to fit on")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    console = Console()
    unseen = _walks(_complete, UNSEEN_IDENTITY, UNSEEN_PEOPLE, asked.processes)
    caching = Caching(Path("runs/recordings"), GeiConfig(), asked.processes)
    real = build_casia_a(asked.casia_a, caching).labelled() if asked.casia_a else None
    table = Table(title=f"PCA + LDA on {asked.people} walkers × {WALKS} walks, rank-1 in %")
    table.add_column("training walkers")
    table.add_column("unseen walkers", justify="right")
    for name in ("same view", "opposite", "across views") if real else ():
        table.add_column(f"real, {name}", justify="right")
    for name, change in track(INGREDIENTS.items(), "ingredients", console=Console(stderr=True)):
        training = _walks(change, 0, asked.people, asked.processes)
        _, label_n = np.unique(training.subject_n, return_inverse=True)
        linear = LinearBaseline.fit(training.geis_nhw, label_n)
        figures = [_rank_1(linear, unseen, [_halves(unseen)])]
        if real:
            figures += [_rank_1(linear, real, cells) for cells in _real_cells(real)]
        table.add_row(name, *(f"{100.0 * figure:.1f}" for figure in figures))
    console.print(table)


def _walks(change: Change, first: int, people: int, processes: int) -> LabelledGeis:
    """Walks of a group of people, each with one ingredient changed, from any direction."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        each = pool.map(partial(_walks_of, change), range(first, first + people), chunksize=4)
        walks = [walk for of_person in each for walk in of_person]
    geis, seeds, numbers, views = zip(*walks, strict=True)
    return LabelledGeis(
        geis_nhw=np.stack(geis),
        subject_n=np.array(seeds).astype(np.str_),
        condition_n=np.full(len(walks), "nm"),
        walk_n=np.array(numbers),
        view_n=np.array(views),
        drift_n2=np.full((len(walks), 2), np.nan),
    )


def _walks_of(change: Change, seed: int) -> list[tuple[NDArray[np.uint8], int, int, float]]:
    """GEI, seed, number and view of each usable walk of one person."""
    kept = []
    for walk in range(WALKS):
        rng = np.random.default_rng((seed, walk))
        take = change(
            Take(
                Identity.from_seed(seed),
                CONDITIONS[rng.choice(3, p=USUAL.condition_shares)],
                Shot.random(rng, frames=FRAMES),
                FaultSettings(share=USUAL.fault_share),
                bool(rng.uniform() < USUAL.halt_share),
            )
        )
        sequence = walk_silhouettes(
            take.identity,
            walk_seed=walk,
            condition=take.condition,
            shot=take.shot,
            faults=take.faults,
            halts=take.halts,
        )
        try:
            gei_hw = energy_image(as_captured(sequence), GeiConfig()).gei_hw
        except WalkRefused:
            continue
        kept.append((gei_hw, seed, walk + 1, take.shot.azimuth_degrees % 360.0))
    return kept


def _halves(walks: LabelledGeis) -> Cell:
    early_n = walks.walk_n <= WALKS // 2
    return Cell(~early_n, early_n)


def _real_cells(walks: LabelledGeis) -> tuple[list[Cell], list[Cell], list[Cell]]:
    """Same view (walks 1–2 → 3–4), opposite direction in the same view, across views."""
    early_n, one_way_n = walks.walk_n <= 2, goes_right_or_closer(walks)
    opposite = [
        cell
        for view in np.unique(walks.view_n)
        for cell in opposite_cells(one_way_n, walks.view_n == view)
    ]
    same = same_view_cells(~early_n, early_n, walks.view_n)
    return same, opposite, cross_view_cells(walks.view_n)


def _rank_1(linear: LinearBaseline, walks: LabelledGeis, cells: Sequence[Cell]) -> float:
    scores_nn = cosine_scores(linear.encode(walks.geis_nhw))
    return identify(scores_nn, walks.subject_n, cells).rank(1).estimate().value


if __name__ == "__main__":
    main()
