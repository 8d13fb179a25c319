"""The figures of an evaluation as CSV: one table of figures, one of the points of all curves."""

from __future__ import annotations

from collections.abc import Iterator

from model.bootstrap import Estimate
from model.evaluation_report import EvaluationReport, Metric
from model.report_page.spreadsheet import csv_text

FIGURE_COLUMNS = (
    *("method", "part", "row", "column"),
    *("value", "low", "high", "people", "comparisons"),
)
CURVE_COLUMNS = ("method", "curve", "point", "column", "value")


def figures_csv(report: EvaluationReport) -> str:
    """Every figure with its interval; what could not be measured is empty."""
    return csv_text(FIGURE_COLUMNS, _figures(report))


def curves_csv(report: EvaluationReport) -> str:
    """Every number of every curve, in a row of its own."""
    return csv_text(
        CURVE_COLUMNS,
        (
            (method.method, series.name, point, column, _number(value))
            for method in report.methods
            for series in method.series
            for point, row in enumerate(series.rows)
            for column, value in zip(series.columns, row, strict=True)
        ),
    )


def _figures(report: EvaluationReport) -> Iterator[tuple[object, ...]]:
    yield ("", "Enrolment", report.failure_to_enrol.name, "", *_numbers(report.failure_to_enrol))
    for method in report.methods:
        for section in method.sections:
            for metric in section.metrics:
                yield (method.method, section.title, metric.name, "", *_numbers(metric))
        for breakdown in method.breakdowns:
            for label, cells in breakdown.rows:
                for column, cell in zip(breakdown.columns, cells, strict=True):
                    yield (method.method, breakdown.name, label, column, *_numbers(cell))


def _numbers(one: Metric | Estimate) -> tuple[object, ...]:
    rates = (_number(value) for value in (one.value, one.low, one.high))
    return (*rates, one.people, one.comparisons)


def _number(value: float) -> object:
    return "" if value != value else value  # nan alone differs from itself
