"""The report as one HTML file that needs no other: tables, figures, and what they ran on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from markupsafe import Markup

from model.report_page.charts import Axis, Line, line_chart, round_ticks
from model.report_page.pictures import data_uri
from model.report_page.render import render
from model.reproduction.courses import SMOOTHED_STEPS, smoothed
from model.reproduction.report import ReproductionReport


def html_page(report: ReproductionReport, folder: Path) -> str:
    """Writes the page.

    Args:
        report: what was found.
        folder: where the figures' files lie; they are put into the page.
    """
    drawings = {"figure-5.png": _loss_curves(report)}  # a drawing is readable at any width
    return render(
        "reproduction.html",
        report=report,
        drawings=drawings,
        pictures={
            figure.file: data_uri((folder / figure.file).read_bytes())
            for figure in report.figures
            if figure.file not in drawings
        },
        smoothed_steps=SMOOTHED_STEPS,
    )


def _loss_curves(report: ReproductionReport) -> Markup:
    """Figure 5, from the numbers that the JSON and the CSV hold."""
    lines = []
    for number, (name, losses) in enumerate(report.losses.items()):
        mean_s = smoothed(np.array(losses))
        points = tuple((float(batch), float(loss)) for batch, loss in enumerate(mean_s, start=1))
        lines.append(Line(name, number, points))
    batches = max(len(line.points) for line in lines)
    top = max(loss for line in lines for _, loss in line.points)
    return line_chart(
        "Loss while training",
        lines,
        Axis("batches", 1.0, max(float(batches), 2.0), round_ticks(1.0, float(batches))),
        Axis("cross-entropy, nats", 0.0, top, round_ticks(0.0, top)),
    )
