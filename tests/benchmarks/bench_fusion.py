"""Whether a linear model beside the network buys anything: `make bench-fusion`.

    python -m tests.benchmarks.bench_fusion [--people 50] [--training 250]

PCA + LDA on GEI pixels is fitted to training walkers, and its cosine is added to the network's with
several weights, on the people and by the protocols of `walkprint evaluate`, whose walkers under
runs/walkers are used again.

Shape letter: N walks.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from model.baselines import LinearBaseline
from model.bootstrap import Estimate
from model.datasets.labelled import LabelledGeis
from model.datasets.walker_recipe import WalkerSetConfig
from model.datasets.walker_set import build_walker_set
from model.encoder import Encoder, in_batches
from model.evaluate import unseen_walkers
from model.identification import open_set, searches
from model.protocols import (
    CASIA_B_CONDITIONS,
    Cell,
    casia_b_cells,
    enrolled_walks,
    probe_walks,
    same_view_cells,
)
from model.ranking import identify
from model.scores import Scores, cosine_scores
from model.verification import comparisons, verify
from tests.benchmarks.estimates import in_percent

FOLDER = Path("runs/walkers")
WEIGHTS = (0.0, 0.1, 0.2, 0.35, 1.0)  # of the linear model
RESAMPLES = 100  # of the intervals of verification, which cost most of the time
COLUMNS = (
    *(f"{condition.upper()} across" for condition in CASIA_B_CONDITIONS),
    "NM same view",
    "EER same ↓",
    "EER across ↓",
    "TPIR at FPIR 1 %",
)


def fused(network_nn: Scores, linear_nn: Scores, weight: float) -> Scores:
    """The weighted mean of two cosines.

    Args:
        network_nn: (N, N).
        linear_nn: (N, N) of the same walks.
        weight: of the linear model, 0 to 1.
    """
    mean_nn: Scores = ((1.0 - weight) * network_nn + weight * linear_nn).astype("float32")
    return mean_nn


def figures(scores_nn: Scores, walks: LabelledGeis) -> list[Estimate]:
    """What stands under `COLUMNS`."""
    subject_n, view_n = walks.subject_n, walks.view_n
    enrolled_n = enrolled_walks(walks.condition_n, walks.walk_n)
    told = []
    for condition in CASIA_B_CONDITIONS:
        cells, _ = casia_b_cells(walks.condition_n, walks.walk_n, view_n, condition)
        told.append(identify(scores_nn, subject_n, cells).rank(1).estimate())
    probes_n = probe_walks(walks.condition_n, walks.walk_n, "nm")
    here = same_view_cells(probes_n, enrolled_n, view_n)
    told.append(identify(scores_nn, subject_n, here).rank(1).estimate())
    same_nn = view_n[:, None] == view_n[None, :]
    for permitted_nn in (same_nn, ~same_nn):
        pairs = comparisons(scores_nn, subject_n, permitted_nn)
        told.append(verify(pairs, fars=(), resamples=RESAMPLES).eer)
    found = searches(scores_nn, subject_n, [Cell(~enrolled_n, enrolled_n)])
    (opened,) = open_set(found, target_fpirs=(0.01,))
    told.append(opened.true_positive_rate)
    return told


def main() -> None:
    """Makes the walkers, fits, measures, prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50, help="whom nobody trained on")
    parser.add_argument("--training", type=int, default=250, help="walkers PCA + LDA is fitted on")
    parser.add_argument("--processes", type=int, default=1, help="that make walkers")
    asked = parser.parse_args()
    console = Console(width=140)
    encoder = Encoder.load(device="cpu")
    gei = encoder.checkpoint.gei
    seen = WalkerSetConfig(identities=asked.training, gei=gei)
    unseen = unseen_walkers(gei, identities=asked.people)
    training, tested = (
        build_walker_set(
            config, FOLDER / f"{name}-{config.fingerprint()}", asked.processes, console=console
        )
        for name, config in (("baseline", seen), ("unseen", unseen))
    )
    walks = tested.labelled()
    linear = LinearBaseline.fit(training.geis_nhw, training.label_n)
    network_nn = cosine_scores(in_batches(encoder.encode, walks.geis_nhw))
    linear_nn = cosine_scores(linear.encode(walks.geis_nhw))
    table = Table(
        title=f"{encoder.checkpoint.checkpoint_id} and PCA + LDA on {asked.training} walkers,"
        f" weighed: {walks.subjects} unseen walkers, {len(walks)} walks, in %"
    )
    table.add_column("weight of PCA + LDA", justify="right")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for weight in track(WEIGHTS, "weights", console=Console(stderr=True)):
        told = figures(fused(network_nn, linear_nn, weight), walks)
        table.add_row(f"{weight:g}", *(in_percent(one) for one in told))
    console.print(table)


if __name__ == "__main__":
    main()
