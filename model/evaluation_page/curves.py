"""The charts of an evaluation, from the series of its report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from model.evaluation_report import EvaluationReport, MethodReport, Series
from model.ranking import CMC_DEPTH
from model.report_page.charts import (
    Axis,
    Line,
    deviate,
    histogram_chart,
    line_chart,
    percent,
    round_ticks,
)

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_FMR = Axis("FMR", 1e-4, 0.5, (1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5), percent, deviate)
_FNMR = Axis("FNMR", 0.002, 0.95, (0.01, 0.05, 0.2, 0.5, 0.8), percent, deviate)
_FOUND = Axis("probes found", 0.0, 1.0, _SHARES, percent)
_FPIR = Axis("FPIR", 0.0, 0.2, (0.0, 0.05, 0.1, 0.15, 0.2), percent)
_FNIR = Axis("FNIR", 0.0, 1.0, _SHARES, percent)


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    Attributes:
        name: what it shows.
        note: in a few words.
        svg: the drawing.
    """

    name: str
    note: str
    svg: Markup


def cmc_charts(report: EvaluationReport) -> list[Chart]:
    """Cumulative match curves, all methods together, as far as there are people."""
    deepest = min(CMC_DEPTH, report.subjects)
    ticks = tuple(rank for rank in (1, 5, 10, 15, 20) if rank <= deepest)
    rank = Axis("rank", 1, max(deepest, 2), ticks)
    charts = []
    for name, methods in _by_name(report, "CMC "):
        shown = [
            (number, method, _kept(series, [row for row in series.rows if row[0] <= deepest]))
            for number, method, series in methods
        ]
        drawn = line_chart(
            f"Cumulative match curve, {name}", _lines(shown, 0, 1, 2, 3), rank, _FOUND
        )
        charts.append(Chart(name.replace(" rank-1", ""), "", drawn))
    return charts


def det_charts(report: EvaluationReport) -> list[Chart]:
    """Detection error trade-off curves, all methods together, on axes of normal deviates."""
    charts = []
    for name, methods in _by_name(report, "DET"):
        inside = [(number, method, _within(series)) for number, method, series in methods]
        lines = _lines(inside, 1, 4, 5, 6)
        title = name or "all pairs"
        drawn = line_chart(f"Detection error trade-off, {title}", lines, _FMR, _FNMR)
        charts.append(Chart(title, "", drawn))
    return charts


def open_set_charts(report: EvaluationReport) -> list[Chart]:
    """FNIR over FPIR, a chart for each size of gallery."""
    charts = []
    for name, methods in _by_name(report, "open set"):
        for size in sorted({row[0] for _, _, series in methods for row in series.rows}):
            of_size = [(number, method, _only(series, size)) for number, method, series in methods]
            title = f"{name}, {size:g} enrolled".removeprefix(", ")
            drawn = line_chart(f"Open set, {title}", _lines(of_size, 1, 2, 3, 4), _FPIR, _FNIR)
            charts.append(Chart(title, "", drawn))
    return charts


def spread_charts(method: MethodReport) -> list[Chart]:
    """How the scores of genuine pairs and of impostors are spread, for one method."""
    marks = {
        one.name.removeprefix("equal error").strip(): one.rows[0]
        for one in method.series
        if one.name.startswith("equal error")
    }
    charts = []
    for series in method.series:
        if not series.name.startswith("scores") or not series.rows:
            continue
        name = series.name.removeprefix("scores").strip()
        low, high, genuine, impostor = zip(*series.rows, strict=True)
        shares = [
            ("pairs of one person", [one / max(sum(genuine), 1.0) for one in genuine]),
            ("pairs of two people", [one / max(sum(impostor), 1.0) for one in impostor]),
        ]
        top = max(max(heights) for _, heights in shares)
        threshold, rate = marks[name]
        x = Axis("score", low[0], high[-1], round_ticks(low[0], high[-1]))
        y = Axis("share of pairs in a bin", 0.0, top, round_ticks(0.0, top), percent)
        title = name or "all pairs"
        drawn = histogram_chart(f"Scores, {title}", (*low, high[-1]), shares, x, y, mark=threshold)
        note = (
            f"{sum(genuine):,.0f} pairs of one person, {sum(impostor):,.0f} of two; dashed: equal"
            f" error, {100 * rate:.1f} %, at {threshold:.3f}"
        )
        charts.append(Chart(title, note, drawn))
    return charts


_Found = tuple[int, str, Series]


def _by_name(report: EvaluationReport, kind: str) -> Iterator[tuple[str, list[_Found]]]:
    """Names of the series of a kind, in the first method's order, with every method's."""
    for series in report.methods[0].series:
        if series.name.startswith(kind):
            found = [
                (number, method.method, one)
                for number, method in enumerate(report.methods)
                for one in method.series
                if one.name == series.name and one.rows
            ]
            if found:
                yield series.name.removeprefix(kind).strip(), found


def _lines(methods: Sequence[_Found], x: int, y: int, low: int, high: int) -> list[Line]:
    """Curves from columns of series."""
    return [
        Line(
            method,
            number,
            tuple((row[x], row[y]) for row in series.rows),
            tuple((row[x], row[low], row[high]) for row in series.rows),
        )
        for number, method, series in methods
    ]


def _within(series: Series) -> Series:
    """The part of a DET curve that the axes show: clamped points would run along their edges."""
    return _kept(
        series,
        [
            row
            for row in series.rows
            if _FMR.low <= row[1] <= _FMR.high and _FNMR.low <= row[4] <= _FNMR.high
        ],
    )


def _only(series: Series, size: float) -> Series:
    return _kept(series, [row for row in series.rows if row[0] == size])


def _kept(series: Series, rows: Sequence[tuple[float, ...]]) -> Series:
    return Series(series.name, series.columns, tuple(rows))
