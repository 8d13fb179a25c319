"""Whether the capture score predicts recognition: `make bench-quality`.

    python -m tests.benchmarks.bench_quality [--people 200] [--walks 10]

Generated people are enrolled from good walks in all views; more of their walks, most of them
spoiled on purpose, are looked for among them with the shipped network. On one group of people the
weights of the score are fitted and printed as they stand in model/judgement_score.py; on another
group, which took no part in that, the score is compared with what the network made of the walks.

Shape letters: N trials.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.pretty import pretty_repr
from rich.table import Table

from model.encoder import Encoder
from model.judgement_evidence import WalkEvidence
from model.judgement_findings import findings_of
from model.judgement_score import FITTED, level_of
from tests.benchmarks.quality_figure import deciles, draw_quality
from tests.benchmarks.quality_fit import Prediction, fit_quality, predict
from tests.benchmarks.quality_trials import GOOD, SMALL, Trials, hold_trials

FITTED_ON, REPORTED_ON = 7_000_000, 7_500_000
"""Seeds of the first person of either group; nobody of them was trained or calibrated on."""
FIGURE = Path("docs/accuracy/quality.png")
HEIGHTS = (8, 16, 24, 32, 40, 48, 60, 90, 130, 260)
FLOORS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
FOUND_ON = {
    "too-small": SMALL,
    "cut-at-border": "cut by the border",
    "head-hidden": "head hidden",
    "legs-hidden": "behind a hedge",
    "too-few-cycles": "short",
    "stands-still": "halt",
    "frame-rate-low": "low frame rate",
    "frames-dropped": "frames lost",
    "ragged-mask": "patches missing",
}
ALONE: dict[str, Callable[[WalkEvidence], float]] = {
    "height in pixels alone": lambda evidence: evidence.height_pixels,
    "frames used alone": lambda evidence: float(evidence.frames_used),
    "sharpness of the period alone": lambda evidence: evidence.period_sharpness,
}

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def main() -> None:
    """Holds the trials, fits, compares, prints and draws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200, help="in either group")
    parser.add_argument("--walks", type=int, default=10, help="looked for, of each person")
    parser.add_argument("--figure", type=Path, default=FIGURE)
    asked = parser.parse_args()
    encoder = Encoder.load(device="cpu", threads=1)
    progress = Console(stderr=True)
    fitted_on, reported_on = (
        hold_trials(encoder, first, asked.people, asked.walks, progress)
        for first in (FITTED_ON, REPORTED_ON)
    )
    console = Console()
    console.print(f"checkpoint {encoder.checkpoint.checkpoint_id}")
    report(fitted_on, reported_on, console, asked.figure)


def report(fitted_on: Trials, reported_on: Trials, console: Console, figure: Path) -> None:
    """Prints refitted weights and all tables, and draws the figure.

    Args:
        fitted_on: whose trials give the weights.
        reported_on: whose trials are compared with the scores.
        console: where to print.
        figure: path of the PNG.
    """
    fitted = fit_quality(fitted_on.tried)
    console.print(f"refitted on {len(fitted_on.tried)} walks:", pretty_repr(fitted, max_width=60))
    evidences = [trial.evidence for trial in reported_on.tried]
    score_n = np.array([FITTED.score(evidence) for evidence in evidences])
    scores = {
        "shipped score": score_n,
        "refitted score": np.array([fitted.score(evidence) for evidence in evidences]),
    }
    for name, measure in ALONE.items():
        scores[name] = np.array([measure(evidence) for evidence in evidences])
    console.print(_predictions({name: predict(n, reported_on) for name, n in scores.items()}))
    recognised_n = np.array([trial.recognised for trial in reported_on.tried])
    kind_n = np.array([trial.kind for trial in reported_on.tried])
    height_n = np.array([evidence.height_pixels for evidence in evidences])
    console.print(_deciles(score_n, recognised_n))
    console.print(_kinds(reported_on, kind_n, score_n, recognised_n))
    console.print(_heights(height_n, np.isin(kind_n, (GOOD, SMALL)), score_n, recognised_n))
    console.print(_findings(evidences, kind_n))
    console.print(_levels(kind_n, score_n, recognised_n))
    console.print(_floors(kind_n, score_n, recognised_n))
    draw_quality(
        figure,
        score_n,
        np.array([trial.margin for trial in reported_on.tried]),
        source=f"{score_n.size} walks of {reported_on.people} generated people, 4 of 5 spoiled",
    )


def _predictions(predictions: dict[str, Prediction]) -> Table:
    table = _table("How well it predicts, on people who were not fitted on", "predictor")
    for column in ("AUC recognised", "ρ recognised", "ρ genuine score", "ρ margin"):
        table.add_column(column, justify="right")
    for name, one in predictions.items():
        table.add_row(
            name,
            _with_interval(one.auc, one.auc_interval),
            f"{one.with_recognised:.3f}",
            f"{one.with_genuine:.3f}",
            _with_interval(one.with_margin, one.margin_interval),
        )
    return table


def _deciles(score_n: Floats, recognised_n: Bools) -> Table:
    table = _table("By tenths of the score", "scores")
    for column in ("walks", "mean score", "rank-1"):
        table.add_column(column, justify="right")
    for group in deciles(score_n):
        table.add_row(
            f"{score_n[group].min():.2f} to {score_n[group].max():.2f}",
            str(group.size),
            f"{score_n[group].mean():.2f}",
            _share(recognised_n[group]),
        )
    return table


def _kinds(trials: Trials, kind_n: NDArray[np.str_], score_n: Floats, recognised_n: Bools) -> Table:
    table = _table("By fault", "fault")
    for column in ("walks", "refused", "rank-1", "mean score", "poor"):
        table.add_column(column, justify="right")
    refused = Counter(trials.refused)
    poor_n = np.array([level_of(score) == "poor" for score in score_n])
    for kind in sorted(set(kind_n), key=lambda name: (name != GOOD, name)):
        here = kind_n == kind
        table.add_row(
            kind,
            str(int(here.sum())),
            str(refused[kind]),
            _share(recognised_n[here]),
            f"{score_n[here].mean():.2f}",
            _share(poor_n[here]),
        )
    return table


def _heights(height_n: Floats, clean_n: Bools, score_n: Floats, recognised_n: Bools) -> Table:
    table = _table("By height of the walker, masks without other faults", "pixels")
    for column in ("walks", "mean score", "rank-1"):
        table.add_column(column, justify="right")
    for low, high in pairwise(HEIGHTS):
        here = clean_n & (height_n >= low) & (height_n < high)
        if here.any():
            table.add_row(
                f"{low} to {high - 1}",
                str(int(here.sum())),
                f"{score_n[here].mean():.2f}",
                _share(recognised_n[here]),
            )
    return table


def _findings(evidences: list[WalkEvidence], kind_n: NDArray[np.str_]) -> Table:
    table = _table("Findings, on walks with a fault of any strength", "finding")
    for column in ("fault", "found", "found on good walks"):
        table.add_column(column, justify="right")
    codes_n = [{finding.code for finding in findings_of(one, None)} for one in evidences]
    for code, kind in FOUND_ON.items():
        found_n = np.array([code in codes for codes in codes_n])
        table.add_row(code, kind, _share(found_n[kind_n == kind]), _share(found_n[kind_n == GOOD]))
    return table


def _levels(kind_n: NDArray[np.str_], score_n: Floats, recognised_n: Bools) -> Table:
    table = _table("By level", "level")
    for column in ("walks", "of good walks", "rank-1"):
        table.add_column(column, justify="right")
    level_n = np.array([level_of(score) for score in score_n])
    for level in ("good", "fair", "poor"):
        here = level_n == level
        table.add_row(
            level, str(int(here.sum())), _share(here[kind_n == GOOD]), _share(recognised_n[here])
        )
    return table


def _floors(kind_n: NDArray[np.str_], score_n: Floats, recognised_n: Bools) -> Table:
    table = _table("What a floor for enrolment refuses", "floor")
    columns = ("of good walks", "of walks not recognised", "of walks recognised", "rank-1 above")
    for column in columns:
        table.add_column(column, justify="right")
    for floor in FLOORS:
        refused_n = score_n < floor
        table.add_row(
            f"{floor:.2f}",
            _share(refused_n[kind_n == GOOD]),
            _share(refused_n[~recognised_n]),
            _share(refused_n[recognised_n]),
            _share(recognised_n[~refused_n]),
        )
    return table


def _table(title: str, first: str) -> Table:
    table = Table(title=title)
    table.add_column(first)
    return table


def _share(true_n: Bools) -> str:
    return f"{100.0 * true_n.mean():.1f} %" if true_n.size else ""


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} [{interval[0]:.3f} to {interval[1]:.3f}]"


if __name__ == "__main__":
    main()
