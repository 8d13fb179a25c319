"""Scores an encoder beside the baselines, on walkers never seen in training or on real silhouettes.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from model.baselines import LinearBaseline, pixels
from model.datasets.casia_a import goes_right_or_closer, read_casia_a
from model.datasets.labelled import LabelledGeis
from model.datasets.tree import read_tree
from model.datasets.walker_recipe import CONDITIONS, WalkerSetConfig
from model.datasets.walker_set import build_walker_set
from model.evaluation_report import DatasetName, EvaluationReport, MethodReport, Metric
from model.gei import GeiConfig
from model.protocols import (
    Cell,
    Scores,
    casia_b_cells,
    cosine_scores,
    cross_view_cells,
    euclidean_scores,
    open_set,
    recognition_rate,
    verification_eer,
)

Encode: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

# Seeds of people; the ranges never meet, and training uses those below a million.
VALIDATION_IDENTITY = 4_000_000
UNSEEN_IDENTITY = 5_000_000
CALIBRATION_IDENTITY = 6_000_000
TARGET_FPIR = 0.01
ENCODE_AT_ONCE = 256  # GEIs: bounds the memory of a forward pass


def unseen_walkers(gei: GeiConfig | None = None, *, identities: int = 50) -> WalkerSetConfig:
    """People nobody trained on, in CASIA-B's shape: 50 people × 10 walks × 11 views."""
    return WalkerSetConfig(
        first_identity=UNSEEN_IDENTITY,
        identities=identities,
        frames=48,
        frames_spread=12,
        views="casia-b",
        gei=gei or GeiConfig(),
    )


class NothingToScore(Exception):
    """Not one walk of the data set could be used; the reasons are in the message."""


def evaluate(
    encode: Encode | None,
    dataset: DatasetName = "walkers",
    folder: Path | None = None,
    *,
    gei: GeiConfig | None = None,
    runs: Path = Path("runs"),
    identities: int = 50,
    baseline_identities: int = 500,
    processes: int = 2,
    frames_per_second: float | None = None,
    console: Console | None = None,
) -> EvaluationReport:
    """Scores an encoder and the baselines on the same GEIs.

    Args:
        encode: uint8 (N, H, W) → float32 (N, D), compared by cosine; None scores the baselines
            only.
        dataset: "walkers" generates people never seen in training; "casia-a" reads a copy of
            CASIA-A, "tree" any folder `<subject>/<walk>`.
        folder: of "casia-a" and "tree"; of "walkers", where the generated set is kept.
        gei: the encoder's own settings.
        runs: where generated walkers are kept.
        identities: people of "walkers".
        baseline_identities: training walkers that PCA + LDA is fitted on, ten walks each; 0 leaves
            that baseline out.
        processes: that generate walkers.
        frames_per_second: of bundles of pictures in a tree, if known.
        console: where progress is drawn; None draws none.

    Raises:
        ValueError: "casia-a" or "tree" without a folder.
        NotCasiaA, EmptyTree: the folder holds something else.
        NothingToScore: no walk of it could be used.
        WalkSetMismatch: the folder holds other walkers.
    """
    gei = gei or GeiConfig()
    if dataset == "walkers":
        config = unseen_walkers(gei, identities=identities)
        folder = folder or runs / "walkers" / f"unseen-{config.fingerprint()}"
        walks = build_walker_set(config, folder, processes, console=console).labelled()
    elif folder is None:
        raise ValueError(f"The data set {dataset!r} needs a folder.")
    elif dataset == "casia-a":
        walks = read_casia_a(folder, gei, console=console)
    else:
        walks = read_tree(folder, gei, frames_per_second=frames_per_second, console=console)
    linear_baseline = None
    if baseline_identities:
        training = WalkerSetConfig(identities=baseline_identities, gei=gei)
        kept = runs / "walkers" / f"baseline-{training.fingerprint()}"
        walkers = build_walker_set(training, kept, processes, console=console)
        linear_baseline = LinearBaseline.fit(walkers.geis_nhw, walkers.label_n)
    return score(encode, walks, dataset, linear_baseline=linear_baseline)


def score(
    encode: Encode | None,
    walks: LabelledGeis,
    dataset: DatasetName,
    *,
    linear_baseline: LinearBaseline | None = None,
) -> EvaluationReport:
    """The figures of a data set whose GEIs are at hand; see `evaluate`."""
    refused: dict[str, int] = {}
    for refusal in walks.refused:
        refused[refusal.code] = refused.get(refusal.code, 0) + 1
    if len(walks) == 0:
        raise NothingToScore(f"No walk of {dataset} could be used: {refused or 'there is none'}.")
    scores_by_method: dict[str, Scores] = {}
    if encode is not None:
        batches = [
            encode(walks.geis_nhw[first : first + ENCODE_AT_ONCE])
            for first in range(0, len(walks), ENCODE_AT_ONCE)
        ]
        scores_by_method["network"] = cosine_scores(np.concatenate(batches))
    scores_by_method["raw GEI"] = euclidean_scores(pixels(walks.geis_nhw))
    if linear_baseline is not None:
        scores_by_method["PCA + LDA"] = cosine_scores(linear_baseline.encode(walks.geis_nhw))
    measure, notes = {
        "walkers": (_walker_metrics, _WALKER_NOTES),
        "casia-a": (_casia_a_metrics, _CASIA_A_NOTES),
        "tree": (_tree_metrics, _TREE_NOTES),
    }[dataset]
    return EvaluationReport(
        dataset=dataset,
        subjects=walks.subjects,
        walks=len(walks),
        refused=refused,
        methods=tuple(
            MethodReport(name, tuple(measure(scores_nn, walks)))
            for name, scores_nn in scores_by_method.items()
        ),
        notes=notes,
    )


_WALKER_NOTES = (
    "Cross-view rank-1 as on CASIA-B: gallery nm-01…04 of one view at a time, identical view left"
    " out, mean over views; probes nm-05/06, bg, cl.",
    "Same view: probes nm-05/06 against nm-01…04 of their own view.",
    "TPIR: half of the people unknown, all views enrolled, probes nm-05/06, bg and cl.",
    "In brackets 95 % intervals, bootstrap over people.",
)
_CASIA_A_NOTES = (
    "Leave one out: a walk against all others of its view.",
    "Opposite: the gallery walked the other way.",
    "Across views: all walks of one view against all of another, mean of the six pairs.",
    "TPIR: half of the people unknown, walks 1–2 enrolled, probes 3–4 of the same view.",
    "In brackets 95 % intervals, bootstrap over people.",
)
_TREE_NOTES = (
    "Leave one out: a walk against all others; people with one walk are part of the gallery only.",
    "TPIR: half of the people unknown.",
    "In brackets 95 % intervals, bootstrap over people.",
)


def _walker_metrics(scores_nn: Scores, walks: LabelledGeis) -> list[Metric]:
    subject_n, view_n = walks.subject_n, walks.view_n
    metrics = []
    for condition in CONDITIONS:
        cells, _ = casia_b_cells(walks.condition_n, walks.walk_n, view_n, condition)
        metrics.append(_rank_1(f"{condition.upper()} rank-1 cross-view", scores_nn, walks, cells))
    enrolled_n = (walks.condition_n == "nm") & (walks.walk_n <= 4)
    normal_n = (walks.condition_n == "nm") & ~enrolled_n
    views = np.unique(view_n)
    same_view = [Cell(normal_n & (view_n == view), enrolled_n & (view_n == view)) for view in views]
    metrics.append(_rank_1("NM rank-1 same view", scores_nn, walks, same_view))
    within_nn = view_n[:, None] == view_n[None, :]
    metrics.append(_eer("EER same view", scores_nn, subject_n, within_nn))
    metrics.append(_eer("EER cross-view", scores_nn, subject_n, ~within_nn))
    metrics.append(_tpir("TPIR at FPIR 1 %", scores_nn, subject_n, Cell(~enrolled_n, enrolled_n)))
    return metrics


def _casia_a_metrics(scores_nn: Scores, walks: LabelledGeis) -> list[Metric]:
    subject_n, walk_n, view_n = walks.subject_n, walks.walk_n, walks.view_n
    early_n, one_way_n = walk_n <= 2, goes_right_or_closer(walks)
    metrics = []
    for view in np.unique(view_n):
        here_n = view_n == view
        angle = f"{view:02.0f}°"
        alone = Cell(here_n, here_n)
        metrics.append(_rank_1(f"leave one out {angle}", scores_nn, walks, [alone]))
        split = Cell(here_n & ~early_n, here_n & early_n)
        metrics.append(_rank_1(f"walks 1–2 → 3–4 {angle}", scores_nn, walks, [split]))
        forth_n, back_n = here_n & one_way_n, here_n & ~one_way_n
        opposite = [Cell(forth_n, back_n), Cell(back_n, forth_n)]
        metrics.append(_rank_1(f"opposite direction {angle}", scores_nn, walks, opposite))
        within_nn = here_n[:, None] & here_n[None, :]
        metrics.append(_eer(f"EER {angle}", scores_nn, subject_n, within_nn))
        metrics.append(_tpir(f"TPIR at FPIR 1 % {angle}", scores_nn, subject_n, split))
    metrics.append(_rank_1("across views", scores_nn, walks, cross_view_cells(view_n)))
    apart_nn = view_n[:, None] != view_n[None, :]
    metrics.append(_eer("EER across views", scores_nn, subject_n, apart_nn))
    return metrics


def _tree_metrics(scores_nn: Scores, walks: LabelledGeis) -> list[Metric]:
    _, label_n, counts = np.unique(walks.subject_n, return_inverse=True, return_counts=True)
    everything_n = np.ones(len(walks), dtype=np.bool_)
    cell = Cell(counts[label_n] > 1, everything_n)
    return [
        _rank_1("leave one out", scores_nn, walks, [cell]),
        _eer("EER", scores_nn, walks.subject_n, everything_n[:, None] & everything_n[None, :]),
        _tpir("TPIR at FPIR 1 %", scores_nn, walks.subject_n, cell),
    ]


def _rank_1(name: str, scores_nn: Scores, walks: LabelledGeis, cells: list[Cell]) -> Metric:
    rate = recognition_rate(scores_nn, walks.subject_n, cells)
    low, high = rate.interval()
    return Metric(name, rate.value, low, high)


def _eer(
    name: str,
    scores_nn: Scores,
    subject_n: NDArray[np.str_],
    permitted_nn: NDArray[np.bool_],
) -> Metric:
    return Metric(name, verification_eer(scores_nn, subject_n, permitted_nn), lower_is_better=True)


def _tpir(name: str, scores_nn: Scores, subject_n: NDArray[np.str_], cell: Cell) -> Metric:
    strangers_too = open_set(scores_nn, subject_n, cell, target_fpir=TARGET_FPIR)
    return Metric(name, strangers_too.true_positive_rate)
