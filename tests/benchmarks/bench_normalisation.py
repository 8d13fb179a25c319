"""What symmetric score normalisation (S-norm) would buy: `make bench-normalisation`.

    python -m tests.benchmarks.bench_normalisation [--cohort 250]

Walkers nobody trained on stand before three cameras. Every cosine is also told in deviations from
what its two walks score with a cohort of other generated people, once from either side, and the two
are averaged (Kenny 2010, "Bayesian speaker verification with heavy-tailed priors"). "Closest" takes
of the cohort only what is most alike (adaptive, Cumani et al. 2011, "Comparison of speaker
recognition approaches for real applications"). "Its camera" tells each side of the pair which
camera filmed the other, so that its cohort is of that camera; "any" does without. "Gallery's" takes
the enrolled people themselves as the cohort, and only the probe's side. All is told twice: on masks
of which half have faults, as walkers are trained on, and on masks that all have.

Walkers are made once and kept under runs/normalisation: some 30 ms of CPU each.

Shape letters: N tested walks, K walks of the cohort, D embedding size.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from model.bootstrap import Estimate
from model.calibration import Calibration
from model.datasets.walker_recipe import WalkerSetConfig
from model.decided_scores import decided_scores
from model.encoder import Encoder
from model.identification import open_set, searches
from model.protocols import Cell, Mask, same_view_cells
from model.ranking import identify
from model.scores import Scores
from model.verification import comparisons, verify
from tests.benchmarks.estimates import in_percent
from tests.benchmarks.one_camera import RECIPE, Walks, embedded_walks
from tests.benchmarks.score_normalisation import Filmed, normalised, told_by_the_gallery

FOLDER = Path("runs/normalisation")
CAMERAS_DEGREES = (0, 45, 90)
# Nobody of the two groups takes part in another benchmark, and nobody is in both.
TESTED_PEOPLE = range(40_000, 40_250)
FIRST_OF_COHORT = 41_000
CLOSEST = 25  # walks of the cohort, of the adaptive rows
# The cohort's masks stay the usual ones: whoever ships it does not know its users' masks.
KINDS_OF_MASKS = {
    "half of the masks with faults": RECIPE,
    "every mask with faults": replace(RECIPE, fault_share=1.0),
}
RESAMPLES = 200  # of the intervals of verification, which cost most of the time


def filmed(
    people: range, *, walks: int, encoder: Encoder, console: Console, recipe: WalkerSetConfig
) -> Filmed:
    """So many walks of each person before every camera; refused ones are missing."""
    takes: list[tuple[Walks, int, int]] = [
        (
            embedded_walks(
                people,
                walk=walk,
                camera_degrees=camera,
                folder=FOLDER,
                encoder=encoder,
                console=console,
                recipe=recipe,
            ),
            walk,
            camera,
        )
        for walk in range(walks)
        for camera in CAMERAS_DEGREES
    ]
    return Filmed(
        np.concatenate([take.vectors_nd for take, _, _ in takes]),
        np.concatenate([take.person_n for take, _, _ in takes]),
        np.concatenate([np.full(len(take.person_n), walk) for take, walk, _ in takes]),
        np.concatenate([np.full(len(take.person_n), camera) for take, _, camera in takes]),
    )


def across_view_cells(probe_n: Mask, gallery_n: Mask, view_n: NDArray[np.int64]) -> list[Cell]:
    """One cell per ordered pair of different cameras."""
    cameras = np.unique(view_n)
    return [
        Cell(probe_n & (view_n == one), gallery_n & (view_n == other))
        for one in cameras
        for other in cameras
        if one != other
    ]


def figures(
    scores_nn: Scores,
    tested: Filmed,
    *,
    same: bool,
    calibration: Calibration | None = None,
    both_ways: bool = False,
) -> list[Estimate]:
    """Rank-1, EER, TAR at FAR 1 % and TPIR at FPIR 1 %, within one view or across.

    Args:
        scores_nn: (N, N) of all pairs of walks.
        tested: the N walks; first ones are enrolled, second ones ask.
        same: whether probe and gallery are before one camera.
        calibration: whose level is taken off before a threshold is met, as a service does; the
            scores must then be cosines. None takes them as they are.
        both_ways: whether a pair's score depends on which of the two walks asks.
    """
    asking_n, enrolled_n = tested.walk_n > 0, tested.walk_n == 0
    cells = (same_view_cells if same else across_view_cells)(asking_n, enrolled_n, tested.camera_n)
    alike_nn = tested.camera_n[:, None] == tested.camera_n[None, :]
    compared_nn = scores_nn
    if calibration is not None:
        compared_nn = decided_scores(
            scores_nn, tested.person_n, tested.camera_n, calibration, cohort_n=enrolled_n
        )
    pairs = comparisons(
        compared_nn,
        tested.person_n,
        alike_nn if same else ~alike_nn,
        both_ways=both_ways,
    )
    verified = verify(pairs, fars=(0.01,), resamples=RESAMPLES)
    found = searches(scores_nn, tested.person_n, cells)
    (opened,) = open_set(found, target_fpirs=(0.01,), calibration=calibration)
    rank_1 = identify(scores_nn, tested.person_n, cells).rank(1).estimate()
    return [rank_1, verified.eer, verified.true_accept[0.01], opened.true_positive_rate]


def table_of(
    tested: Filmed, cohort: Filmed, *, masks: str, cohort_people: int, encoder: Encoder
) -> Table:
    """One row for each kind of score, within one view and across.

    Args:
        tested: two walks of everybody.
        cohort: one walk of each of other people.
        masks: whose they are, in words.
        cohort_people: how many were asked for.
        encoder: of the checkpoint that is measured.
    """
    cosines_nn = tested.vectors_nd @ tested.vectors_nd.T
    by_gallery_nn = told_by_the_gallery(tested, tested.walk_n == 0)
    rows: list[tuple[str, Scores, Calibration | None, bool]] = [
        ("cosine", cosines_nn, None, False),
        ("as decided", cosines_nn, encoder.checkpoint.calibration, True),
        ("gallery's mean and deviation", by_gallery_nn, None, True),
    ]
    for size in sorted({min(50, cohort_people), min(100, cohort_people), cohort_people}):
        scores_nn = normalised(tested, cohort.of_first(size), by_camera=True)
        rows.append((f"S-norm, {size}, its camera", scores_nn, None, False))
    closest = min(CLOSEST, cohort_people)
    for by_camera, whose in ((True, "its camera"), (False, "any camera")):
        scores_nn = normalised(tested, cohort, by_camera=by_camera, closest=closest)
        name = f"S-norm, closest {closest} of {cohort_people}, {whose}"
        rows.append((name, scores_nn, None, False))
    people, cameras = len(np.unique(tested.person_n)), len(CAMERAS_DEGREES)
    table = Table(
        title=f"{people} walkers × 2 walks × {cameras} cameras, {masks}, in %;"
        f" {encoder.checkpoint.checkpoint_id}"
    )
    for column in ("score", "views", "rank-1", "EER ↓", "TAR at FAR 1 %", "TPIR at FPIR 1 %"):
        table.add_column(column, justify="left" if column in ("score", "views") else "right")
    for same in (True, False):
        for name, scores_nn, levels, both_ways in rows:
            told = figures(scores_nn, tested, same=same, calibration=levels, both_ways=both_ways)
            table.add_row(name, "same" if same else "across", *(in_percent(one) for one in told))
        table.add_section()
    return table


def main() -> None:
    """Makes the walkers, measures, prints one table for each kind of masks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohort", type=int, default=250, help="people in the largest cohort")
    most: int = parser.parse_args().cohort
    console = Console(width=140)
    encoder = Encoder.load(device="cpu")
    people = range(FIRST_OF_COHORT, FIRST_OF_COHORT + most)
    cohort = filmed(people, walks=1, encoder=encoder, console=console, recipe=RECIPE)
    for masks, recipe in KINDS_OF_MASKS.items():
        tested = filmed(TESTED_PEOPLE, walks=2, encoder=encoder, console=console, recipe=recipe)
        console.print(table_of(tested, cohort, masks=masks, cohort_people=most, encoder=encoder))


if __name__ == "__main__":
    main()
