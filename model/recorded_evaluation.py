"""What a checkpoint's file keeps of an evaluation: every figure, and the curves worth a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from model.checkpoint import load_checkpoint, save_checkpoint
from model.evaluation_report import MATRIX_ENDING, EvaluationReport, MethodReport, Series

SERIES = "series"
"""The member of a data set's figures that holds curves and matrices; the others are numbers."""
_DECIMALS = 4
# Of a curve's rate of errors, evenly spaced in its logarithm: as many as a picture shows.
_CURVE_POINTS = 32
_LOWEST_RATE = 1e-4  # rarer errors are beyond the decimals, and beyond what 50 people can tell
_KEPT_RANKS = 20


def record_evaluation(path: Path, report: EvaluationReport, *, date: str) -> None:
    """Writes what was measured into the checkpoint's own file, in place of what it said before.

    Weights, settings and id stay as they are; figures on other data sets stay, too.

    Args:
        path: of the checkpoint.
        report: whose first method is this checkpoint.
        date: of the evaluation, ISO 8601.

    Raises:
        CheckpointNotReadable: it is none.
        OSError: the file cannot be written.
    """
    checkpoint = load_checkpoint(path)
    figures = recorded_figures(report, date=date)
    metrics = {**checkpoint.metrics, report.dataset: figures}
    save_checkpoint(replace(checkpoint, metrics=metrics), path)


def recorded_figures(report: EvaluationReport, *, date: str) -> dict[str, Any]:
    """Figures by name, rounded; under `series` the curves; who was measured, and when.

    A figure that could not be measured is left out.
    """
    network = report.methods[0]
    figures = {
        metric.name: round(metric.value, _DECIMALS)
        for metric in network.metrics
        if math.isfinite(metric.value)
    }
    series = {
        one.name: {"columns": list(one.columns), "rows": [_rounded(row) for row in one.rows]}
        for one in _shown(network)
        if one.rows
    }
    measured = f"{date}: {report.walks:,} walks of {report.subjects:,} people"
    return {**figures, "measured": measured, SERIES: series}


def _shown(network: MethodReport) -> Iterator[Series]:
    """The series of which somebody makes a picture, no longer than that needs."""
    for one in network.series:
        if one.name.startswith("CMC "):
            yield _kept(one, one.columns, one.rows[:_KEPT_RANKS])
        elif one.name.startswith("DET") and not one.name.endswith("as decided"):
            columns = ("FMR", "FNMR", "FNMR low", "FNMR high")
            yield _kept(one, columns, _thinned(_columns(one, columns)))
        elif one.name.startswith("open set") and not one.name.endswith("as decided"):
            sizes = sorted({row[0] for row in one.rows})
            rows = [
                row
                for size in sizes
                for row in _thinned([row for row in one.rows if row[0] == size], rate=1)
            ]
            yield _kept(one, one.columns, rows)
        elif one.name.endswith(MATRIX_ENDING):
            yield _kept(one, one.columns, (*one.rows, *_own_views(network, one.name)))


def _own_views(network: MethodReport, matrix: str) -> Iterator[tuple[float, ...]]:
    """The diagonal of a matrix of views: rank-1 with a probe's own view enrolled."""
    condition = matrix.removesuffix(MATRIX_ENDING)
    for one in network.breakdowns:
        if one.name == "rank-1 same view" and condition in one.columns:
            place = one.columns.index(condition)
            for view, estimates in one.rows:
                angle = float(view.removesuffix("°"))
                yield (angle, angle, estimates[place].value)


def _columns(series: Series, names: Sequence[str]) -> list[tuple[float, ...]]:
    places = [series.columns.index(name) for name in names]
    return [tuple(row[place] for place in places) for row in series.rows]


def _thinned(rows: Sequence[tuple[float, ...]], *, rate: int = 0) -> list[tuple[float, ...]]:
    """Rows whose rate is nearest to evenly spaced logarithms; those below the lowest rate go."""
    some = sorted(row for row in rows if row[rate] >= _LOWEST_RATE)
    if len(some) <= _CURVE_POINTS:
        return some
    logarithms = np.log10([row[rate] for row in some])
    wanted = np.linspace(logarithms.min(), logarithms.max(), _CURVE_POINTS)
    nearest = np.abs(logarithms[None, :] - wanted[:, None]).argmin(axis=1)
    return [some[place] for place in np.unique(nearest).tolist()]


def _kept(series: Series, columns: Sequence[str], rows: Sequence[tuple[float, ...]]) -> Series:
    return Series(series.name, tuple(columns), tuple(rows))


def _rounded(row: tuple[float, ...]) -> list[float | None]:
    return [round(value, _DECIMALS) if math.isfinite(value) else None for value in row]
