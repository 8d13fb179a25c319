"""The figures of a reproduction as CSV."""

from __future__ import annotations

from model.report_page.spreadsheet import csv_text
from model.reproduction.report import ReproductionReport

TABLE_COLUMNS = ("table", "row", "column", "value", "low", "high", "paper", "ran on")
LOSS_COLUMNS = ("network", "batch", "cross-entropy", "ran on")


def tables_csv(report: ReproductionReport) -> str:
    """Every figure in a row of its own. The paper's stands in the column *paper*, as printed there,
    and belongs to the whole row of its table."""
    return csv_text(
        TABLE_COLUMNS,
        (
            (
                table.title,
                row.name,
                column,
                *(("", "", "") if one is None else (one.value, one.low, one.high)),
                row.paper,
                report.label.sentence,
            )
            for table in report.tables
            for row in table.rows
            for column, one in zip(table.columns, row.ours, strict=True)
        ),
    )


def losses_csv(report: ReproductionReport) -> str:
    """The loss of every batch: figure 5 in numbers."""
    return csv_text(
        LOSS_COLUMNS,
        (
            (network, batch, loss, report.label.sentence)
            for network, losses in report.losses.items()
            for batch, loss in enumerate(losses, start=1)
        ),
    )
